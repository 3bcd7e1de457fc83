"""Shapes of exports of the feed in the API."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from fostr.domains.activity.feed.schemas import ActivityFilter
from fostr.domains.records.public import RowFormat

ExportStatus = Literal["queued", "running", "completed", "failed", "cancelled"]


class ActivityExportCreate(ActivityFilter):
    """What to export: the same filters as for the feed."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"format": "csv", "types": "record,user", "start_date": "2026-01-01"}]},
    )

    format: RowFormat = "csv"


class ActivityExportStarted(BaseModel):
    """An export that was begun."""

    job_id: UUID
    status: ExportStatus
    status_url: str


class ActivityExportOutput(BaseModel):
    """The file of an export."""

    download_url: str = Field(description="Signed, and good for an hour; ask again for a fresh one.")
    filename: str
    content_type: str
    rows: int = Field(description="How many activities are in it.")
    size: int = Field(description="Its bytes.")


class ActivityExport(BaseModel):
    """How far an export is."""

    job_id: UUID
    status: ExportStatus
    progress: int = Field(ge=0, le=100, description="Percent.")
    output_data: ActivityExportOutput | None = Field(description="The file, once it is written.")
    error: dict[str, Any] | None
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime | None = Field(description="When the export and its file are deleted.")


class ActivityExportAddress(BaseModel):
    """Where a file can be fetched."""

    download_url: str
    filename: str
    expires_at: datetime = Field(description="When the address ends.")
