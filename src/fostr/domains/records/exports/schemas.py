"""Shapes of exports in the API."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

ExportFormat = Literal["csv", "xlsx", "json", "ndjson", "geojson", "parquet"]
FieldKey = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
EXAMPLE_ID = "0192f0c1-a2b3-7c4d-8e9f-001122334455"


class ExportCreate(BaseModel):
    """What to export: the same filters, search and order as a list of records."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "recordset_id": EXAMPLE_ID,
                    "format": "csv",
                    "column_filters": {"state": "CA"},
                    "sort_by": "name",
                },
                {
                    "recordset_id": EXAMPLE_ID,
                    "format": "xlsx",
                    "filters": {"or": [{"field": "state", "op": "in", "value": ["CA", "OR"]}]},
                },
            ]
        },
    )

    recordset_id: str = Field(max_length=100, description="The recordset's id or slug.")
    format: ExportFormat = "csv"
    view_id: UUID | None = Field(
        default=None,
        description="A saved view: its filters hold as well, its order and its fields where no others are asked for.",
    )
    fields: list[FieldKey] | None = Field(default=None, max_length=500, description="Only these, in this order.")
    search: str | None = Field(default=None, max_length=500)
    status: str | None = Field(default=None, max_length=50)
    tags: list[str] = Field(default=[], max_length=50)
    column_filters: dict[str, Any] | None = None
    numeric_filters: dict[str, Any] | None = None
    date_filters: dict[str, Any] | None = None
    filters: dict[str, Any] | None = Field(default=None, description="Groups of conditions, as in lists of records.")
    time_zone: str | None = Field(default=None, max_length=64, description="As in lists of records.")
    sort_by: str | None = Field(default=None, max_length=500)
    sort_order: str | None = Field(default=None, max_length=100)
    include_id: bool = Field(default=False, description="Whether each record's id goes first.")


class ExportStarted(BaseModel):
    """An export that was begun."""

    job_id: UUID
    status: Literal["queued", "running", "completed", "failed", "cancelled"]
    stream_url: str = Field(description="Server-sent events of its progress.")
    status_url: str


class ExportJob(BaseModel):
    """How far an export is, and where its file can be fetched."""

    job_id: UUID
    status: Literal["queued", "running", "completed", "failed", "cancelled"]
    progress: int = Field(ge=0, le=100, description="Percent.")
    rows: int | None = Field(description="How many records are in the file, once it is written.")
    size: int | None = Field(description="The file's size in bytes.")
    filename: str | None
    download_url: str | None = Field(description="Signed, and good for an hour; ask again for a fresh one.")
    error: dict[str, Any] | None
    created_at: datetime
    finished_at: datetime | None
