"""Shapes of the trash in the API."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field


class TrashedRecordset(BaseModel):
    """A recordset in the trash."""

    id: UUID
    slug: str
    name: str
    description: str
    type: str
    owner_id: UUID | None
    record_count: int
    deleted_at: datetime
    deleted_by: UUID | None
    purge_at: datetime = Field(description="After this, it is deleted for good.")
