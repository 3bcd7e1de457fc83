"""Shapes of uploads in parts in the API."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from fostr.domains.records.imports.parts.limits import MOST_PARTS
from fostr.domains.records.imports.schemas import FileUri, ReadOptions


class PartedUploadCreate(BaseModel):
    """A file that is about to come in parts."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"filename": "airports.csv"}]})

    filename: str = Field(min_length=1, max_length=255)


class Part(BaseModel):
    """A part that has arrived."""

    number: int
    size: int = Field(description="In bytes.")
    sha256: str = Field(description="Of its bytes, in hexadecimal: whether it is what was sent.")


class PartedUpload(BaseModel):
    """A file that comes in parts, and what of it is there."""

    upload_id: UUID
    file_uri: FileUri
    filename: str
    max_bytes: int = Field(description="Of the whole file.")
    max_part_bytes: int = Field(description="Of one part.")
    max_parts: int
    parts: list[Part] = Field(description="What has arrived, by number.")
    expires_at: datetime = Field(description="Until when the parts are kept.")


class PartedUploadComplete(BaseModel):
    """Says that all parts were sent."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"parts": 3}]})

    parts: int = Field(ge=1, le=MOST_PARTS, description="How many there are: the parts 1 up to this number are joined.")
    options: ReadOptions = ReadOptions()
