"""The job that forgets old events, where the operator wants them forgotten."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from fostr.domains.activity.feed.repository import delete_activities
from fostr.kernel import clock
from fostr.kernel.events.dead_letters import known_consumers
from fostr.kernel.events.retention import prune_events
from fostr.kernel.jobs.registry import schedule

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from fostr.kernel.jobs.context import JobContext

BATCH: Final = 1000


@schedule("events.prune", "47 3 * * *")
async def prune(context: JobContext) -> dict[str, Any]:
    """Delete events that are older than the operator wants them kept; by default, none."""
    days = context.runtime.settings.event_days
    if days is None:
        return {"events": 0}
    before = clock.now() - timedelta(days=days)
    pruned = 0
    for workspace in await context.list_workspaces():
        while count := await _prune_some(context, workspace, before=before):
            pruned += count
    return {"events": pruned}


async def _prune_some(context: JobContext, workspace: UUID, *, before: datetime) -> int:
    context.check_cancelled()
    consumers = [consumer.name for consumer in known_consumers()]
    async with context.runtime.database.unit(workspace) as unit:
        ids = await prune_events(unit, before=before, consumers=consumers, limit=BATCH)
        await delete_activities(unit, ids)
    return len(ids)
