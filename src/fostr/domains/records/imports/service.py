"""Look at imports and exports as jobs: list them, follow them, end them, forget them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.exports.service import JOB as EXPORT_JOB
from fostr.domains.records.imports import repository, schemas
from fostr.domains.records.imports.report import ReportNotFound, sign_report
from fostr.domains.records.imports.rules import SETTLED
from fostr.domains.records.imports.settling import IMPORT_JOB, dispatch_settling
from fostr.kernel.access.access import scope_allows
from fostr.kernel.http.errors import Forbidden, ScopeInsufficient
from fostr.kernel.jobs.status import (
    Job,
    JobEvent,
    JobNotFound,
    JobStillOpen,
    delete_job,
    get_job,
    list_jobs,
    request_cancel,
)
from fostr.kernel.jobs.streams import follow_job
from fostr.kernel.jobs.transitions import OPEN

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from uuid import UUID

    from fostr.domains.records.imports.repository import Import
    from fostr.kernel.http.context import Context
    from fostr.kernel.http.paging import Page, Slice

NAMES: Final[dict[schemas.JobType, str]] = {"import": IMPORT_JOB, "export": EXPORT_JOB}
PERMISSIONS: Final[dict[schemas.JobType, str]] = {"import": "can_import_records", "export": "can_export_records"}
TYPES: Final[dict[str, schemas.JobType]] = {name: kind for kind, name in NAMES.items()}
_TOLD_FAULTS: Final = 50


async def list_transfers(
    context: Context, *, part: Slice, job_type: schemas.JobType | None, status: schemas.JobStatusName | None
) -> Page[schemas.ImportJob]:
    """Return the caller's imports and exports, the newest first; administrators see everybody's."""
    jobs, total = await list_jobs(
        context.unit,
        names=TYPES.keys() if job_type is None else [NAMES[job_type]],
        statuses=None if status is None else [status],
        created_by=_whose(context),
        limit=part.limit,
        offset=part.offset,
    )
    found = await repository.list_imports(context.unit, [job.id for job in jobs]) if jobs else {}
    return part.page([schemas.ImportJob(**_describe(job, found.get(job.id))) for job in jobs], total=total)


def _whose(context: Context) -> UUID | None:
    return None if context.access.is_administrator else context.member_id


async def get_transfer(context: Context, job_id: UUID) -> tuple[Job, Import | None]:
    """Return an import or an export that is the caller's own; administrators reach everybody's.

    Raises:
        JobNotFound: there is none, or it is somebody else's.
    """
    job = await get_job(context.unit, job_id)
    if job.name not in TYPES or _whose(context) not in (None, job.created_by):
        raise JobNotFound
    return job, await repository.find_import(context.unit, job_id=job_id)


async def _get_for_change(context: Context, job_id: UUID) -> tuple[Job, Import | None]:
    """Return an import or an export that the caller may end or forget.

    Raises:
        JobNotFound: there is none, or it is somebody else's.
        ScopeInsufficient, Forbidden: the caller may not make such jobs.
    """
    job, found = await get_transfer(context, job_id)
    permission = PERMISSIONS[TYPES[job.name]]
    if not scope_allows(context.principal.scope, permission):
        raise ScopeInsufficient
    if not context.access.has(permission):
        raise Forbidden(permission=permission)
    return job, found


def _describe(job: Job, found: Import | None) -> dict[str, Any]:
    result = job.result or {}
    return {
        "job_id": job.id,
        "job_type": TYPES[job.name],
        "status": job.status,
        "progress": job.progress,
        "step": job.current_step,
        "message": job.message,
        "import_id": found.id if found else None,
        "recordset_id": found.recordset_id if found else None,
        "filename": found.filename if found else result.get("filename"),
        "makes_recordset": found.makes_recordset if found else False,
        "total_rows": found.total_rows if found else result.get("rows"),
        "is_dry_run": found.is_dry_run if found else False,
        "imported_rows": found.imported_rows if found and not found.is_dry_run else None,
        "updated_rows": found.updated_rows if found and not found.is_dry_run else None,
        "skipped_rows": found.skipped_rows if found and not found.is_dry_run else None,
        "failed_rows": found.failed_rows if found else None,
        "has_report": bool(found and found.failed_rows),
        "is_settled": found.stage in SETTLED if found else job.is_closed,
        "error": job.error,
        "created_by": job.created_by,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "cancel_requested_at": job.cancel_requested_at,
    }


async def show_transfer(context: Context, job_id: UUID) -> schemas.ImportJobDetail:
    """Return how far an import or an export is, and what was wrong with its rows."""
    job, found = await get_transfer(context, job_id)
    faults = await repository.summarise_faults(context.unit, found.id, limit=_TOLD_FAULTS) if found else []
    has_report = found is not None and found.failed_rows > 0
    return schemas.ImportJobDetail(
        **_describe(job, found),
        preview=_show_preview(found) if found and found.preview is not None else None,
        faults=[
            schemas.FaultCount(
                column=row["column_name"], reason=row["reason"], count=row["count"], first_row=row["first_row"]
            )
            for row in faults
        ],
        report_url=sign_report(context.runtime, job.id, now=context.now).url if has_report else None,
    )


def _show_preview(found: Import) -> schemas.ImportPreview:
    return schemas.ImportPreview.model_validate(
        {
            **(found.preview or {}),
            "create": found.imported_rows,
            "update": found.updated_rows,
            "skip": found.skipped_rows,
            "error": found.failed_rows,
        }
    )


async def show_status(context: Context, job_id: UUID) -> schemas.ImportStatus:
    """Return how far an import or an export is, in short."""
    job, found = await get_transfer(context, job_id)
    facts = _describe(job, found)
    return schemas.ImportStatus(**{name: facts[name] for name in schemas.ImportStatus.model_fields})


async def follow_transfer(context: Context, job_id: UUID, *, after: int | None) -> AsyncGenerator[JobEvent]:
    """Return the stream of what a job reports, once it is known that the caller may follow it."""
    return await follow_job(context, job_id, find=get_transfer, after=after)


async def cancel_transfer(context: Context, job_id: UUID) -> schemas.JobCancellation:
    """Ask an import or an export to end; what an import has brought so far stays."""
    job, found = await _get_for_change(context, job_id)
    was_open = not job.is_closed
    job = await _cancel(context, job) if was_open else job
    rows = None if found is None else found.imported_rows
    return schemas.JobCancellation(
        job_id=job.id,
        status=job.status,
        cancel_requested=was_open,
        imported_rows=rows,
        message=_tell_cancelled(rows, was_open=was_open),
    )


async def _cancel(context: Context, job: Job) -> Job:
    cancelled = await request_cancel(context.unit, job.id)
    if job.name == IMPORT_JOB and cancelled.is_closed:
        # It ended without its handler, which would have seen to the rest.
        await dispatch_settling(context.unit, job.id, workspace=context.workspace_id)
    return cancelled


def _tell_cancelled(rows: int | None, *, was_open: bool) -> str:
    if not was_open:
        return "The job had ended already."
    if rows is None:
        return "The job ends; no file is made."
    return f"The import ends. The rows that are in, {rows:,} so far, stay."


async def cancel_all(context: Context) -> schemas.AllCancelled:
    """Ask all of the caller's open imports and exports to end; administrators end everybody's."""
    cancelled: list[UUID] = []
    names = [NAMES[kind] for kind, permission in PERMISSIONS.items() if context.access.has(permission)]
    jobs, _ = await list_jobs(context.unit, names=names, statuses=OPEN, created_by=_whose(context), limit=10_000)
    for job in jobs:
        if job.cancel_requested_at is None:
            await _cancel(context, job)
            cancelled.append(job.id)
    return schemas.AllCancelled(cancelled=len(cancelled), job_ids=cancelled)


async def forget_transfer(context: Context, job_id: UUID) -> None:
    """Take a job that has ended out of the history, with its report; records and recordset stay.

    Raises:
        JobStillOpen: it has not ended, or not all that follows from its end has happened.
    """
    job, found = await _get_for_change(context, job_id)
    if found is not None and found.stage not in SETTLED:
        raise JobStillOpen(status=job.status)
    await delete_job(context.unit, job.id)
    if found is not None:
        await repository.delete_import(context.unit, found.id)


async def address_report(context: Context, job_id: UUID) -> schemas.ReportAddress:
    """Return a fresh address of an import's report.

    Raises:
        ReportNotFound: no row was left out.
    """
    job, found = await get_transfer(context, job_id)
    if found is None or not found.failed_rows:
        raise ReportNotFound
    return sign_report(context.runtime, job.id, now=context.now)
