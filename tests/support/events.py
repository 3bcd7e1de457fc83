"""Read the outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.kernel.runtime import Runtime


async def event_types(runtime: Runtime, workspace: UUID, *, entity_id: UUID) -> list[str]:
    """Return the types of what happened to a thing, in order."""
    async with runtime.database.unit(workspace) as unit:
        rows = await unit.rows(
            """
            select e.type from events e
            where e.workspace_id = :workspace and e.entity_id = :entity_id order by e.xact, e.id
            """,
            entity_id=entity_id,
        )
    return [row["type"] for row in rows]
