"""The job that searches for places, and the one that forgets old answers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.geocoding import repository
from fostr.domains.records.geocoding.searching import REMEMBERED_FOR, run_search
from fostr.domains.records.geocoding.service import JOB
from fostr.domains.records.notices.failures import record_failure
from fostr.kernel import clock
from fostr.kernel.jobs.registry import BULK_QUEUE, job, schedule

if TYPE_CHECKING:
    from fostr.kernel.jobs.context import JobContext


TELL_FAILED: Final = "records.tell_failed_geocoding"


@job(JOB, queue=BULK_QUEUE, retries=5, timeout=timedelta(hours=24), after_failure=TELL_FAILED)
async def geocode(context: JobContext) -> dict[str, Any]:
    return await run_search(context)


@job(TELL_FAILED)
async def tell_failed(context: JobContext) -> None:
    """Record that a search failed for the last time."""
    asked = context.input["input"]
    facts: dict[str, Any] = {
        "recordset_id": asked["recordset_id"],
        "geocoders": asked["geocoders"] or [],
        **dict.fromkeys(("found", "unknown", "needs_review")),
    }
    await record_failure(context, type="geocoding.failed", entity="geocoding", after=facts)


@schedule("geocoding.forget", "41 3 * * *")
async def forget(context: JobContext) -> dict[str, Any]:
    """Forget what geocoders answered so long ago that they are asked anew."""
    forgotten = 0
    for workspace in await context.list_workspaces():
        async with context.runtime.database.unit(workspace) as unit:
            forgotten += await repository.delete_old_answers(unit, before=clock.now() - REMEMBERED_FOR)
    return {"answers": forgotten}
