"""Read the feed: find activities, ask what the reader may see of each, say it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from fostr.domains.activity.feed import repository
from fostr.domains.activity.feed.phrases import describe
from fostr.domains.activity.feed.rules import Place
from fostr.domains.activity.feed.schemas import Activity, ActivityActor, ActivityChange, ActivityScope
from fostr.domains.workspaces.public import list_shown_members
from fostr.kernel.events.log import to_event
from fostr.kernel.events.visibility import see_events

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Mapping
    from uuid import UUID

    import asyncpg

    from fostr.domains.activity.feed.rules import Wanted
    from fostr.domains.workspaces.public import ShownMember
    from fostr.kernel.events.visibility import Seen
    from fostr.kernel.http.context import Context

AT_ONCE: Final = 500
"""Activities that are looked at with one set of statements."""
MOST_CHANGES: Final = 30
LONGEST_VALUE: Final = 300
"""Characters; what is longer is not shown in the feed."""
_COUNTERS: Final = frozenset({"version"})
"""What changes with every change, and says nothing of it."""


@dataclass(frozen=True, slots=True)
class Looked:
    """An activity that was looked at.

    Attributes:
        place: the one behind it.
        activity: what the reader may know of it; None where they may not, or did not ask for it.
    """

    place: Place
    activity: Activity | None


async def look_through(context: Context, wanted: Wanted, *, after: Place | None, first: int) -> AsyncGenerator[Looked]:
    """Look at the activities behind a place one after the other, the newest first.

    Args:
        context: who reads.
        wanted: which activities.
        after: where to begin; None for the newest.
        first: how many are read at once in the beginning; later there are more.
    """
    limit = min(first, AT_ONCE)
    while True:
        batch = await look_at(context, wanted, after=after, limit=limit)
        for looked in batch:
            yield looked
        if len(batch) < limit:
            return
        after, limit = batch[-1].place, min(2 * limit + 10, AT_ONCE)


async def look_at(context: Context, wanted: Wanted, *, after: Place | None, limit: int) -> list[Looked]:
    """Return the next activities behind a place, with a constant number of statements; fewer only at the end."""
    rows = await repository.list_activities(context.unit, wanted, after=after, limit=limit)
    seen = await see_events(context, [to_event(context.unit, row) for row in rows])
    people = await _list_people(context, seen)
    return [
        Looked(Place(row["happened_at"], row["id"]), None if one is None else _show(row, one, people, wanted.words))
        for row, one in zip(rows, seen, strict=True)
    ]


async def _list_people(context: Context, seen: list[Seen | None]) -> dict[str, ShownMember]:
    ids = {actor_id for one in seen if one is not None and (actor_id := one.event.actor.get("member_id"))}
    shown = await list_shown_members(context.unit, member_ids=sorted(ids)) if ids else {}
    return {str(member_id): member for member_id, member in shown.items()}


def _show(
    row: asyncpg.Record, seen: Seen, people: Mapping[str, ShownMember], words: tuple[str, ...]
) -> Activity | None:
    event = seen.event
    actor = people.get(event.actor.get("member_id") or "")
    description = describe(seen, actor=None if actor is None else actor.name)
    # What is searched is what is shown: a hidden title can neither be found nor ruled out.
    folded = description.casefold() if words else ""
    if not all(word in folded for word in words):
        return None
    return Activity(
        id=event.id,
        type=event.type,
        category=row["category"],
        action=event.type.partition(".")[2],
        description=description,
        actor=None if actor is None else ActivityActor(id=actor.id, name=actor.name, avatar_url=actor.avatar_url),
        entity=event.entity,
        entity_id=event.entity_id,
        entity_name=seen.name,
        scope=None if seen.scope_id is None else ActivityScope(id=seen.scope_id, name=seen.scope_name),
        record_id=seen.record_id,
        count=(event.cause or {}).get("count"),
        changes=list_changes(event.before, event.after),
        link=_link(seen.record_id),
        timestamp=row["happened_at"],
        times=1,
        started_at=row["happened_at"],
    )


def _link(record_id: UUID | None) -> str | None:
    return None if record_id is None else f"/records/{record_id}"


def list_changes(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[ActivityChange]:
    """Return what differs between two states of a thing, in short; nothing of a thing that is new or gone."""
    if before is None or after is None:
        return []
    old, new = dict(_flatten(before)), dict(_flatten(after))
    fields = [
        field for field in dict.fromkeys([*old, *new]) if old.get(field) != new.get(field) and field not in _COUNTERS
    ]
    return [
        ActivityChange(field=field, before=_short(old.get(field)), after=_short(new.get(field)))
        for field in fields[:MOST_CHANGES]
    ]


def _flatten(state: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in state.items():
        if isinstance(value, dict):
            inner = cast("dict[str, Any]", value)
            yield from ((f"{key}.{name}", one) for name, one in inner.items())
        else:
            yield key, value


def _short(value: Any) -> Any:
    return value if len(str(value)) <= LONGEST_VALUE else None
