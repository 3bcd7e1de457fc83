"""Statements about tours."""

from datetime import datetime
from typing import Final
from uuid import UUID

from fostr.kernel.db.unit import Unit

MOST_TOURS: Final = 500
"""A member's tours; far beyond what a product has."""


async def list_tours(unit: Unit, *, member_id: UUID) -> dict[str, bool]:
    rows = await unit.rows(
        """
        select t.tour_id, t.is_completed from member_tours t
        where t.workspace_id = :workspace and t.member_id = :member_id order by t.tour_id
        """,
        member_id=member_id,
    )
    return {row["tour_id"]: row["is_completed"] for row in rows}


async def save_tour(unit: Unit, *, member_id: UUID, tour_id: str, is_completed: bool, now: datetime) -> None:
    await unit.run(
        """
        insert into member_tours (workspace_id, member_id, tour_id, is_completed, updated_at)
        values (:workspace, :member_id, :tour_id, :is_completed, :now)
        on conflict (workspace_id, member_id, tour_id) do update
        set is_completed = excluded.is_completed, updated_at = excluded.updated_at
        """,
        member_id=member_id,
        tour_id=tour_id,
        is_completed=is_completed,
        now=now,
    )


async def delete_tours(unit: Unit, *, member_id: UUID, tour_id: str | None) -> None:
    await unit.run(
        """
        delete from member_tours t
        where t.workspace_id = :workspace and t.member_id = :member_id
          and (:tour_id::text is null or t.tour_id = :tour_id)
        """,
        member_id=member_id,
        tour_id=tour_id,
    )
