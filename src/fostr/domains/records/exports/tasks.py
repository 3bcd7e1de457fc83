"""The job that writes an export."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.exports.schemas import ExportCreate
from fostr.domains.records.exports.service import JOB, ExportPlan, plan_export, write_export
from fostr.domains.records.notices.failures import record_failure
from fostr.domains.records.records.repository.listing import count_selected
from fostr.domains.records.recordsets.counts.repository import get_count
from fostr.kernel.events.outbox import Cause
from fostr.kernel.events.outbox import record as record_event
from fostr.kernel.jobs.behalf import act_for_member
from fostr.kernel.jobs.registry import job

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from fostr.kernel.db.unit import Unit
    from fostr.kernel.jobs.context import JobContext

TELL_FAILED: Final = "records.tell_failed_export"


@job(JOB, queue="bulk", retries=2, timeout=timedelta(hours=6), after_failure=TELL_FAILED)
async def export_records(context: JobContext) -> dict[str, Any]:
    """Write the records that the job's input asks for into one file.

    The file is put in place as a whole, so that an attempt which dies leaves none, and the next begins again.
    """
    data = ExportCreate.model_validate(context.input)
    # Not the job's own unit: this one only reads, for long, and a worker that takes the job over need not wait for it.
    async with context.runtime.database.unit(context.workspace) as unit:
        plan = await plan_export(await act_for_member(context, unit), data)
        tally = _Tally(context, plan)
        key = f"{context.workspace}/exports/{context.id}.{plan.writer.extension}"
        stored = await context.runtime.files.put(key, tally.pass_on(unit), content_type=plan.writer.content_type)
    recordset = plan.reached.recordset
    async with context.unit() as unit:
        facts = {"recordset_id": str(recordset.id), "format": data.format, "rows": tally.rows}
        await record_event(
            await act_for_member(context, unit),
            type="export.completed",
            entity="export",
            entity_id=context.id,
            after=facts,
            cause=Cause(kind="job", id=context.id, count=tally.rows),
        )
    return {
        "key": key,
        "filename": f"{recordset.slug}.{plan.writer.extension}",
        "content_type": plan.writer.content_type,
        "rows": tally.rows,
        "size": stored.size,
    }


@job(TELL_FAILED)
async def tell_failed(context: JobContext) -> None:
    """Record that an export failed for the last time."""
    asked = context.input["input"]
    facts = {"recordset_id": asked["recordset_id"], "format": asked["format"], "rows": None}
    await record_failure(context, type="export.failed", entity="export", after=facts)


class _Tally:
    """Counts the records that pass, and reports how far the export is."""

    def __init__(self, job: JobContext, plan: ExportPlan) -> None:
        self.rows = 0
        self._job = job
        self._plan = plan

    async def pass_on(self, unit: Unit) -> AsyncGenerator[bytes]:
        selection = self._plan.selection
        # Of a selection, only its own records are counted: progress must not tell how many others there are.
        if selection.is_narrowed:
            total = await count_selected(unit, selection)
        else:
            total = await get_count(unit, self._plan.reached.recordset.id)
        expected = max(total, 1)
        async for count, piece in write_export(unit, self._plan):
            self.rows += count
            await self._job.report(progress=min(99, 100 * self.rows // expected), step="writing")
            if piece:
                yield piece
