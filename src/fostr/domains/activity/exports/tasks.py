"""The jobs of exports of the feed: write one, tell of those that failed, delete the old ones."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from fostr.domains.activity.exports import repository
from fostr.domains.activity.exports.events import COMPLETED, ENTITY, FAILED
from fostr.domains.activity.exports.schemas import ActivityExportCreate
from fostr.domains.activity.exports.service import JOB, KEPT, file_key, tell_facts
from fostr.domains.activity.exports.writing import begin_run
from fostr.kernel import clock
from fostr.kernel.auth.principals import Scope
from fostr.kernel.events.outbox import Actor, Cause, record
from fostr.kernel.jobs.behalf import MemberGone
from fostr.kernel.jobs.registry import BULK_QUEUE, job, schedule
from fostr.kernel.jobs.status import delete_job

if TYPE_CHECKING:
    import asyncpg

    from fostr.domains.activity.exports.writing import ExportRun
    from fostr.kernel.jobs.context import JobContext

TELL_FAILED: Final = "activity.tell_failed_export"
AT_ONCE: Final = 200


@job(JOB, queue=BULK_QUEUE, retries=2, timeout=timedelta(hours=6), after_failure=TELL_FAILED)
async def export_activity(context: JobContext) -> dict[str, Any]:
    """Write the activities that the job's input asks for into one file.

    The file is put in place as a whole, so that an attempt which dies leaves none, and the next begins again.
    """
    if context.workspace is None or context.created_by is None:
        raise MemberGone
    asked = ActivityExportCreate.model_validate(context.input["asked"])
    run = begin_run(context, asked, scope=Scope.parse(context.input["scope"]))
    key = file_key(context.workspace, context.id, asked.format)
    content_type = run.writer.content_type
    stored = await context.runtime.files.put(key, run.write(), content_type=content_type)
    await _tell_completed(context, run)
    filename = f"activity-{clock.now():%Y-%m-%d}.{run.writer.extension}"
    return {"key": key, "filename": filename, "content_type": content_type, "rows": run.rows, "size": stored.size}


async def _tell_completed(context: JobContext, run: ExportRun) -> None:
    async with context.unit() as unit:
        # An earlier run may have died after this and before the job had ended.
        if await repository.is_told(unit, type=COMPLETED, entity=ENTITY, entity_id=context.id):
            return
        acting = await run.act(unit)
        await record(
            acting,
            type=COMPLETED,
            entity=ENTITY,
            entity_id=context.id,
            after=tell_facts(run.asked.format, requested_by=acting.member_id, rows=run.rows),
            cause=Cause(kind="job", id=context.id),
        )


@job(TELL_FAILED)
async def tell_failed(context: JobContext) -> None:
    """Record the end of an export that failed for the last time, once."""
    export_id, member_id, error = UUID(context.input["job_id"]), context.created_by, context.input["error"]
    if member_id is None:
        raise MemberGone
    async with context.unit() as unit:
        if await repository.is_told(unit, type=FAILED, entity=ENTITY, entity_id=export_id):
            return
        asked = context.input["input"]["asked"]
        await record(
            unit,
            type=FAILED,
            entity=ENTITY,
            entity_id=export_id,
            after=tell_facts(asked["format"], requested_by=member_id, error_code=error["code"]),
            cause=Cause(kind="job", id=export_id),
            actor=Actor(member_id=member_id, kind="job", acting_as=context.acting_as),
        )


@schedule("activity.prune_exports", "47 3 * * *")
async def prune_exports(context: JobContext) -> dict[str, Any]:
    """Delete exports that ended long ago, with their files."""
    before, deleted = clock.now() - KEPT, 0
    while True:
        async with context.runtime.database.unit() as unit:
            old = await repository.list_old(unit, name=JOB, before=before, limit=AT_ONCE)
        for row in old:
            await _delete(context, row)
        deleted += len(old)
        if len(old) < AT_ONCE:
            return {"deleted": deleted}


async def _delete(context: JobContext, row: asyncpg.Record) -> None:
    async with context.runtime.database.unit(row["workspace_id"]) as unit:
        await delete_job(unit, row["id"])
        # Before the commit: a file that is gone already is no reason to fail, and one that stayed would stay.
        await context.runtime.files.delete(file_key(row["workspace_id"], row["id"], row["input"]["asked"]["format"]))
