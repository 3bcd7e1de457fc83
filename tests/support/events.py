"""Read the outbox."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from fostr.kernel.events.log import find_settled
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.kernel.db.database import Database
    from fostr.kernel.runtime import Runtime

PATIENCE: Final = 120
"""Seconds. A transaction of another test on the same server that has written an event holds back those after it."""


async def event_types(runtime: Runtime, workspace: UUID, *, entity_id: UUID) -> list[str]:
    """Return the types of what happened to a thing, in order."""
    async with runtime.database.unit(workspace) as unit:
        rows = await unit.rows(
            """
            select e.type from events e
            where e.workspace_id = :workspace and e.entity_id = :entity_id order by e.position
            """,
            entity_id=entity_id,
        )
    return [row["type"] for row in rows]


async def wait_until_ready(database: Database, workspace: UUID) -> None:
    """Wait until no transaction holds back what happened, be it one of another test's on the same server."""
    async with asyncio.timeout(PATIENCE):
        while True:
            async with database.unit(workspace) as unit:
                if await unit.value(
                    """
                    select not exists (
                        select from events e where e.workspace_id = :workspace and e.position > :settled
                    )
                    """,
                    settled=await find_settled(unit),
                ):
                    return
            await asyncio.sleep(0.01)


async def repeat_newest(runtime: Runtime, workspace: UUID, *, entity: str) -> UUID:
    """Let the newest event about some kind of thing happen once more, of which nobody is noticed; return its id."""
    async with runtime.database.unit(workspace) as unit:
        return await unit.value(
            """
            insert into events (workspace_id, id, type, version, entity, entity_id, actor, before, after, cause)
            select :workspace, :id, e.type, e.version, e.entity, e.entity_id, e.actor, e.before, e.after, e.cause
            from events e where e.workspace_id = :workspace and e.entity = :entity
            order by e.position desc limit 1
            returning id
            """,
            id=new_id(),
            entity=entity,
        )
