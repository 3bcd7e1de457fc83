"""Shapes of the trash in the API."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field


class Retention(BaseModel):
    """How long deleted records and recordsets can be restored."""

    days: int = Field(description="After so many days in the trash, they are deleted for good.")
    is_customised: bool = Field(description="Whether the workspace has set it, by the setting of the module `records`.")


class TrashedRecordset(BaseModel):
    """A recordset in the trash."""

    id: UUID
    slug: str
    name: str
    description: str
    type: str
    owner_id: UUID | None
    record_count: int | None = Field(description="Null for those from whom row rules keep some of the records.")
    deleted_at: datetime
    deleted_by: UUID | None
    purge_at: datetime = Field(description="After this, it is deleted for good.")
