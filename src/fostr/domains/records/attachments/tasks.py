"""The job that removes the files of attachments that are gone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.attachments import repository
from fostr.domains.records.attachments.service import thumbnail_key
from fostr.kernel import clock
from fostr.kernel.jobs.registry import schedule

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from fostr.kernel.jobs.context import JobContext

AWAITED_FOR: Final = timedelta(days=1)
BATCH: Final = 500


@schedule("attachments.sweep", "53 2 * * *")
async def sweep(context: JobContext) -> dict[str, Any]:
    """Remove files that were long in the trash, that never arrived, or whose records are gone."""
    removed = 0
    for workspace in await context.list_workspaces():
        context.check_cancelled()
        before = clock.now() - timedelta(days=context.runtime.settings.trash_days)
        while (count := await _sweep_some(context, workspace, before=before)) > 0:
            removed += count
    return {"files": removed}


async def _sweep_some(context: JobContext, workspace: UUID, *, before: datetime) -> int:
    async with context.runtime.database.unit(workspace) as unit:
        rows = await repository.list_removable(
            unit, before=before, expected_before=clock.now() - AWAITED_FOR, limit=BATCH
        )
        # Before the commit: a file that is gone already is no reason to fail, and one that stayed would stay.
        for row in rows:
            await context.runtime.files.delete(row["key"])
            if row["has_thumbnail"]:
                await context.runtime.files.delete(thumbnail_key(row["key"]))
        await repository.delete_rows(unit, [row["id"] for row in rows])
    return len(rows)
