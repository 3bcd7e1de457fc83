"""Operations on uploads and imports."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, File, Path, Query, UploadFile
from starlette.responses import StreamingResponse

from fostr.domains.records.bulk.upserting import MatchInvalid
from fostr.domains.records.fields.shaping import FieldReadOnly
from fostr.domains.records.imports import report, schemas, service, starting, uploads
from fostr.domains.records.imports.merging.rules import MergeRuleInvalid
from fostr.domains.records.imports.readers.delimited import QuoteUnclosed
from fostr.domains.records.imports.readers.encoding import FileUndecodable
from fostr.domains.records.imports.readers.opening import ReadingOptions
from fostr.domains.records.imports.readers.source import (
    FileEmpty,
    FileTypeUnsupported,
    FileUnreadable,
    TooManyColumns,
)
from fostr.domains.records.imports.report import ReportNotFound
from fostr.domains.records.imports.starting import (
    ColumnTwice,
    ColumnUnknown,
    FieldNotMappable,
    RequiredFieldUnmapped,
)
from fostr.domains.records.modules import RECORDS
from fostr.domains.records.recordsets.endpoints import DEFINITION_REFUSALS
from fostr.domains.records.recordsets.reach import ActionForbidden, Reached, RecordsetNotFound, recordset_in_path
from fostr.domains.records.recordsets.service import SlugReserved, SlugTaken
from fostr.kernel.files.addresses import SignatureExpired, SignatureInvalid
from fostr.kernel.files.sniffing import FileTypeMismatch
from fostr.kernel.files.store import FileMissing, FileTooLarge
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import raises
from fostr.kernel.http.guards import Public, in_workspace
from fostr.kernel.http.paging import NumberedSlice, Page
from fostr.kernel.http.routing import Router
from fostr.kernel.http.streams import EventStream, LastEventId
from fostr.kernel.jobs.status import JobNotFound, JobStillOpen
from fostr.kernel.jobs.streams import job_events, parse_position

router = Router(prefix="/import", tags=["Recordset Import"], module=RECORDS)

Importing = Annotated[Context, in_workspace("can_import_records")]
Member = Annotated[Context, in_workspace(None)]
Importable = Annotated[Reached, recordset_in_path("import")]
JobId = Annotated[UUID, Path(description="The job.")]

FILE_REFUSALS = (
    FileTooLarge,
    FileTypeMismatch,
    FileTypeUnsupported,
    FileEmpty,
    FileUnreadable,
    FileUndecodable,
    QuoteUnclosed,
    TooManyColumns,
)


async def read_form_options(
    encoding: schemas.EncodingField = None,
    delimiter: schemas.DelimiterField = None,
    *,
    has_header: schemas.HeaderField = True,
    sheet: schemas.SheetField = None,
) -> ReadingOptions:
    """Return how a file that comes in a form is to be read."""
    return ReadingOptions(encoding=encoding, delimiter=delimiter, has_header=has_header, sheet=sheet)


FormOptions = Annotated[ReadingOptions, Depends(read_form_options)]


async def check_report_address(
    context: Public,
    job_id: JobId,
    exp: Annotated[int, Query(description="When the address ends, in seconds since 1970.", examples=[1893456000])],
    sig: Annotated[str, Query(description="The server's signature of the rest.")],
) -> UUID:
    """Guard of reports: this server signed the address, and it is not over."""
    report.check_report_address(context.runtime, job_id, expires_at=exp, signature=sig)
    return job_id


ReportedJob = Annotated[UUID, Depends(check_report_address)]


@router.post("/upload", responses=raises(*FILE_REFUSALS))
async def upload(
    context: Importing,
    file: Annotated[UploadFile, File(description="CSV, TSV, Excel, OpenDocument, JSON, NDJSON or GeoJSON.")],
    options: FormOptions,
) -> schemas.FileAnalysis:
    """Upload a file and see what is in it.

    Answers its columns, what type of field each could be, the first rows, how many rows there are, and how the file
    is written down. All of it is found by reading the whole file. What was guessed wrong can be said when the file is
    imported, or by analysing it again. The file is kept for seven days.
    """
    return await uploads.receive(context, file, options)


@router.post("/upload/analyze", responses=raises(*FILE_REFUSALS, FileMissing))
async def analyze(context: Importing, data: schemas.AnalyzeRequest) -> schemas.FileAnalysis:
    """See what is in a file that was uploaded.

    For files that were sent to a signed address, and for files that have to be read in another way than was guessed.
    """
    return await uploads.look_through(context, data.file_uri, starting.reading_options(data.options))


@router.post("/upload/signed-url")
async def sign(context: Importing, data: schemas.UploadRequest) -> schemas.SignedUpload:
    """Get an address to which a browser can send a file by itself.

    The address takes one PUT within an hour, of the file itself. Analyse the file after that, by its `file_uri`.
    """
    return await uploads.expect(context, data)


@router.post(
    "",
    responses=raises(
        *FILE_REFUSALS,
        FileMissing,
        ColumnUnknown,
        ColumnTwice,
        FieldNotMappable,
        *DEFINITION_REFUSALS,
        SlugTaken,
        SlugReserved,
    ),
)
async def create(context: Importing, data: schemas.ImportCreate) -> schemas.ImportStarted:
    """Make a recordset of a file.

    The recordset is there at once, and a job imports the rows; follow it by its stream. A row with a value that its
    field does not take is left out and told in the report; all others are in exactly once, whatever happens to the
    server meanwhile. Needs `can_create_recordset` as well.

    A dry run makes no recordset either; it tells which rows would be left out.
    """
    return await starting.start_new(context, data)


@router.post(
    "/recordsets/{recordset}",
    responses=raises(
        *FILE_REFUSALS,
        FileMissing,
        RecordsetNotFound,
        ActionForbidden,
        ColumnUnknown,
        ColumnTwice,
        FieldNotMappable,
        FieldReadOnly,
        RequiredFieldUnmapped,
        MatchInvalid,
        MergeRuleInvalid,
    ),
)
async def create_into(target: Importable, data: schemas.ImportInto) -> schemas.ImportStarted:
    """Import a file into a recordset that there is.

    `field_mappings` says which column goes into which field; other columns are left out. A job imports the rows, with
    the rights that the caller has while it runs.

    With `match_on`, rows that match a record change it: as `merge` says of each column, with a version of the record
    that names the import, and only where the caller may change it. Several rows of one key make one record. Upserts
    and imports that run at the same time never make two of the same key.

    A dry run finds out what would become of each row, and writes nothing; `GET /import/jobs/{job_id}` then has counts
    and examples in `preview`, and the report of the rows that would be left out.
    """
    return await starting.start_into(target, data)


@router.get("/jobs")
async def list(  # noqa: A001 - endpoints are bare verbs
    context: Member,
    part: NumberedSlice,
    job_type: Annotated[schemas.JobType | None, Query(description="Only imports, or only exports.")] = None,
    status: Annotated[schemas.JobStatusName | None, Query(description="Only jobs in this state.")] = None,
) -> Page[schemas.ImportJob]:
    """List imports and exports, the newest first.

    Members see their own, owners and administrators everybody's.
    """
    return await service.list_transfers(context, part=part, job_type=job_type, status=status)


@router.post("/jobs/cancel-all")
async def cancel_all(context: Member) -> schemas.AllCancelled:
    """Cancel all imports and exports that wait or run.

    Members cancel their own, owners and administrators everybody's. Rows that are in stay.
    """
    return await service.cancel_all(context)


@router.get("/jobs/{job_id}", responses=raises(JobNotFound))
async def get(context: Member, job_id: JobId) -> schemas.ImportJobDetail:
    """Get how far an import or an export is.

    With what was wrong with the rows that were left out, and a fresh address of the report that tells each of them.
    """
    return await service.show_transfer(context, job_id)


@router.get("/jobs/{job_id}/stream", response_class=EventStream, responses=raises(JobNotFound))
async def stream(context: Member, job_id: JobId, last_event_id: LastEventId = None) -> EventStream:
    """Follow an import or an export.

    Server-sent events, from the beginning or after `Last-Event-ID`; the stream ends with the job. Progress never goes
    backwards.
    """
    events = await service.follow_transfer(context, job_id, after=parse_position(last_event_id))
    return EventStream(job_events(events))


@router.get("/status/{job_id}", responses=raises(JobNotFound))
async def get_status(context: Member, job_id: JobId) -> schemas.ImportStatus:
    """Get how far an import or an export is, in short.

    The operation above tells more.
    """
    return await service.show_status(context, job_id)


@router.post("/jobs/{job_id}/cancel", responses=raises(JobNotFound))
async def cancel(context: Member, job_id: JobId) -> schemas.JobCancellation:
    """Cancel an import or an export.

    One that waits has ended with that; one that runs ends after the rows that it is writing. Rows that are in stay,
    can be searched soon, and are told of in one event.
    """
    return await service.cancel_transfer(context, job_id)


@router.delete("/jobs/{job_id}", status_code=204, responses=raises(JobNotFound, JobStillOpen))
async def delete(context: Member, job_id: JobId) -> None:
    """Take an import or an export that has ended out of the history.

    Its report goes with it. The recordset and its records stay.
    """
    await service.forget_transfer(context, job_id)


@router.get("/jobs/{job_id}/report-url", responses=raises(JobNotFound, ReportNotFound))
async def get_report_url(context: Member, job_id: JobId) -> schemas.ReportAddress:
    """Get a fresh address of an import's report.

    Whoever holds it can read the report for an hour.
    """
    return await service.address_report(context, job_id)


@router.get(
    "/error-reports/{job_id}/download",
    response_class=StreamingResponse,
    responses={
        200: {"description": "The report.", "content": {"text/csv": {"schema": {"type": "string"}}}},
        **raises(SignatureInvalid, SignatureExpired, ReportNotFound),
    },
)
async def download_report(context: Public, job_id: ReportedJob) -> StreamingResponse:
    """Download the report of an import by its signed address.

    A CSV file with a row for each value that was refused: the number of its row, its column, the value, the reason.
    Texts that a spreadsheet would run as formulas are made harmless by an apostrophe.
    """
    found, content = await report.open_report(context, job_id)
    headers = {"Content-Disposition": f'attachment; filename="import-report-{found.id}.csv"'}
    return StreamingResponse(content, media_type="text/csv; charset=utf-8", headers=headers)
