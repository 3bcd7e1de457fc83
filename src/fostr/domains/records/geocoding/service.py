"""Searching for the places of records: asked for by a request, done by a job, looked at by people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.geocoding import repository
from fostr.domains.records.geocoding.addresses import place_values, plan_fields
from fostr.domains.records.geocoding.choosing import choose_geocoders
from fostr.domains.records.geocoding.schemas import GeocodeJob, GeocodeStarted, RecordPlace
from fostr.domains.records.imports.schemas import JobProblem
from fostr.domains.records.query.filters import write_filters
from fostr.domains.records.query.selection import RecordQuery, select_records
from fostr.domains.records.records.schemas import RecordUpdate
from fostr.domains.records.records.service import update_record
from fostr.domains.records.recordsets.reach import parse_reference, reach_recordset
from fostr.kernel.events.outbox import record as record_event
from fostr.kernel.http.errors import NotFound
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.jobs.status import JobNotFound, get_job, list_jobs
from fostr.kernel.jobs.streams import follow_job

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from uuid import UUID

    from fostr.domains.records.geocoding.schemas import GeocodeCreate, PlaceReview
    from fostr.domains.records.records.reach import ReachedRecord
    from fostr.domains.records.recordsets.reach import Reached
    from fostr.kernel.http.context import Context
    from fostr.kernel.http.paging import Page, Slice
    from fostr.kernel.jobs.status import Job, JobEvent

JOB: Final = "records.geocode"


class PlaceNotFound(NotFound):
    """No geocoder was asked about the record."""

    code = "place_not_found"
    detail = "No geocoder was asked about this record."


async def start_geocoding(context: Context, *, data: GeocodeCreate) -> GeocodeStarted:
    """Check that places can be searched for, and dispatch the job that does it.

    Raises:
        RecordsetNotFound: the caller cannot see the recordset.
        ActionForbidden: they may not edit its records.
        GeocoderNotConfigured: a geocoder was asked for that has no key here.
        FieldUnknown, FieldReadOnly, PlaceFieldsUnknown, SettingsInvalid, FilterInvalid: the fields cannot serve.
    """
    geocoders = choose_geocoders(context.settings, data.geocoders)
    reached = await reach_recordset(context, parse_reference(data.recordset_id), "edit")
    plan_fields(reached, data)
    select_records(reached, query_of(data))
    job_id = await dispatch(
        context.unit,
        JOB,
        {**data.model_dump(mode="json"), "recordset_id": str(reached.recordset.id)},
        workspace=context.workspace_id,
        created_by=context.member_id,
        acting_as=context.principal.acting_as,
    )
    facts = {
        "recordset_id": str(reached.recordset.id),
        "geocoders": [geocoder.name for geocoder in geocoders],
        **dict.fromkeys(("found", "unknown", "needs_review")),
    }
    await record_event(context, type="geocoding.requested", entity="geocoding", entity_id=job_id, after=facts)
    base = f"/api/v1/geocode/jobs/{job_id}"
    return GeocodeStarted(job_id=job_id, status="queued", stream_url=f"{base}/stream", status_url=base)


def query_of(data: GeocodeCreate) -> RecordQuery:
    """Return which records are asked for."""
    return RecordQuery(search=data.search, column_filters=write_filters("column_filters", data.column_filters))


async def list_geocoding(context: Context, *, part: Slice, status: str | None) -> Page[GeocodeJob]:
    """Return the searches of the workspace, the newest first: the caller's own; administrators see everybody's."""
    found, total = await list_jobs(
        context.unit,
        names=[JOB],
        statuses=None if status is None else [status],
        created_by=None if context.access.is_administrator else context.member_id,
        limit=part.limit,
        offset=part.offset,
    )
    recordsets = await repository.list_recordsets(context.unit, [job.id for job in found])
    return part.page([_show(job, recordsets[job.id]) for job in found], total=total)


async def get_geocoding(context: Context, job_id: UUID) -> GeocodeJob:
    """Return how far a search is.

    Raises:
        JobNotFound: there is none, or it is somebody else's.
    """
    job = await _find(context, job_id)
    return _show(job, (await repository.list_recordsets(context.unit, [job_id]))[job_id])


async def follow_geocoding(context: Context, job_id: UUID, *, after: int | None) -> AsyncGenerator[JobEvent]:
    """Return the stream of what a search reports, once it is known that the caller may follow it."""
    return await follow_job(context, job_id, find=_find, after=after)


async def _find(context: Context, job_id: UUID) -> Job:
    job = await get_job(context.unit, job_id)
    if job.name != JOB or (job.created_by != context.member_id and not context.access.is_administrator):
        raise JobNotFound
    return job


def _show(job: Job, recordset_id: UUID) -> GeocodeJob:
    result: dict[str, Any] = job.result or {}
    return GeocodeJob(
        job_id=job.id,
        status=job.status,
        progress=job.progress,
        step=job.current_step,
        message=job.message,
        recordset_id=recordset_id,
        found=result.get("found"),
        unknown=result.get("unknown"),
        skipped=result.get("skipped"),
        needs_review=result.get("needs_review"),
        error=None if job.error is None else JobProblem(**job.error),
        created_by=job.created_by,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
    )


async def list_places(target: Reached, *, part: Slice, only_review: bool) -> Page[RecordPlace]:
    """Return where the places of a recordset's records come from, of those that the caller may see.

    An address is made of fields; who may not see all fields of the recordset is shown none.
    """
    if target.mask.hidden:
        return part.page([], total=0)
    condition, recordset_id = select_records(target, RecordQuery()).condition, target.recordset.id
    rows = await repository.list_places(
        target.unit, condition, recordset_id=recordset_id, only_review=only_review, limit=part.limit, offset=part.offset
    )
    total = await repository.count_listed(target.unit, condition, recordset_id=recordset_id, only_review=only_review)
    return part.page([RecordPlace(**dict(row)) for row in rows], total=total)


async def review_place(target: ReachedRecord, *, data: PlaceReview) -> RecordPlace:
    """Accept the place of a record, or put the record elsewhere.

    Raises:
        PlaceNotFound: no geocoder was asked about it, or the caller may not see all that its address is made of.
        FieldReadOnly: the caller may not change the fields that hold the place.
    """
    row = await repository.find_place(target.unit, target.record.id)
    if row is None or target.reached.mask.hidden:
        raise PlaceNotFound
    context, lat, lng = target.context, row["lat"], row["lng"]
    if data.lat is not None and data.lng is not None:
        lat, lng = data.lat, data.lng
        values = place_values(row["place_fields"], lat=lat, lng=lng)
        await update_record(target, data=RecordUpdate(field_values=values))
    changes = {"lat": lat, "lng": lng, "member_id": context.member_id, "now": context.now}
    await repository.mark_reviewed(target.unit, target.record.id, changes)
    facts = {
        "recordset_id": str(target.record.recordset_id),
        "lat": lat,
        "lng": lng,
        "is_accepted": data.lat is None,
    }
    await record_event(context, type="record.place_reviewed", entity="record", entity_id=target.record.id, after=facts)
    shown = await repository.find_place(target.unit, target.record.id)
    if shown is None:
        raise PlaceNotFound
    return RecordPlace(
        **{name: shown[name] for name in RecordPlace.model_fields if name != "title"}, title=target.record.title
    )
