"""Shapes of uploads and imports in the API."""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import Form
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from fostr.domains.records.fields.types import TypeName
from fostr.domains.records.imports.analysis import NoteCode
from fostr.domains.records.imports.interpretation import DateOrder, DecimalSign
from fostr.domains.records.imports.merging.resolving import WhenUnknown
from fostr.domains.records.imports.merging.rules import MOST_MATCHED, MergeRule, WhenMatched, WhenUnmatched
from fostr.domains.records.imports.readers.delimited import Delimiter
from fostr.domains.records.imports.readers.encoding import EncodingName
from fostr.domains.records.imports.readers.source import MOST_COLUMNS, Format
from fostr.domains.records.recordsets.schemas import (
    HIDDEN_FROM,
    READ_ONLY_FOR,
    Description,
    FieldKey,
    FieldOptions,
    Mark,
    Mode,
    Name,
    RecordsetSettings,
    RoleKeys,
    Slug,
    Word,
)

JobStatusName = Literal["queued", "running", "completed", "failed", "cancelled"]
JobType = Literal["import", "export"]
FileUri = Annotated[
    str,
    Field(
        max_length=100,
        description="As the upload answered it.",
        examples=["upload:0192f0c1-a2b3-7c4d-8e9f-001122334455"],
    ),
]
ENCODING: Final = "Found out by a fixed rule unless it is said: a byte-order mark, else UTF-8, else Windows-1252."
DELIMITER: Final = "Found out unless it is said."
DRY_RUN: Final = "Only find out what would become of each row; the job's `preview` tells."
EXAMPLE_URI: Final[JsonValue] = "upload:0192f0c1-a2b3-7c4d-8e9f-001122334455"


class ReadOptions(BaseModel):
    """How a file is to be read, where somebody knows better."""

    model_config = ConfigDict(extra="forbid")

    encoding: EncodingName | None = Field(default=None, description=ENCODING)
    delimiter: Delimiter | None = Field(default=None, description=DELIMITER)
    has_header: bool = Field(default=True, description="Whether the first row names the columns.")
    sheet: str | None = Field(
        default=None, max_length=100, description="Of a spreadsheet; the first unless it is said."
    )


EncodingField = Annotated[EncodingName | None, Form(description=ENCODING)]
DelimiterField = Annotated[Delimiter | None, Form(description=DELIMITER)]
HeaderField = Annotated[bool, Form(description="Whether the first row names the columns.")]
SheetField = Annotated[str | None, Form(max_length=100, description="Of a spreadsheet; the first unless it is said.")]


class UploadRequest(BaseModel):
    """A file that a browser is about to send by itself."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"filename": "airports.csv"}]})

    filename: str = Field(min_length=1, max_length=255)


class SignedUpload(BaseModel):
    """Where to send a file."""

    file_uri: FileUri
    upload_url: str = Field(description="Send the file itself here, by PUT.")
    method: Literal["PUT"]
    max_bytes: int
    expires_at: datetime


class AnalyzeRequest(BaseModel):
    """An uploaded file to look through."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"file_uri": EXAMPLE_URI}]})

    file_uri: FileUri
    options: ReadOptions = ReadOptions()


class FileSource(BaseModel):
    """How a file is read."""

    format: Format
    encoding: EncodingName | None = Field(description="Of a text.")
    mark: int = Field(description="Bytes that its byte-order mark takes.")
    delimiter: Delimiter | None = Field(description="What stands between the cells of a table in text.")
    has_header: bool
    sheet: str | None = Field(description="Which sheet of a spreadsheet is read.")
    sheets: list[str] = Field(description="Which there are.")
    keys: list[str] = Field(description="Those of the objects of a JSON file, which are its columns.")


class FileColumn(BaseModel):
    """A column of a file, and the field that it could become."""

    index: int
    name: str = Field(description="Unlike that of any other column; mappings name columns by it.")
    original_name: str = Field(description="As it stands in the file.")
    key: str = Field(description="The key that a field made of it gets unless another is said.")
    type: TypeName = Field(description="What a sample of values from all over the file agrees on.")
    decimal: DecimalSign = Field(description="What stands before the decimals of its numbers.")
    date_order: DateOrder = Field(description="The order of year, month and day in its dates.")
    role: Literal["lat", "lng"] | None = Field(description="Whether it holds latitudes or longitudes.")
    empty_share: float = Field(description="The part of its cells that are empty, from 0 to 1.")
    examples: list[str]


class PlaceColumns(BaseModel):
    """The columns that say where a record lies."""

    lat_column: str
    lng_column: str


class FileNote(BaseModel):
    """Something about a file that a person should know before they import it."""

    code: NoteCode
    message: str
    column: int | None
    count: int | None


class FileAnalysis(BaseModel):
    """What is in a file."""

    file_uri: FileUri
    filename: str
    size: int = Field(description="In bytes.")
    total_rows: int = Field(description="Rows that are not blank, the header not counted.")
    source: FileSource
    columns: list[FileColumn]
    sample_rows: list[list[str]] = Field(description="The first rows.")
    map: PlaceColumns | None
    notes: list[FileNote]


class ImportField(BaseModel):
    """A column that becomes a field of the new recordset; what is left out is as the analysis found it."""

    model_config = ConfigDict(extra="forbid")

    column: str = Field(max_length=200, description="The column's name, as the analysis gave it.")
    name: Name | None = Field(default=None, description="Of the field; that of the column unless it is said.")
    key: FieldKey | None = None
    type: TypeName | None = None
    is_required: bool = False
    options: FieldOptions = FieldOptions()
    hidden_from: RoleKeys = Field(default=[], description=HIDDEN_FROM)
    read_only_for: RoleKeys = Field(default=[], description=READ_ONLY_FOR)
    is_promoted: bool | None = Field(default=None, description="As for a new recordset.")
    decimal: DecimalSign | None = None
    date_order: DateOrder | None = None


class ImportCreate(BaseModel):
    """A new recordset, made of a file."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "file_uri": EXAMPLE_URI,
                    "name": "Airports",
                    "fields": [{"column": "name"}, {"column": "state", "type": "select"}, {"column": "latitude"}],
                }
            ]
        },
    )

    file_uri: FileUri
    name: Name | None = Field(default=None, description="Of the recordset; that of the file unless it is said.")
    slug: Slug | None = None
    description: Description = ""
    type: Word = "custom"
    mode: Mode | None = Field(default=None, description="`map` where the file says where its rows lie, else `table`.")
    icon: Mark | None = None
    color: Mark | None = None
    fields: list[ImportField] | None = Field(
        default=None, min_length=1, max_length=MOST_COLUMNS, description="All columns unless they are said."
    )
    settings: RecordsetSettings = Field(
        default=RecordsetSettings(),
        description="Without `map`, columns of latitudes and longitudes say where the records lie.",
    )
    options: ReadOptions = Field(default=ReadOptions(), description="As they were when the file was analysed.")
    dry_run: bool = Field(default=False, description=DRY_RUN)


class FieldMapping(BaseModel):
    """The field that a column is imported into, and how the column writes its values."""

    model_config = ConfigDict(extra="forbid")

    field: FieldKey
    decimal: DecimalSign | None = Field(default=None, description="As the analysis found it unless it is said.")
    date_order: DateOrder | None = Field(default=None, description="As the analysis found it unless it is said.")
    merge: MergeRule | None = Field(
        default=None,
        description="With `match_on`: how the column's value meets the one that a record has. `take_new`, which holds "
        "unless it is said: the file's. `keep_old`: the record's; the column is only for new records. `fill_blank`: "
        "the file's where the record has none. `append`: both, for lists and texts. An empty cell changes nothing.",
    )
    when_unknown: WhenUnknown = Field(
        default="error",
        description="For fields that name members (ids, addresses or names, between semicolons) or records (ids or "
        "titles): whether a row that names nothing that is there, or several things by one name, is left out, or only "
        "the name.",
    )


ColumnName = Annotated[str, Field(max_length=200)]


class ImportInto(BaseModel):
    """A file to be imported into a recordset that there is."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "file_uri": EXAMPLE_URI,
                    "field_mappings": {"Name": "name", "Price": {"field": "price", "decimal": ","}},
                },
                {
                    "file_uri": EXAMPLE_URI,
                    "field_mappings": {"SKU": "sku", "Price": "price", "Notes": {"field": "notes", "merge": "append"}},
                    "match_on": ["sku"],
                    "dry_run": True,
                },
            ]
        },
    )

    file_uri: FileUri
    field_mappings: dict[ColumnName, FieldKey | FieldMapping] = Field(
        min_length=1,
        max_length=MOST_COLUMNS,
        description="Names of columns, as the analysis gave them, and the fields into which they go.",
    )
    match_on: list[FieldKey] = Field(
        default=[],
        max_length=MOST_MATCHED,
        description="Mapped fields by whose values a row and a record are the same thing. Without them every row "
        "becomes a new record. A row without one of these values is left out, and so is one that matches several "
        "records.",
    )
    when_matched: WhenMatched = Field(default="update", description="What becomes of a row that matches a record.")
    when_unmatched: WhenUnmatched = Field(default="create", description="What becomes of a row that matches none.")
    dry_run: bool = Field(default=False, description=DRY_RUN)
    options: ReadOptions = Field(default=ReadOptions(), description="As they were when the file was analysed.")


class ImportStarted(BaseModel):
    """An import that was begun."""

    job_id: UUID
    import_id: UUID = Field(description="What each of its records names as its origin.")
    is_dry_run: bool
    recordset_id: UUID | None = Field(description="None where a dry run would make one.")
    recordset_slug: str | None
    status: JobStatusName
    total_rows: int
    stream_url: str = Field(description="Server-sent events of its progress.")
    status_url: str


class JobProblem(BaseModel):
    """Why a job has failed, or an attempt of it."""

    code: str
    detail: str


class ImportJob(BaseModel):
    """An import or an export, and how far it is."""

    job_id: UUID
    job_type: JobType
    status: JobStatusName
    progress: int = Field(ge=0, le=100, description="Percent.")
    step: str | None = Field(description="What is being done: `rows`, then `search`; `preview` in a dry run.")
    message: str | None
    import_id: UUID | None
    recordset_id: UUID | None
    filename: str | None
    makes_recordset: bool = Field(description="Whether the recordset was made for this import.")
    is_dry_run: bool = Field(description="Whether it only finds out what would become of the rows.")
    total_rows: int | None
    imported_rows: int | None = Field(description="Rows that are in as new records, whatever becomes of the job.")
    updated_rows: int | None = Field(description="Rows that changed a record.")
    skipped_rows: int | None = Field(description="Rows that had nothing to change, or were not to.")
    failed_rows: int | None = Field(description="Rows that were left out; the report says why.")
    has_report: bool
    is_settled: bool = Field(description="Whether nothing more happens, not even after a cancellation.")
    error: JobProblem | None
    created_by: UUID | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    cancel_requested_at: datetime | None


class FaultCount(BaseModel):
    """How often a column was refused for one reason."""

    column: str
    reason: str
    count: int
    first_row: int


class NewRecordExample(BaseModel):
    """A row that would become a record."""

    row: int
    values: dict[str, JsonValue]


class ValueChange(BaseModel):
    """What a row would make of a value."""

    before: JsonValue
    after: JsonValue


class ChangeExample(BaseModel):
    """A row that would change a record."""

    row: int
    record_id: UUID
    title: str
    changes: dict[str, ValueChange]


class SkipExample(BaseModel):
    """A row of which nothing would come."""

    row: int
    record_id: UUID | None
    reason: Literal["unchanged", "matched", "unmatched"]


class FaultExample(BaseModel):
    """A value for which a row would be left out."""

    row: int
    column: str
    value: str
    reason: str


class ImportPreview(BaseModel):
    """What a dry run has found: how many rows would come to what, and the first twenty of each. Long values are cut."""

    create: int
    update: int
    skip: int
    error: int
    creates: list[NewRecordExample]
    updates: list[ChangeExample]
    skips: list[SkipExample]
    errors: list[FaultExample]


class ImportJobDetail(ImportJob):
    """An import or an export, with what was wrong with its rows."""

    preview: ImportPreview | None = Field(description="Of a dry run that has ended.")

    faults: list[FaultCount] = Field(description="The most frequent reasons for which values were refused.")
    report_url: str | None = Field(description="Signed, and good for an hour; a CSV file of every refused value.")


class ImportStatus(BaseModel):
    """How far a job is, in short."""

    job_id: UUID
    status: JobStatusName
    progress: int = Field(ge=0, le=100)
    recordset_id: UUID | None
    total_rows: int | None
    imported_rows: int | None
    failed_rows: int | None
    error: JobProblem | None


class JobCancellation(BaseModel):
    """A job that was asked to end."""

    job_id: UUID
    status: JobStatusName = Field(description="`running` until the job has noticed.")
    cancel_requested: bool = Field(description="False when it had ended already.")
    imported_rows: int | None = Field(description="Rows that are in so far. They stay.")
    message: str


class AllCancelled(BaseModel):
    """Jobs that were asked to end."""

    cancelled: int
    job_ids: list[UUID]


class ReportAddress(BaseModel):
    """Where the report of an import can be fetched."""

    url: str = Field(description="Signed: whoever holds it can read the report, signed in or not.")
    expires_at: datetime
