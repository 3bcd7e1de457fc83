"""The job that undoes what touched many records."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fostr.domains.records.undo import service
from fostr.domains.records.undo.working import run_undo
from fostr.kernel.jobs.registry import BULK_QUEUE, job

if TYPE_CHECKING:
    from fostr.kernel.jobs.context import JobContext


@job(service.JOB, queue=BULK_QUEUE, timeout=timedelta(hours=6))
async def undo(context: JobContext) -> dict[str, Any]:
    return await run_undo(context, change_id=UUID(context.input["change_id"]), undo_id=UUID(context.input["undo_id"]))
