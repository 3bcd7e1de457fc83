"""Who may see an event, and how much of it: one answer for the feed, streams, webhooks, notifications and the log.

The domain that an event's entity belongs to answers, in a module named `visibility`, by the rights that the reader has
now. What nobody answers for is shown to owners and administrators only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

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
    """

    event: Event
    name: str | None = None
    scope_id: UUID | None = None
    scope_name: str | None = None
    record_id: UUID | None = None


View: TypeAlias = "Callable[[Context, Sequence[Event]], Awaitable[list[Seen | None]]]"
Divide: TypeAlias = "Callable[[Context], Awaitable[Hashable]]"


@dataclass(frozen=True, slots=True)
class Visibility:
    """Who may see the events about one kind of thing.

    Attributes:
        entity: the kind of thing.
        category: the part of the activity feed that its events belong to; None where they stay out of the feed, and
            of webhooks: they are told to single members only, such as that their notifications were read.
        view: given a reader and some events about such things, in any order, returns for each of them, in its place,
            what the reader may know, or None. It asks for many at once, with a constant number of statements.
        divide: returns what about a member, apart from their role, decides what they may see. Members of one role
            for whom it returns the same see the same, so that an event is looked at once for all of them. Without it
            the role decides alone.
    """

    entity: str
    category: Category | None
    view: View
    divide: Divide | None = None


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
    _import_all()
    return _visibilities.get(entity)


def category_of(entity: str) -> Category | None:
    """Return the part of the feed that events about a kind of thing belong to; None where they are in none."""
    visibility = find_visibility(entity)
    return "workspace" if visibility is None else visibility.category


async def see_events(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    """Return, for each of some events, what a reader may know of it, or None; in their order.

    Args:
        context: who reads: the caller of a request, or a member in whose name a job acts.
        events: of the reader's workspace.
    """
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, event in enumerate(events):
        places[event.entity].append(place)
    seen: list[Seen | None] = [None] * len(events)
    for entity, found in places.items():
        visibility = find_visibility(entity)
        view = _view_unregistered if visibility is None else visibility.view
        answers = await view(context, [events[place] for place in found])
        for place, answer in zip(found, answers, strict=True):
            seen[place] = answer
    return seen


async def _view_unregistered(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    return [Seen(event) if context.access.is_administrator else None for event in events]


async def class_of(context: Context) -> Hashable:
    """Return the class of readers that a member belongs to: all in it see the same of every event.

    It holds as long as the rights epoch of the workspace does. What is told to single members only (a `Visibility`
    without a category) is not part of it.
    """
    access = context.access
    kinds = sorted(entity for entity, one in _registered().items() if one.category is not None)
    divides = dict.fromkeys(divide for entity in kinds if (divide := _visibilities[entity].divide) is not None)
    parts = [await divide(context) for divide in divides]
    return (access.workspace_id, access.role, access.base_role, access.principal.scope, *parts)


def _registered() -> dict[str, Visibility]:
    _import_all()
    return _visibilities


@cache
def _import_all() -> None:
    import_modules(ROLE)
