"""Shapes of attachments in the API."""

from datetime import datetime
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

from fastapi import Form, Query
from pydantic import BaseModel, ConfigDict, Field

from fostr.domains.records.recordsets.schemas import FieldKey

FieldForm = Annotated[
    FieldKey | None,
    Form(description="A field of type `attachment` that lists the file; without it the file belongs to the record."),
]


class Attachment(BaseModel):
    """A file of a record."""

    id: UUID
    record_id: UUID
    field: str | None = Field(description="The field that lists it; null for a file of the record as a whole.")
    filename: str
    content_type: str = Field(description="What the file is by its bytes.")
    size: int = Field(description="In bytes.")
    sha256: str = Field(description="In hexadecimal.")
    width: int | None = Field(description="Of a picture, in pixels.")
    height: int | None
    download_url: str = Field(description="Signed: whoever holds it can read the file for an hour.")
    thumbnail_url: str | None = Field(description="The same for a small picture of it, 512 pixels long at most.")
    uploaded_by: UUID | None = Field(description="The member who added it.")
    created_at: datetime


class AttachmentExpected(BaseModel):
    """A file that a browser is about to send by itself."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"filename": "survey.pdf"}]})

    filename: str = Field(min_length=1, max_length=255)
    field: FieldKey | None = Field(default=None, description="A field of type `attachment` that is to list it.")


class AttachmentUpload(BaseModel):
    """Where to send a file; afterwards, complete the attachment."""

    attachment_id: UUID
    upload_url: str = Field(description="Send the file itself here, by PUT.")
    method: Literal["PUT"]
    max_bytes: int
    expires_at: datetime
    complete_url: str = Field(description="POST here once the file is sent.")


Attachments: TypeAlias = list[Attachment]
AttachmentIds: TypeAlias = Annotated[
    list[UUID], Query(min_length=1, max_length=500, description="Ids, as fields of type `attachment` hold them.")
]
