"""Statements on the jobs that export the feed, beyond those of the kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from fostr.kernel.db.unit import Unit


async def list_old(unit: Unit, *, name: str, before: datetime, limit: int) -> list[asyncpg.Record]:
    """Return some of the jobs of a kind, in all workspaces, that ended long ago."""
    return await unit.rows(
        """
        select j.id, j.workspace_id, j.input from jobs j
        where j.name = :name and j.finished_at < :before and j.status in ('completed', 'failed', 'cancelled')
        order by j.finished_at limit :limit
        """,
        name=name,
        before=before,
        limit=limit,
    )


async def is_told(unit: Unit, *, type: str, entity: str, entity_id: UUID) -> bool:
    """Say whether an event of a type was recorded about a thing."""
    return await unit.value(
        """
        select exists (
            select from events e
            where e.workspace_id = :workspace and e.entity = :entity and e.entity_id = :entity_id and e.type = :type
        )
        """,
        type=type,
        entity=entity,
        entity_id=entity_id,
    )
