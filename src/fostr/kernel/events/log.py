"""Read the outbox as a log: in the order of its writes, from any place, and only what nothing can come before any more.

Positions are drawn as events are written, and become visible when transactions end, which may be in another order.
Were an event read before all that lie before it can be, a reader would pass the place where they are still to appear.
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

BEGINNING: Final = Position(number=0, event_id=UUID(int=0))
"""The place before the first event of a workspace."""

FIRST_WAIT: Final = 0.02
LONGEST_WAIT: Final = 1.0
"""Seconds between looks at an event that waits for a transaction which may still write one before it."""

SETTLED: Final = "select control.settled_event_position()"
"""Answers `find_settled`."""

_COLUMNS: Final = (
    "e.id, e.position, e.type, e.version, e.entity, e.entity_id, e.actor, e.before, e.after, e.cause, e.created_at"
)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a workspace's log.

    Attributes:
        events: in their order.
        positions: the place of each of them.
        end: the place up to which it was read; read on from there.
        has_more: whether more were ready behind it.
        waits: whether events follow that wait for a transaction which may still write one before them: look again soon.
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
    number = await unit.value(
        "select e.position from events e where e.workspace_id = :workspace and e.id = :event_id", event_id=event_id
    )
    return None if number is None else Position(number, event_id)


async def find_settled(unit: Unit) -> int:
    """Return a position of the whole server: every event up to it is there, for any statement that begins after this.

    A unit of work that reads everything as of one moment has to ask before that moment. It can be a little smaller the
    next time, so whatever belongs together is read up to the same one.
    """
    return await unit.value(SETTLED)


def pause_before_look(looks: int) -> float:
    """Return the seconds after which to look again at an event that waits, when that was done so often before."""
    return min(FIRST_WAIT * 2 ** min(looks, 10), LONGEST_WAIT)


async def find_end(unit: Unit, *, settled: int) -> Position:
    """Return the place of the last event that is settled."""
    row = await unit.row(
        """
        select e.position, e.id from events e
        where e.workspace_id = :workspace and e.position <= :settled
        order by e.position desc limit 1
        """,
        settled=settled,
    )
    return BEGINNING if row is None else Position(row["position"], row["id"])


async def find_event(unit: Unit, event_id: UUID) -> Event | None:
    """Return an event of the unit's workspace by its id."""
    row = await unit.row(
        f"select {_COLUMNS} from events e where e.workspace_id = :workspace and e.id = :event_id", event_id=event_id
    )
    return None if row is None else to_event(unit, row)


async def read_log(
    unit: Unit, *, after: Position, settled: int, limit: int, types: Collection[str] | None = None
) -> Part:
    """Return what follows a place in the log of the unit's workspace.

    Args:
        unit: bound to the workspace.
        after: the place.
        settled: as `find_settled` told it.
        limit: at most so many events.
        types: only events of these types; None for all.
    """
    rows = await unit.rows(
        f"""
        select {_COLUMNS} from events e
        where e.workspace_id = :workspace and e.position > :after and (:every or e.type = any(:types))
        order by e.position
        limit :limit
        """,
        every=types is None,
        types=sorted(types or ()),
        after=after.number,
        limit=limit + 1,
    )
    ready = [row for row in rows if row["position"] <= settled]
    taken = ready[:limit]
    positions = [Position(row["position"], row["id"]) for row in taken]
    return Part(
        events=[to_event(unit, row) for row in taken],
        positions=positions,
        end=positions[-1] if positions else after,
        has_more=len(ready) > limit,
        waits=len(ready) < len(rows),
    )


async def scan_log(
    unit: Unit, *, after: Position, settled: int, budget: int, limit: int, types: Collection[str]
) -> Part:
    """Return events of some types that follow a place, out of a bounded part of the log.

    However rare the types are, no more than `budget` events are looked at; the part's end tells how far that was.

    Args:
        unit: bound to the workspace.
        after: the place.
        settled: as `find_settled` told it.
        budget: look at no more events than so many.
        limit: return no more events than so many.
        types: the types that are wanted.
    """
    end, is_cut = await _find_reach(unit, after=after, settled=settled, budget=budget)
    rows = await unit.rows(
        f"""
        select {_COLUMNS} from events e
        where e.workspace_id = :workspace and e.type = any(:types) and e.position > :after and e.position <= :end
        order by e.position
        limit :limit
        """,
        types=sorted(types),
        after=after.number,
        end=end.number,
        limit=limit + 1,
    )
    taken = rows[:limit]
    positions = [Position(row["position"], row["id"]) for row in taken]
    is_full = len(rows) > limit
    return Part(
        events=[to_event(unit, row) for row in taken],
        positions=positions,
        end=positions[-1] if is_full else end,
        has_more=is_full or is_cut,
        waits=False,
    )


async def _find_reach(unit: Unit, *, after: Position, settled: int, budget: int) -> tuple[Position, bool]:
    """Return the place that is `budget` settled events behind another, or the last one, and whether any follow it."""
    rows = await unit.rows(
        """
        select s.position, s.id, s.number
        from (
            select e.position, e.id, row_number() over (order by e.position) as number from events e
            where e.workspace_id = :workspace and e.position > :after and e.position <= :settled
            order by e.position
            limit :most
        ) s
        order by s.number desc
        limit 2
        """,
        after=after.number,
        settled=settled,
        most=budget + 1,
    )
    if not rows:
        return after, False
    is_cut = rows[0]["number"] > budget
    last = rows[int(is_cut)]
    return Position(last["position"], last["id"]), is_cut
