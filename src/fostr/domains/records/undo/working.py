"""The work of the job that undoes: batch by batch, going on where an earlier run broke off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fostr.domains.records.undo import repository
from fostr.domains.records.undo.running import finish, run_batch
from fostr.domains.records.undo.service import get_operation
from fostr.kernel.jobs.behalf import act_for_member

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.domains.records.undo.operation import Operation
    from fostr.domains.records.undo.repository import Undo
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.jobs.context import JobContext


async def run_undo(job: JobContext, *, change_id: UUID, undo_id: UUID) -> dict[str, Any]:
    """Undo the rest of a change, with the rights that the member has meanwhile."""
    while True:
        async with job.unit() as unit:
            context = await act_for_member(job, unit)
            operation = await get_operation(context, change_id)
            undo = await _find_open(unit, operation, undo_id)
            if undo is None:
                return {"outcome": "done before"}
            undo, is_over = await run_batch(context, operation, undo)
            if is_over:
                undo = await finish(context, operation, undo)
        done = undo.undone + undo.skipped + undo.refused
        progress = min(99, 100 * done / max(operation.count, 1))
        await job.report(progress=progress, step="records", message=f"{undo.undone:,} records are as they were.")
        if is_over:
            return {"undone": undo.undone, "skipped": undo.skipped, "refused": undo.refused}


async def _find_open(unit: Unit, operation: Operation, undo_id: UUID) -> Undo | None:
    undo = (await repository.list_undos(unit, [operation.operation_id])).get(operation.operation_id)
    return undo if undo is not None and undo.undo_id == undo_id and undo.finished_at is None else None
