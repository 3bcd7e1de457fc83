"""Operations that search for the places of records."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query

from fostr.domains.records.fields.shaping import FieldReadOnly
from fostr.domains.records.geocoding import service
from fostr.domains.records.geocoding.addresses import PlaceFieldsUnknown
from fostr.domains.records.geocoding.schemas import (
    GeocodeCreate,
    GeocodeJob,
    GeocodeStarted,
    PlaceReview,
    RecordPlace,
)
from fostr.domains.records.geocoding.service import PlaceNotFound
from fostr.domains.records.modules import RECORDS
from fostr.domains.records.query.filters import FilterInvalid
from fostr.domains.records.records.endpoints import WRITING_REFUSALS
from fostr.domains.records.records.reach import ReachedRecord, RecordNotFound, record_in_path
from fostr.domains.records.recordsets.definition import FieldUnknown, SettingsInvalid
from fostr.domains.records.recordsets.reach import ActionForbidden, Reached, RecordsetNotFound, recordset_in_query
from fostr.kernel.geocoding import GeocoderNotConfigured
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.paging import LimitedSlice, NumberedSlice, Page
from fostr.kernel.http.routing import Router
from fostr.kernel.http.streams import EventStream, LastEventId
from fostr.kernel.jobs.status import JobNotFound
from fostr.kernel.jobs.streams import job_events, parse_position

router = Router(prefix="/geocode", tags=["Recordset Import"], module=RECORDS)

Editing = Annotated[Context, in_workspace("can_edit_record")]
Viewed = Annotated[Reached, recordset_in_query("view_records")]
Edited = Annotated[ReachedRecord, record_in_path("edit")]
JobStatus = Literal["queued", "running", "completed", "failed", "cancelled"]

REFUSALS = (
    RecordsetNotFound,
    ActionForbidden,
    GeocoderNotConfigured,
    FieldUnknown,
    FieldReadOnly,
    PlaceFieldsUnknown,
    SettingsInvalid,
    FilterInvalid,
)


@router.post("", responses=raises(*REFUSALS))
async def create(context: Editing, data: GeocodeCreate) -> GeocodeStarted:
    """Search for the places of records by their addresses.

    A job asks the geocoders, one after the other until one is sure enough, and writes latitude and longitude where
    there are none. Google and Nominatim are asked where the operator has configured them; the offline one knows
    cities of the world and US postal codes, and no streets. The address stays as it is; who answered, how exactly and
    how surely is kept beside it, and doubtful places are marked for a person to look at. Needs `can_edit` on the
    recordset.
    """
    return await service.start_geocoding(context, data=data)


@router.get("/jobs")
async def list(  # noqa: A001 - endpoints are bare verbs
    context: Editing,
    part: NumberedSlice,
    status: Annotated[JobStatus | None, Query(description="Only searches of this status.")] = None,
) -> Page[GeocodeJob]:
    """List searches for places, the newest first.

    The caller's own; administrators see everybody's.
    """
    return await service.list_geocoding(context, part=part, status=status)


@router.get("/jobs/{job_id}", responses=raises(JobNotFound))
async def get(context: Editing, job_id: UUID) -> GeocodeJob:
    """Get how far a search for places is."""
    return await service.get_geocoding(context, job_id)


@router.get("/jobs/{job_id}/stream", response_class=EventStream, responses=raises(JobNotFound))
async def stream(context: Editing, job_id: UUID, last_event_id: LastEventId = None) -> EventStream:
    """Follow a search for places.

    Server-sent events, from the beginning or after `Last-Event-ID`; the stream ends with the job.
    """
    events = await service.follow_geocoding(context, job_id, after=parse_position(last_event_id))
    return EventStream(job_events(events))


@router.get("/places", responses=raises(RecordsetNotFound, ActionForbidden))
async def places(
    target: Viewed,
    part: LimitedSlice,
    *,
    needs_review: Annotated[bool, Query(description="Only places that a person should look at.")] = False,
) -> Page[RecordPlace]:
    """List where the places of a recordset's records come from.

    Each with the address as it was then, who answered, how exactly and how surely. Who may not see some field of the
    recordset is shown none, because addresses are made of fields.
    """
    return await service.list_places(target, part=part, only_review=needs_review)


@router.post(
    "/places/{record_id}/review",
    responses=raises(RecordNotFound, ActionForbidden, PlaceNotFound, FieldUnknown, JobNotFound, *WRITING_REFUSALS),
)
async def review(target: Edited, data: PlaceReview) -> RecordPlace:
    """Look at the place of a record.

    An empty body accepts it; `lat` and `lng` put the record elsewhere, as any change of it. Either way it is no longer
    marked.
    """
    return await service.review_place(target, data=data)
