"""Operations on exports."""

from typing import Annotated
from uuid import UUID

from fostr.domains.records.exports import service
from fostr.domains.records.exports.parquet import FormatUnavailable
from fostr.domains.records.exports.schemas import ExportCreate, ExportJob, ExportStarted
from fostr.domains.records.modules import RECORDS
from fostr.domains.records.query.filters import FilterInvalid
from fostr.domains.records.query.moments import TimeZoneUnknown
from fostr.domains.records.query.sorting import SortInvalid
from fostr.domains.records.recordsets.reach import ActionForbidden, RecordsetNotFound
from fostr.domains.records.views.applying import ViewIncomplete
from fostr.domains.records.views.service import ViewNotFound
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.routing import Router
from fostr.kernel.http.streams import EventStream, LastEventId
from fostr.kernel.jobs.status import JobNotFound
from fostr.kernel.jobs.streams import job_events, parse_position

router = Router(prefix="/export", tags=["Recordset Import"], module=RECORDS)

Exporting = Annotated[Context, in_workspace("can_export_records")]


@router.post(
    "",
    responses=raises(
        RecordsetNotFound,
        ActionForbidden,
        FilterInvalid,
        SortInvalid,
        TimeZoneUnknown,
        ViewNotFound,
        ViewIncomplete,
        FormatUnavailable,
    ),
)
async def create(context: Exporting, data: ExportCreate) -> ExportStarted:
    """Export records to a file.

    A job writes what the filters select, as the person who asked may see it: hidden fields are left out. Follow it by
    its stream, then fetch the file from `download_url`. Columns of CSV and Excel have the fields' names, those of
    Parquet their keys and types. In CSV, texts that a spreadsheet would run as formulas are made harmless by an
    apostrophe; in Excel they are cells of text. An Excel sheet holds 1,048,576 rows; what is more is on another.
    """
    return await service.start_export(context, data=data)


@router.get("/jobs/{job_id}", responses=raises(JobNotFound))
async def get(context: Exporting, job_id: UUID) -> ExportJob:
    """Get how far an export is.

    Once it is completed, the answer has a fresh signed address of the file, good for an hour.
    """
    return await service.get_export(context, job_id)


@router.get("/jobs/{job_id}/stream", response_class=EventStream, responses=raises(JobNotFound))
async def stream(context: Exporting, job_id: UUID, last_event_id: LastEventId = None) -> EventStream:
    """Follow an export.

    Server-sent events, from the beginning or after `Last-Event-ID`; the stream ends with the job.
    """
    events = await service.follow_export(context, job_id, after=parse_position(last_event_id))
    return EventStream(job_events(events))
