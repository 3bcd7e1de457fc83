"""Forgetting what members were told long ago."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from fostr.domains.notifications.inbox import repository
from fostr.kernel import clock
from fostr.kernel.jobs.registry import schedule

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.kernel.jobs.context import JobContext

READ_KEPT_FOR: Final = timedelta(days=90)
UNREAD_KEPT_FOR: Final = timedelta(days=365)
AT_A_TIME: Final = 5_000


@schedule("notifications.prune", "43 2 * * *")
async def prune(context: JobContext) -> dict[str, Any]:
    """Forget what was read, or deleted, 90 days ago, and what nobody read within a year."""
    pruned = 0
    for workspace in await context.list_workspaces():
        context.check_cancelled()
        while (count := await _prune_some(context, workspace)) > 0:
            pruned += count
    return {"notifications": pruned}


async def _prune_some(context: JobContext, workspace: UUID) -> int:
    now = clock.now()
    async with context.runtime.database.unit(workspace) as unit:
        return await repository.prune(
            unit, read_before=now - READ_KEPT_FOR, told_before=now - UNREAD_KEPT_FOR, limit=AT_A_TIME
        )
