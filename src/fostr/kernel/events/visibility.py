"""Who may see an event, and how much of it: one answer for the feed, streams, webhooks, notifications and the log.

The domain that an event's entity belongs to answers, in a module named `visibility`, by the rights that the reader has
now. What nobody answers for is shown to owners and administrators only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from fostr.kernel.discovery import import_modules

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.kernel.events.consumers import Event
    from fostr.kernel.http.context import Context

ROLE: Final = "visibility"
"""The name of the files in which domains say who may see their events."""

Category: TypeAlias = Literal["record", "user", "goal", "action", "integration", "workspace"]
"""The parts of the activity feed."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An event as one reader may know it.

    Attributes:
        event: with everything taken out of `before` and `after` that the reader may not know.
        name: what people call the thing that it is about, where the reader may know; of a record, its title.
        scope_id: the thing that it lies in and that filters name: the recordset of a record, say; or itself.
        scope_name: what people call that.
        record_id: the record that it is about, directly or through a comment or an attachment.
        labels: what people call what changed, where that is not how `before` and `after` name it: of a record's
            values, the names of the fields, by `field_values.` and their keys.
        done_by: what people call who did it, where that is somebody who is no member.
    """

    event: Event
    name: str | None = None
    scope_id: UUID | None = None
    scope_name: str | None = None
    record_id: UUID | None = None
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    done_by: str | None = None


View: TypeAlias = "Callable[[Context, Sequence[Event]], Awaitable[list[Seen | None]]]"
Divide: TypeAlias = "Callable[[Context], Awaitable[Hashable]]"
Concerns: TypeAlias = "Callable[[Event], Collection[UUID]]"
Expand: TypeAlias = "Callable[[Context, Event, UUID | None], AsyncGenerator[Seen] | None]"


@dataclass(frozen=True, slots=True)
class Visibility:
    """Who may see the events about one kind of thing.

    Attributes:
        entity: the kind of thing.
        category: the part of the activity feed that its events belong to; None where they stay out of the feed, and
            of webhooks: they are told to single members only, such as that their notifications were read.
        view: given a reader and some events about such things, in any order, returns for each of them, in its place,
            what the reader may know, or None. It asks for many at once, with a constant number of statements. Who the
            reader is decides only as far as `divide` tells.
        divide: returns what about a member, apart from their role, decides what they may see. Members of one role
            for whom it returns the same see the same, so that an event is looked at once for all of them. Without it
            the role decides alone.
        concerns: the members and accounts that an event is about in person, by their ids: who asked for the export,
            who owns the view.
        view_own: like `view`, for readers whom events concern; asked about those that `view` does not show them.
        expand: given a reader and one event that stands for a write of many things, yields what the reader may know of
            each, as an event of its own with an id that is always the same, in the order of these ids; beginning
            behind the id that is given last. Given an event that stands for itself, it returns None.
    """

    entity: str
    category: Category | None
    view: View
    divide: Divide | None = None
    concerns: Concerns | None = None
    view_own: View | None = None
    expand: Expand | None = None


_visibilities: dict[str, Visibility] = {}


def register_visibility(*visibilities: Visibility) -> None:
    """Say who may see the events about some kinds of things.

    Raises:
        ValueError: somebody else says so for the same kind.
    """
    for visibility in visibilities:
        if _visibilities.setdefault(visibility.entity, visibility) != visibility:
            raise ValueError(f"the visibility of {visibility.entity} is registered twice")


def find_visibility(entity: str) -> Visibility | None:
    """Return who may see the events about a kind of thing; None where nobody registered it."""
    import_modules(ROLE)
    return _visibilities.get(entity)


def category_of(entity: str) -> Category | None:
    """Return the part of the feed that events about a kind of thing belong to; None where they are in none."""
    visibility = find_visibility(entity)
    return "workspace" if visibility is None else visibility.category


async def see_events(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    """Return, for each of some events, what a reader may know of it, or None; in their order.

    It is for this one reader: what concerns them in person is among it. For a whole class, see `see_for_class`.

    Args:
        context: who reads: the caller of a request, or a member in whose name a job acts.
        events: of the reader's workspace; those of another are never seen.
    """
    seen = await _view_all(context, events, for_class=False)
    own: defaultdict[str, list[int]] = defaultdict(list)
    for place, event in enumerate(events):
        if seen[place] is None and _concerns(context, event):
            own[event.entity].append(place)
    for entity, found in own.items():
        view_own = _registered()[entity].view_own
        if view_own is not None:
            await _fill(seen, found, context=context, events=events, view=view_own)
    return [one if one is None else _show_actor(context, one) for one in seen]


async def see_for_class(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    """Return, for each of some events, what every member of a class of readers may know of it, or None.

    Args:
        context: any member of the class; see `class_of`.
        events: of the workspace. Nothing is told of those that only concern single members, see `concerned_by`.
    """
    seen = await _view_all(context, events, for_class=True)
    return [one if one is None else _show_actor(context, one) for one in seen]


def _concerns(context: Context, event: Event) -> bool:
    reader = {context.member_id, context.principal.user_id}
    return event.workspace_id == context.workspace_id and not reader.isdisjoint(concerned_by(event))


def concerned_by(event: Event) -> frozenset[UUID]:
    """Return the members and accounts, by their ids, who may know more of an event than their classes do."""
    visibility = find_visibility(event.entity)
    return frozenset() if visibility is None or visibility.concerns is None else frozenset(visibility.concerns(event))


async def _view_all(context: Context, events: Sequence[Event], *, for_class: bool) -> list[Seen | None]:
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, event in enumerate(events):
        if event.workspace_id == context.workspace_id:
            places[event.entity].append(place)
    seen: list[Seen | None] = [None] * len(events)
    for entity, found in places.items():
        visibility = find_visibility(entity)
        if for_class and visibility is not None and visibility.category is None:
            continue
        view = _view_unregistered if visibility is None else visibility.view
        await _fill(seen, found, context=context, events=events, view=view)
    return seen


async def _fill(
    seen: list[Seen | None], places: Sequence[int], *, context: Context, events: Sequence[Event], view: View
) -> None:
    answers = await view(context, [events[place] for place in places])
    for place, answer in zip(places, answers, strict=True):
        seen[place] = answer


def _show_actor(context: Context, seen: Seen) -> Seen:
    """Return what is seen of an event with what the reader may know of who did it.

    Everybody is told which member did it, and in whose hands they were, as a record's history tells; accounts and
    kinds of credentials are for those who administer the workspace.
    """
    if context.access.is_administrator:
        return seen
    actor = seen.event.actor
    shown = {**actor, "user_id": None, "kind": "system" if is_system(actor) else None}
    return replace(seen, event=replace(seen.event, actor=shown))


def facts_of(event: Event) -> Mapping[str, Any]:
    """Return what an event tells of its thing as it is, or as it was before it was gone."""
    return event.after or event.before or {}


def is_system(actor: Mapping[str, Any]) -> bool:
    """Say whether nobody did something, but the system itself."""
    return actor.get("kind", "system") == "system"


async def expand_seen(context: Context, event: Event, *, after: UUID | None = None) -> AsyncGenerator[Seen]:
    """Yield what a reader may know of an event: one event for each thing, where it stands for a write of many.

    Nothing, where they may know nothing of it. The expanded events are not in the log. They come in the order of their
    ids, which are the same whenever it is expanded.

    Args:
        context: who reads.
        event: of the reader's workspace.
        after: the id (`seen.event.id`) behind which to go on; None from the beginning. A long walk is made in parts
            by it.
    """
    visibility = find_visibility(event.entity)
    expand = None if visibility is None else visibility.expand
    expanded = None if expand is None else expand(context, event, after)
    if expanded is None:
        expanded = _see_one(context, event)
    async for seen in expanded:
        yield _show_actor(context, seen)


async def _see_one(context: Context, event: Event) -> AsyncGenerator[Seen]:
    [seen] = await see_events(context, [event])
    if seen is not None:
        yield seen


async def _view_unregistered(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    return [Seen(event) if context.access.is_administrator else None for event in events]


async def class_of(context: Context) -> Hashable:
    """Return the class of readers that a member belongs to: all in it see the same of every event by `see_for_class`.

    It holds as long as the rights epoch of the workspace does. What is told to single members only (a `Visibility`
    without a category) is not part of it.
    """
    access = context.access
    kinds = sorted(entity for entity, one in _registered().items() if one.category is not None)
    divides = dict.fromkeys(divide for entity in kinds if (divide := _visibilities[entity].divide) is not None)
    parts = [await divide(context) for divide in divides]
    return (access.workspace_id, access.role, access.base_role, access.principal.scope, *parts)


def _registered() -> dict[str, Visibility]:
    import_modules(ROLE)
    return _visibilities
