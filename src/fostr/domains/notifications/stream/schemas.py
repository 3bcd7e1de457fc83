"""Shapes of what a stream tells."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field


class WorkspaceEvent(BaseModel):
    """Something that happened in the workspace: enough to know what to fetch again, and no values."""

    event_type: str = Field(
        description="What to fetch again: `members_updated`, `records_updated`; of the caller's own inbox "
        "`notifications_read`, `notifications_unread` and `notifications_deleted`.",
    )
    type: str = Field(description="A name of the catalogue of events, such as `record.created`.")
    id: UUID = Field(description="The event's, under which `/events` tells of it as well.")
    entity: str = Field(description="The kind of thing that it is about.")
    entity_id: UUID
    name: str | None = Field(description="What people call the thing, where that is known; its first 200 characters.")
    scope_id: UUID | None = Field(description="What the thing lies in: of a record, its recordset.")
    record_id: UUID | None = Field(description="The record that it is about, directly or through a comment, say.")
    actor_id: UUID | None = Field(description="The member who did it; none for the system.")
    count: int | None = Field(description="How many things were written, where the event stands for many.")
    created_at: datetime
