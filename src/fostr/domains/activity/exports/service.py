"""Exports of the feed: asked for by a request, written by a job with the rights that the person has by then."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from fostr.domains.activity.exports.events import ENTITY, REQUESTED
from fostr.domains.activity.exports.schemas import (
    ActivityExport,
    ActivityExportAddress,
    ActivityExportOutput,
    ActivityExportStarted,
)
from fostr.domains.activity.feed.filters import read_filter
from fostr.domains.activity.permissions import EXPORT_ACTIVITY, VIEW_ACTIVITY
from fostr.kernel.events.outbox import record
from fostr.kernel.files.keys import make_key
from fostr.kernel.http.errors import Conflict, Forbidden, NotFound
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.jobs.status import JobNotFound, get_job, list_jobs

if TYPE_CHECKING:
    from typing import Any
    from uuid import UUID

    from fostr.domains.activity.exports.schemas import ActivityExportCreate
    from fostr.kernel.http.context import Context
    from fostr.kernel.http.paging import Page, Slice
    from fostr.kernel.jobs.status import Job

JOB: Final = "activity.export"
KEPT: Final = timedelta(days=7)
"""Exports are deleted after this, with their files."""
DOWNLOAD_FOR: Final = timedelta(hours=1)


class ActivityExportNotFound(NotFound):
    """There is no such export, or it is somebody else's."""

    code = "activity_export_not_found"
    detail = "You have no such export; exports are deleted after a week."


class ActivityExportNotReady(Conflict):
    """The file is not written."""

    code = "activity_export_not_ready"
    detail = "The export is not completed."


async def start_export(context: Context, *, data: ActivityExportCreate) -> ActivityExportStarted:
    """Check that the feed can be asked for this, and dispatch the job that writes it into a file.

    Raises:
        Forbidden: the caller may not see the feed, or may not export it.
        ActivityFilterInvalid: it cannot be asked for this.
    """
    check_may_export(context)
    await read_filter(context, data)
    job_id = await dispatch(
        context.unit,
        JOB,
        {"asked": data.model_dump(mode="json"), "scope": context.principal.scope.label},
        workspace=context.workspace_id,
        created_by=context.member_id,
        acting_as=context.principal.acting_as,
    )
    facts = tell_facts(data.format, requested_by=context.member_id)
    await record(context, type=REQUESTED, entity=ENTITY, entity_id=job_id, after=facts)
    status_url = f"/api/v1/activity/export/jobs/{job_id}"
    return ActivityExportStarted(job_id=job_id, status="queued", status_url=status_url)


def check_may_export(context: Context) -> None:
    """Refuse whoever may not see the feed, or may not export it.

    Raises:
        Forbidden: they may not.
    """
    for permission in (VIEW_ACTIVITY, EXPORT_ACTIVITY):
        if not context.access.has(permission):
            raise Forbidden(permission=permission)


def tell_facts(
    format: str, *, requested_by: UUID, rows: int | None = None, error_code: str | None = None
) -> dict[str, Any]:
    """Return what events tell of an export."""
    return {"format": format, "rows": rows, "requested_by": str(requested_by), "error_code": error_code}


def file_key(workspace_id: UUID, job_id: UUID, format: str) -> str:
    """Return where the file of an export is kept."""
    return make_key(workspace_id, "activity-exports", f"{job_id}.{format}")


async def list_exports(context: Context, *, part: Slice) -> Page[ActivityExport]:
    """Return a part of the caller's own exports, the newest first."""
    jobs, total = await list_jobs(
        context.unit, names=[JOB], created_by=context.member_id, limit=part.limit, offset=part.offset
    )
    return part.page([await _show(context, job) for job in jobs], total=total)


async def get_export(context: Context, job_id: UUID) -> ActivityExport:
    """Return how far an export of the caller's own is.

    Raises:
        ActivityExportNotFound: they have no such export.
    """
    return await _show(context, await _get_own(context, job_id))


async def get_result(context: Context, job_id: UUID) -> dict[str, Any]:
    """Return the `key`, `filename` and `content_type` of a file that is written.

    Raises:
        ActivityExportNotFound: the caller has no such export.
        ActivityExportNotReady: it is not completed.
    """
    job = await _get_own(context, job_id)
    if job.status != "completed" or job.result is None:
        raise ActivityExportNotReady(status=job.status)
    return job.result


async def sign_download(context: Context, job_id: UUID) -> ActivityExportAddress:
    """Return an address from which whoever holds it can fetch the file for an hour.

    Raises:
        ActivityExportNotFound: the caller has no such export.
        ActivityExportNotReady: it is not completed.
    """
    result = await get_result(context, job_id)
    return ActivityExportAddress(
        download_url=await _sign(context, result),
        filename=result["filename"],
        expires_at=context.now + DOWNLOAD_FOR,
    )


async def _get_own(context: Context, job_id: UUID) -> Job:
    try:
        job = await get_job(context.unit, job_id)
    except JobNotFound:
        raise ActivityExportNotFound from None
    if job.name != JOB or job.created_by != context.member_id:
        raise ActivityExportNotFound
    return job


async def _show(context: Context, job: Job) -> ActivityExport:
    return ActivityExport(
        job_id=job.id,
        status=job.status,
        progress=job.progress,
        output_data=await _output(context, job),
        error=job.error,
        created_at=job.created_at,
        finished_at=job.finished_at,
        expires_at=None if job.finished_at is None else job.finished_at + KEPT,
    )


async def _output(context: Context, job: Job) -> ActivityExportOutput | None:
    if job.status != "completed" or job.result is None:
        return None
    facts = {name: job.result[name] for name in ("filename", "content_type", "rows", "size")}
    return ActivityExportOutput(download_url=await _sign(context, job.result), **facts)


async def _sign(context: Context, result: dict[str, Any]) -> str:
    return await context.runtime.files.sign_download(
        result["key"], expires_in=DOWNLOAD_FOR, filename=result["filename"], content_type=result["content_type"]
    )
