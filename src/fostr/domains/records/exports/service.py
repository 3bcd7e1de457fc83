"""Exports: asked for by a request, written by a job with the rights that the person has by then."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from fostr.domains.records.exports.formats import ExportedRecord, Writer, open_writer
from fostr.domains.records.exports.repository import exported_columns
from fostr.domains.records.exports.schemas import ExportCreate, ExportJob, ExportStarted
from fostr.domains.records.fields.model import hides_derived
from fostr.domains.records.query.filters import FilterInvalid
from fostr.domains.records.query.selection import RecordQuery, Selection, read_body, select_records
from fostr.domains.records.records.repository.listing import stream_selected
from fostr.domains.records.records.showing import value_columns
from fostr.domains.records.recordsets.reach import Reached, parse_reference, reach_recordset
from fostr.domains.records.views.applying import apply_view, find_applied
from fostr.kernel.db.sql import Fragment
from fostr.kernel.events.outbox import record as record_event
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.jobs.status import JobNotFound, get_job
from fostr.kernel.jobs.streams import follow_job

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from uuid import UUID

    from fostr.domains.records.fields.model import Field
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.http.context import Context
    from fostr.kernel.jobs.status import Job, JobEvent

JOB: Final = "records.export"
CHUNK: Final = 1000
DOWNLOAD_FOR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """An export that is about to be written."""

    reached: Reached
    selection: Selection
    fields: tuple[Field, ...]
    columns: Fragment
    writer: Writer


async def start_export(context: Context, *, data: ExportCreate) -> ExportStarted:
    """Check that an export can be made, and dispatch the job that makes it."""
    plan = await plan_export(context, data)
    recordset = plan.reached.recordset
    job_id = await dispatch(
        context.unit,
        JOB,
        # By its id: until the job runs, the recordset may get another name.
        {**data.model_dump(mode="json"), "recordset_id": str(recordset.id)},
        workspace=context.workspace_id,
        created_by=context.member_id,
        acting_as=context.principal.acting_as,
    )
    facts = {"recordset_id": str(recordset.id), "format": data.format, "rows": None}
    await record_event(context, type="export.requested", entity="export", entity_id=job_id, after=facts)
    base = f"/api/v1/export/jobs/{job_id}"
    return ExportStarted(job_id=job_id, status="queued", stream_url=f"{base}/stream", status_url=base)


async def plan_export(context: Context, data: ExportCreate) -> ExportPlan:
    """Return what an export holds, by the rights that the caller has now.

    Raises:
        RecordsetNotFound: the caller cannot see the recordset.
        ActionForbidden: they may not export from it.
        FilterInvalid: a filter, or one of the fields, does not fit it.
        SortInvalid: the same for the order.
        ViewNotFound: the recordset has no such view, or it is somebody else's own.
        ViewIncomplete: the view filters by what is gone, or hidden from the caller.
        FormatUnavailable: this server cannot write the format.
    """
    reached = await reach_recordset(context, parse_reference(data.recordset_id), "export")
    query, keys = _query(data), data.fields
    if data.view_id is not None:
        view = await find_applied(reached, data.view_id, strict=True)
        query, keys = apply_view(view, query), list(view.shown) if keys is None else keys
    visible = [f for f in reached.recordset.fields if f.key not in reached.mask.hidden]
    fields = tuple(visible if keys is None else [_visible(visible, key) for key in keys])
    values = value_columns(reached, [field.key for field in fields])
    return ExportPlan(
        reached=reached,
        selection=select_records(reached, query, action="export"),
        fields=fields,
        columns=exported_columns(values, has_place=data.format == "geojson" and _shows_place(reached)),
        writer=open_writer(data.format, fields, include_id=data.include_id, origin=_origin(reached)),
    )


def _origin(reached: Reached) -> dict[str, str]:
    settings = reached.recordset.settings
    return {name: settings[name] for name in ("attribution", "licence", "source") if settings.get(name)}


def _shows_place(reached: Reached) -> bool:
    """Say whether the caller may know where records lie: the fields that tell, and that nothing derives from others."""
    places: dict[str, str] = reached.recordset.settings.get("map") or {}
    return not reached.mask.hidden.intersection(places.values()) and not hides_derived(reached.recordset, reached.mask)


def _visible(fields: list[Field], key: str) -> Field:
    found = next((field for field in fields if field.key == key), None)
    if found is None:
        raise FilterInvalid(f"There is no field {key!r}.", parameter="fields", field=key)
    return found


def _query(data: ExportCreate) -> RecordQuery:
    asked = read_body(data, status=data.status, tags=data.tags)
    return replace(asked, time_zone=data.time_zone, sort_by=data.sort_by, sort_order=data.sort_order)


async def write_export(unit: Unit, plan: ExportPlan) -> AsyncGenerator[tuple[int, bytes]]:
    """Yield the file piece by piece, each with the number of records in it; memory stays flat."""
    yield 0, plan.writer.begin()
    chunk: list[ExportedRecord] = []
    async for row in stream_selected(unit, plan.selection, columns=plan.columns, prefetch=CHUNK):
        chunk.append(ExportedRecord(id=str(row["id"]), values=row["field_values"], geometry=row["geometry"]))
        if len(chunk) == CHUNK:
            # In a thread: packing a chunk takes long enough that the worker's other jobs would notice.
            yield len(chunk), await asyncio.to_thread(plan.writer.write, chunk)
            chunk = []
    if chunk:
        yield len(chunk), await asyncio.to_thread(plan.writer.write, chunk)
    yield 0, await asyncio.to_thread(plan.writer.end)


async def get_export(context: Context, job_id: UUID) -> ExportJob:
    """Return how far an export is, with a fresh address of its file once that is written."""
    job = await _find_export(context, job_id)
    result = job.result or {}
    url = None
    if job.status == "completed":
        url = await context.runtime.files.sign_download(
            result["key"], expires_in=DOWNLOAD_FOR, filename=result["filename"], content_type=result["content_type"]
        )
    return ExportJob(
        job_id=job.id,
        status=job.status,
        progress=job.progress,
        rows=result.get("rows"),
        size=result.get("size"),
        filename=result.get("filename"),
        download_url=url,
        error=job.error,
        created_at=job.created_at,
        finished_at=job.finished_at,
    )


async def _find_export(context: Context, job_id: UUID) -> Job:
    """Return an export that is the caller's own; administrators find everybody's.

    Raises:
        JobNotFound: there is none, or it is somebody else's.
    """
    job = await get_job(context.unit, job_id)
    if job.name != JOB:
        raise JobNotFound
    if job.created_by != context.member_id and not context.access.is_administrator:
        raise JobNotFound
    return job


async def follow_export(context: Context, job_id: UUID, *, after: int | None) -> AsyncGenerator[JobEvent]:
    """Return the stream of what an export reports, once it is known that the caller may follow it."""
    return await follow_job(context, job_id, find=_find_export, after=after)
