"""The job that gives a field another type."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fostr.domains.records.recordsets.retyping import service
from fostr.kernel.jobs.registry import BULK_QUEUE, job

if TYPE_CHECKING:
    from fostr.kernel.jobs.context import JobContext


@job(service.JOB, queue=BULK_QUEUE, retries=20, timeout=timedelta(hours=6))
async def retype(context: JobContext) -> dict[str, Any]:
    return await service.run_retyping(
        context,
        recordset_id=UUID(context.input["recordset_id"]),
        key=context.input["key"],
        cause_id=UUID(context.input["cause_id"]),
    )
