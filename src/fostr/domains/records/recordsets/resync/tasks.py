"""The job that brings records in step."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fostr.domains.records.recordsets.resync import service
from fostr.kernel.jobs.registry import BULK_QUEUE, job

if TYPE_CHECKING:
    from fostr.kernel.jobs.context import JobContext


@job(service.JOB, queue=BULK_QUEUE, timeout=timedelta(hours=6))
async def resync(context: JobContext) -> dict[str, Any]:
    return await service.run_resync(
        context,
        recordset_id=UUID(context.input["recordset_id"]),
        fields_version=context.input["fields_version"],
    )
