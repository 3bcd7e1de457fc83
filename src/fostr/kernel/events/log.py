"""Read the outbox as a log: in the order of its writes, from any place, and only what nothing can come before any more.

An event is ready when every transaction that began before the one that wrote it has ended. Were later ones read
sooner, a reader would pass the place where a slow transaction is still to put its events.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from fostr.kernel.events.consumers import Event, Position

if TYPE_CHECKING:
    from collections.abc import Collection

    import asyncpg

    from fostr.kernel.db.unit import Unit

BEGINNING: Final = Position(xact=0, event_id=UUID(int=0))
"""The place before the first event of a workspace."""

_COLUMNS: Final = (
    "e.id, e.xact, e.type, e.version, e.entity, e.entity_id, e.actor, e.before, e.after, e.cause, e.created_at"
)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a workspace's log.

    Attributes:
        events: in their order.
        positions: the place of each of them.
        end: the place up to which it was read; read on from there.
        has_more: whether more were ready behind it.
        waits: whether events follow that wait for an older transaction: look again soon.
    """

    events: list[Event]
    positions: list[Position]
    end: Position
    has_more: bool
    waits: bool


def to_event(unit: Unit, row: asyncpg.Record) -> Event:
    """Return a row of the outbox of the unit's workspace as an event."""
    if unit.workspace is None:
        raise RuntimeError("events are read in a workspace")
    fields = ("id", "type", "version", "entity", "entity_id", "before", "after", "cause", "created_at")
    return Event(workspace_id=unit.workspace, actor=row["actor"] or {}, **{field: row[field] for field in fields})


async def find_position(unit: Unit, event_id: UUID) -> Position | None:
    """Return the place of an event in the log of the unit's workspace; None where there is no such event."""
    xact = await unit.value(
        "select e.xact from events e where e.workspace_id = :workspace and e.id = :event_id", event_id=event_id
    )
    return None if xact is None else Position(xact, event_id)


async def find_end(unit: Unit) -> Position:
    """Return the place behind the last event that is ready."""
    row = await unit.row(
        """
        select e.xact, e.id from events e
        where e.workspace_id = :workspace and e.xact < pg_snapshot_xmin(pg_current_snapshot())
        order by e.xact desc, e.id desc limit 1
        """,
    )
    return BEGINNING if row is None else Position(row["xact"], row["id"])


async def find_event(unit: Unit, event_id: UUID) -> Event | None:
    """Return an event of the unit's workspace by its id."""
    row = await unit.row(
        f"select {_COLUMNS} from events e where e.workspace_id = :workspace and e.id = :event_id", event_id=event_id
    )
    return None if row is None else to_event(unit, row)


async def read_log(unit: Unit, *, after: Position, limit: int, types: Collection[str] | None = None) -> Part:
    """Return what follows a place in the log of the unit's workspace.

    Args:
        unit: bound to the workspace.
        after: the place.
        limit: at most so many events.
        types: only events of these types; None for all.
    """
    rows = await unit.rows(
        f"""
        select {_COLUMNS}, e.xact < pg_snapshot_xmin(pg_current_snapshot()) as ready from events e
        where e.workspace_id = :workspace and (e.xact, e.id) > (:xact::xid8, :event_id::uuid)
          and (:every or e.type = any(:types))
        order by e.xact, e.id
        limit :limit
        """,
        every=types is None,
        types=sorted(types or ()),
        xact=after.xact,
        event_id=after.event_id,
        limit=limit + 1,
    )
    ready = [row for row in rows if row["ready"]]
    taken = ready[:limit]
    positions = [Position(row["xact"], row["id"]) for row in taken]
    return Part(
        events=[to_event(unit, row) for row in taken],
        positions=positions,
        end=positions[-1] if positions else after,
        has_more=len(ready) > limit,
        waits=len(ready) < len(rows),
    )


async def scan_log(unit: Unit, *, after: Position, budget: int, limit: int, types: Collection[str]) -> Part:
    """Return events of some types that follow a place, out of a bounded part of the log.

    However rare the types are, no more than `budget` events are looked at; the part's end tells how far that was.

    Args:
        unit: bound to the workspace.
        after: the place.
        budget: look at no more events than so many.
        limit: return no more events than so many.
        types: the types that are wanted.
    """
    end, is_cut = await _find_reach(unit, after=after, budget=budget)
    rows = await unit.rows(
        f"""
        select {_COLUMNS} from events e
        where e.workspace_id = :workspace and e.type = any(:types)
          and (e.xact, e.id) > (:xact::xid8, :event_id::uuid) and (e.xact, e.id) <= (:end_xact::xid8, :end_id::uuid)
        order by e.xact, e.id
        limit :limit
        """,
        types=sorted(types),
        xact=after.xact,
        event_id=after.event_id,
        end_xact=end.xact,
        end_id=end.event_id,
        limit=limit + 1,
    )
    taken = rows[:limit]
    positions = [Position(row["xact"], row["id"]) for row in taken]
    is_full = len(rows) > limit
    return Part(
        events=[to_event(unit, row) for row in taken],
        positions=positions,
        end=positions[-1] if is_full else end,
        has_more=is_full or is_cut,
        waits=False,
    )


async def _find_reach(unit: Unit, *, after: Position, budget: int) -> tuple[Position, bool]:
    """Return the place that is `budget` ready events behind another, or the last one, and whether any follow it."""
    rows = await unit.rows(
        """
        select s.xact, s.id, s.number
        from (
            select e.xact, e.id, row_number() over (order by e.xact, e.id) as number from events e
            where e.workspace_id = :workspace and (e.xact, e.id) > (:xact::xid8, :event_id::uuid)
              and e.xact < pg_snapshot_xmin(pg_current_snapshot())
            order by e.xact, e.id
            limit :most
        ) s
        order by s.number desc
        limit 2
        """,
        xact=after.xact,
        event_id=after.event_id,
        most=budget + 1,
    )
    if not rows:
        return after, False
    is_cut = rows[0]["number"] > budget
    last = rows[int(is_cut)]
    return Position(last["xact"], last["id"]), is_cut
