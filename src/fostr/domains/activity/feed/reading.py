"""Read the feed: find activities, ask what the reader may see of each, say it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID

from fostr.domains.activity.feed import repository
from fostr.domains.activity.feed.phrases import MEMBER_FACTS, SOMEBODY, TEAM_FACT, describe
from fostr.domains.activity.feed.rules import Place
from fostr.domains.activity.feed.schemas import CUT, Activity, ActivityActor, ActivityChange, ActivityScope
from fostr.domains.workspaces.public import list_shown_members, list_team_names
from fostr.kernel.events.log import to_event
from fostr.kernel.events.visibility import facts_of, see_events

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence

    import asyncpg

    from fostr.domains.activity.feed.rules import Wanted
    from fostr.domains.workspaces.public import ShownMember
    from fostr.kernel.events.visibility import Seen
    from fostr.kernel.http.context import Context

AT_ONCE: Final = 500
"""Activities that are looked at with one set of statements."""
MOST_CHANGES: Final = 30
LONGEST_VALUE: Final = 300
"""Characters; what is longer is cut."""
_SCOPE: Final = "{scope}"
_PAGES: Final = {
    "recordset": "/recordsets/{id}",
    **dict.fromkeys(("view", "share_link", "pipeline", "geocoding"), f"/recordsets/{_SCOPE}"),
    "import": "/imports/{job}",
    "export": "/exports/{id}",
    "team": "/teams/{id}",
    "member": "/settings/members",
    "api_key": "/settings/api-keys",
    "webhook": "/webhooks/{id}",
}
"""Where things are looked at that are not, and do not belong to, a record; notifications lead to the same pages."""
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
    shown = [(row, one) for row, one in zip(rows, seen, strict=True) if one is not None]
    named = await _list_named(context, shown)
    activities = {row["id"]: _show(row, one, named, wanted.words) for row, one in shown}
    return [Looked(Place(row["happened_at"], row["id"]), activities.get(row["id"])) for row in rows]


@dataclass(frozen=True, slots=True)
class _Named:
    """Who did what is shown, and whom it names, by their ids."""

    members: Mapping[UUID, ShownMember]
    names: Mapping[str, str]


async def _list_named(context: Context, shown: Sequence[tuple[asyncpg.Record, Seen]]) -> _Named:
    facts = [facts_of(one.event) for _, one in shown]
    ids = {row["actor_id"] for row, _ in shown if row["actor_id"] is not None} | _ids(facts, *MEMBER_FACTS)
    members = await list_shown_members(context.unit, member_ids=sorted(ids)) if ids else {}
    teams = await list_team_names(context, team_ids=_ids(facts, TEAM_FACT))
    names = {str(member_id): member.name for member_id, member in members.items() if member.name}
    return _Named(members, names | {str(team_id): name for team_id, name in teams.items()})


def _ids(facts: Sequence[Mapping[str, Any]], *names: str) -> set[UUID]:
    """Return the ids that some facts are; what an event of another version holds in their place is none."""
    found: set[UUID] = set()
    for told in (each[name] for each in facts for name in names if isinstance(each.get(name), str)):
        with suppress(ValueError):
            found.add(UUID(told))
    return found


def _show(row: asyncpg.Record, seen: Seen, named: _Named, words: tuple[str, ...]) -> Activity | None:
    event = seen.event
    actor = named.members.get(row["actor_id"])
    description = describe(
        seen,
        actor=None if actor is None else actor.name,
        is_own=row["actor_id"] == event.entity_id,
        names=named.names,
    )
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
        actor=show_person(actor),
        acting_as=event.actor.get("acting_as"),
        entity=event.entity,
        entity_id=event.entity_id,
        entity_name=seen.name,
        scope=None if seen.scope_id is None else ActivityScope(id=seen.scope_id, name=seen.scope_name),
        record_id=seen.record_id,
        count=(event.cause or {}).get("count"),
        changes=list_changes(event.before, event.after, labels=seen.labels),
        link=_link(seen),
        timestamp=row["happened_at"],
        times=1,
        started_at=row["happened_at"],
    )


def show_person(member: ShownMember | None) -> ActivityActor | None:
    """Return who somebody is; without a name where that was forgotten with their account."""
    if member is None:
        return None
    return ActivityActor(id=member.id, name=member.name or SOMEBODY, avatar_url=member.avatar_url)


def _link(seen: Seen) -> str | None:
    """Return where the thing is looked at; None of what is gone, and of what has no page of its own."""
    event = seen.event
    is_gone = event.after is None and event.before is not None
    if seen.record_id is not None:
        return None if is_gone and event.entity == "record" else f"/records/{seen.record_id}"
    path = _PAGES.get(event.entity)
    if path is None or is_gone or (_SCOPE in path and seen.scope_name is None):
        return None
    return path.format(id=event.entity_id, scope=seen.scope_id, job=facts_of(event).get("job_id"))


def list_changes(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, *, labels: Mapping[str, str]
) -> list[ActivityChange]:
    """Return what differs between two states of a thing, in short; nothing of a thing that is new or gone."""
    if before is None or after is None:
        return []
    old, new = dict(_flatten(before)), dict(_flatten(after))
    fields = [
        field for field in dict.fromkeys([*old, *new]) if old.get(field) != new.get(field) and field not in _COUNTERS
    ]
    return [
        ActivityChange(
            field=field,
            label=labels.get(field) or _label(field),
            before=_short(old.get(field)),
            after=_short(new.get(field)),
        )
        for field in fields[:MOST_CHANGES]
    ]


def _flatten(state: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in state.items():
        if isinstance(value, dict):
            inner = cast("dict[str, Any]", value)
            yield from ((f"{key}.{name}", one) for name, one in inner.items())
        else:
            yield key, value


def _label(field: str) -> str:
    return field.rpartition(".")[2].removesuffix("_id").replace("_", " ").capitalize()


def _short(value: Any) -> Any:
    if len(str(value)) <= LONGEST_VALUE:
        return value
    return f"{value[:LONGEST_VALUE]}{CUT}" if isinstance(value, str) else CUT
