"""Where a stream begins: at the end of the log, or behind the event that its client was sent last."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from fostr.kernel import clock
from fostr.kernel.events.log import BEGINNING, find_end, find_position, find_settled

if TYPE_CHECKING:
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.events.consumers import Position

MOST_MISSED: Final = 1_000
LONGEST_AWAY: Final = timedelta(hours=24)
"""A client that missed more, or something older, is quicker to fetch what it shows than to be told of each event."""


async def find_start(unit: Unit, last_event_id: str | None) -> tuple[Position, bool]:
    """Return the place from which a stream tells, and whether its client must be told to fetch what lies before it."""
    if last_event_id is None:
        return await find_end(unit, settled=await find_settled(unit)), False
    position = await _find_last(unit, last_event_id)
    if position is None or await _is_too_far(unit, position):
        return await find_end(unit, settled=await find_settled(unit)), True
    return position, False


async def _find_last(unit: Unit, last_event_id: str) -> Position | None:
    try:
        event_id = UUID(last_event_id)
    except ValueError:
        return None
    # Given to those who came before anything had happened.
    return BEGINNING if event_id == BEGINNING.event_id else await find_position(unit, event_id)


async def _is_too_far(unit: Unit, position: Position) -> bool:
    missed = await unit.row(
        """
        select count(*) as count, min(m.created_at) as oldest
        from (
            select e.created_at from events e
            where e.workspace_id = :workspace and e.position > :position
            order by e.position
            limit :limit
        ) m
        """,
        position=position.number,
        limit=MOST_MISSED + 1,
    )
    assert missed is not None  # noqa: S101 - an aggregate always returns a row
    if missed["count"] > MOST_MISSED:
        return True
    return missed["oldest"] is not None and missed["oldest"] < clock.now() - LONGEST_AWAY
