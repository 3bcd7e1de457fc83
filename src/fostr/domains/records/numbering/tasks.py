"""The job that numbers records."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fostr.domains.records.numbering import service
from fostr.kernel.jobs.registry import BULK_QUEUE, job

if TYPE_CHECKING:
    from fostr.kernel.jobs.context import JobContext


@job(service.JOB, queue=BULK_QUEUE, timeout=timedelta(hours=2))
async def number(context: JobContext) -> dict[str, Any]:
    recordset_id = UUID(context.input["recordset_id"])
    return {"records": await service.run_numbering(context, recordset_id=recordset_id, keys=context.input["fields"])}
