"""Statements that count activities."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import asyncpg

    from fostr.kernel.db.unit import Unit


async def count_up_to(unit: Unit, *, since: datetime, most: int) -> int:
    """Return how many activities there are since a moment, and no more than `most`."""
    return await unit.value(
        """
        select count(*) from (
            select from activities a where a.workspace_id = :workspace and a.happened_at >= :since limit :most
        ) counted
        """,
        since=since,
        most=most,
    )


async def count_activities(unit: Unit, *, begins: Sequence[datetime]) -> list[asyncpg.Record]:
    """Return how many activities there are by day, kind and member.

    Args:
        unit: bound to the workspace.
        begins: when each of the days begins, the oldest first. The first of them is number 1.
    """
    return await unit.rows(
        """
        select width_bucket(a.happened_at, :begins::timestamptz[]) as number, a.category, a.actor_id, count(*) as count
        from activities a
        where a.workspace_id = :workspace and a.happened_at >= :since
        group by 1, 2, 3
        """,
        begins=list(begins),
        since=begins[0],
    )
