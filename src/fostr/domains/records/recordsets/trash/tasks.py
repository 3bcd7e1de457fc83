"""Jobs that empty the trash."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fostr.domains.records.recordsets.trash import service
from fostr.kernel.jobs.registry import BULK_QUEUE, job, schedule

if TYPE_CHECKING:
    from fostr.kernel.jobs.context import JobContext


@job(service.JOB, queue=BULK_QUEUE, retries=20, timeout=timedelta(hours=6))
async def purge(context: JobContext) -> dict[str, Any]:
    return {"records": await service.run_purge(context, recordset_id=UUID(context.input["recordset_id"]))}


@job(service.RECORDS_JOB, queue=BULK_QUEUE, retries=20, timeout=timedelta(hours=6))
async def purge_records(context: JobContext) -> dict[str, Any]:
    return {"records": await service.run_purge_of_records(context)}


@schedule("recordsets.purge_expired", "23 2 * * *")
async def purge_expired(context: JobContext) -> dict[str, Any]:
    return {"recordsets": await service.dispatch_expired(context)}
