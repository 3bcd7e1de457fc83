"""The end of an import: one event for all of its records, whichever way it ended.

An import that was cancelled or failed keeps the rows that are in. They still have to be searchable, and whoever follows
events has to hear of them; a job of its own sees to that, because the import's own job may have died.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from fostr.domains.records.imports import repository
from fostr.domains.records.imports.loading import index_records
from fostr.domains.records.imports.rules import IMPORT_JOB, SETTLE_JOB, SETTLED, Outcome
from fostr.domains.records.imports.telling import tell_person
from fostr.kernel import clock
from fostr.kernel.events import outbox
from fostr.kernel.events.outbox import Actor, Cause
from fostr.kernel.http.errors import Unavailable
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.jobs.status import Job, JobNotFound, get_job

if TYPE_CHECKING:
    from fostr.domains.records.imports.repository import Import
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.jobs.context import JobContext

LOOK_BACK: Final = timedelta(days=2)
_LOOKS: Final = 40
_LOOK_SECONDS: Final = 0.25


class ImportStillRuns(Unavailable):
    """The job of the import has not ended; to be tried again."""

    code = "import_still_runs"
    detail = "The import has not ended yet."


async def settle(job: JobContext, entry: Import, outcome: Outcome, *, error: dict[str, Any] | None = None) -> None:
    """End an import: its last stage, its events, and the mail about it. Twice is the same as once."""
    now = clock.now()
    async with job.unit() as unit:
        if not await repository.move_import(unit, entry.id, "indexed" if outcome == "completed" else "stop", now=now):
            return
        if entry.is_dry_run:
            return
        if entry.recordset_id is not None:
            await _record(
                unit, entry, outcome, type="record.imported", entity="recordset", entity_id=entry.recordset_id
            )
        code = error.get("code") if error else None
        facts = {"error_code": code}
        await _record(unit, entry, outcome, type=f"import.{outcome}", entity="import", entity_id=entry.id, more=facts)
        reason = error.get("detail") if error else None
        await tell_person(unit, entry, outcome, runtime=job.runtime, reason=reason, now=now)


async def _record(
    unit: Unit,
    entry: Import,
    outcome: Outcome,
    *,
    type: str,
    entity: str,
    entity_id: UUID,
    more: dict[str, Any] | None = None,
) -> None:
    actor = entry.actor
    await outbox.record(
        unit,
        type=type,
        entity=entity,
        entity_id=entity_id,
        after={
            "import_id": str(entry.id),
            "job_id": str(entry.job_id),
            "recordset_id": None if entry.recordset_id is None else str(entry.recordset_id),
            "filename": entry.filename,
            "outcome": outcome,
            "imported": entry.imported_rows,
            "updated": entry.updated_rows,
            "skipped": entry.skipped_rows,
            "failed": entry.failed_rows,
            "requested_by": str(entry.created_by),
            **(more or {}),
        },
        cause=Cause(kind="import", id=entry.id, count=entry.imported_rows + entry.updated_rows),
        actor=Actor(
            member_id=entry.created_by,
            user_id=UUID(actor["user_id"]),
            kind="job",
            acting_as=UUID(actor["acting_as"]) if actor["acting_as"] else None,
        ),
    )


async def dispatch_settling(unit: Unit, job_id: UUID, *, workspace: UUID | None) -> None:
    """Have an import settled once its job has ended."""
    await dispatch(unit, SETTLE_JOB, {"job_id": str(job_id)}, workspace=workspace, workflow_id=f"{SETTLE_JOB}:{job_id}")


async def settle_stopped(job: JobContext, job_id: UUID) -> dict[str, Any] | None:
    """Settle an import whose job was cancelled or has failed.

    Raises:
        ImportStillRuns: its job goes on; the queue tries again.
    """
    entry = await _find_import(job, job_id)
    if entry is None or entry.stage in SETTLED:
        return None
    ended = await _wait_for_end(job, job_id)
    entry = await _find_import(job, job_id) or entry
    entry = await index_records(job, entry)
    await settle(job, entry, "cancelled" if ended.status == "cancelled" else "failed", error=ended.error)
    return {"import_id": str(entry.id), "imported": entry.imported_rows}


async def _find_import(job: JobContext, job_id: UUID) -> Import | None:
    async with job.unit() as unit:
        return await repository.find_import(unit, job_id=job_id)


async def _wait_for_end(job: JobContext, job_id: UUID) -> Job:
    for _ in range(_LOOKS):
        async with job.unit() as unit:
            try:
                found = await get_job(unit, job_id)
            except JobNotFound:
                raise ImportStillRuns from None
        if found.is_closed:
            return found
        await asyncio.sleep(_LOOK_SECONDS)
    raise ImportStillRuns


async def dispatch_settlings(job: JobContext) -> dict[str, Any]:
    """Have imports settled whose jobs have ended by themselves, as when their worker died once too often."""
    async with job.runtime.database.unit() as unit:
        ended = await repository.list_ended_jobs(
            unit, name=IMPORT_JOB, follower=SETTLE_JOB, since=clock.now() - LOOK_BACK
        )
    for job_id, workspace in ended:
        async with job.runtime.database.unit(workspace) as unit:
            await dispatch_settling(unit, job_id, workspace=workspace)
    return {"dispatched": len(ended)}
