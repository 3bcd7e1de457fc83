"""The job that searches for places, and the one that forgets old answers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from fostr.domains.records.geocoding import repository
from fostr.domains.records.geocoding.searching import REMEMBERED_FOR, run_search
from fostr.domains.records.geocoding.service import JOB
from fostr.kernel import clock
from fostr.kernel.jobs.registry import BULK_QUEUE, job, schedule

if TYPE_CHECKING:
    from fostr.kernel.jobs.context import JobContext


@job(JOB, queue=BULK_QUEUE, retries=5, timeout=timedelta(hours=24))
async def geocode(context: JobContext) -> dict[str, Any]:
    return await run_search(context)


@schedule("geocoding.forget", "41 3 * * *")
async def forget(context: JobContext) -> dict[str, Any]:
    """Forget what geocoders answered so long ago that they are asked anew."""
    forgotten = 0
    for workspace in await context.list_workspaces():
        async with context.runtime.database.unit(workspace) as unit:
            forgotten += await repository.delete_old_answers(unit, before=clock.now() - REMEMBERED_FOR)
    return {"answers": forgotten}
