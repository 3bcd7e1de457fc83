"""Statements on quiet hours."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from fostr.domains.notifications.quiet_hours.rules import QuietHours
    from fostr.kernel.db.unit import Unit


async def find_quiet_hours(unit: Unit, *, member_id: UUID) -> asyncpg.Record | None:
    """Return what a member chose, switched on or not."""
    return await unit.row(
        """
        select q.is_enabled, q.start_time, q.end_time, q.time_zone, q.days from notification_quiet_hours q
        where q.workspace_id = :workspace and q.member_id = :member_id
        """,
        member_id=member_id,
    )


async def save_quiet_hours(unit: Unit, *, member_id: UUID, is_enabled: bool, hours: QuietHours, now: datetime) -> None:
    """Keep what a member chose."""
    await unit.run(
        """
        insert into notification_quiet_hours
            (workspace_id, member_id, is_enabled, start_time, end_time, time_zone, days, updated_at)
        values (:workspace, :member_id, :is_enabled, :start, :end, :time_zone, :days::smallint[], :now)
        on conflict (workspace_id, member_id) do update
        set is_enabled = excluded.is_enabled, start_time = excluded.start_time, end_time = excluded.end_time,
            time_zone = excluded.time_zone, days = excluded.days, updated_at = excluded.updated_at
        """,
        member_id=member_id,
        is_enabled=is_enabled,
        start=hours.start,
        end=hours.end,
        time_zone=hours.zone.key,
        days=sorted(hours.days),
        now=now,
    )


async def delete_of_member(unit: Unit, *, member_id: UUID) -> None:
    """Forget what a member chose."""
    await unit.run(
        "delete from notification_quiet_hours q where q.workspace_id = :workspace and q.member_id = :member_id",
        member_id=member_id,
    )
