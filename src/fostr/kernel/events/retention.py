"""Forget old events: those that everybody has read, in the order of the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.kernel.events.cursors import list_standings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from fostr.kernel.db.unit import Unit


async def prune_events(unit: Unit, *, before: datetime, consumers: Sequence[str], limit: int) -> list[UUID]:
    """Delete some of the oldest events of the unit's workspace, and return their ids; none when nothing is left to do.

    What a consumer has not put behind it stays, and everything that follows it; so does what a dead letter is about,
    and the last event, from which those go on who have read everything.

    Args:
        unit: bound to the workspace.
        before: only what happened earlier.
        consumers: the names of all who read the log.
        limit: look at no more events than so many.
    """
    standings = await list_standings(unit, consumers)
    letters = await unit.rows("select event_id from event_dead_letters where workspace_id = :workspace")
    rows = await unit.rows(
        """
        with newest as (
            select e.id from events e where e.workspace_id = :workspace order by e.position desc limit 1
        ), oldest as (
            select e.id, e.created_at from events e
            where e.workspace_id = :workspace and e.position <= :slowest
              and e.id <> all(:kept::uuid[])
            order by e.position
            limit :limit
        )
        delete from events e using oldest, newest
        where e.workspace_id = :workspace and e.id = oldest.id and oldest.created_at < :before and e.id <> newest.id
        returning e.id
        """,
        slowest=min((standing["position"] for standing in standings), default=0),
        kept=[row["event_id"] for row in letters],
        before=before,
        limit=limit,
    )
    return [row["id"] for row in rows]
