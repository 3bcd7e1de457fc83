"""Shapes of events in the API."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from fostr.kernel.events.visibility import Category

LATEST = "latest"
EXAMPLE_ID = "0192f0c1-a2b3-7c4d-8e9f-001122334455"


class EventQuery(BaseModel):
    """Which events are wanted."""

    after: UUID | Literal["latest", ""] | None = Field(
        default=None,
        description="The id of the last event that the caller has: `next` of the page before. Without it, or empty, "
        "from the beginning; `latest` for none of what has happened so far, but its end, to go on from.",
        examples=[EXAMPLE_ID],
    )
    types: str | None = Field(
        default=None,
        max_length=4000,
        description="Only these types, with commas; `record.*` for all that begin so.",
        examples=["record.created,comment.*"],
    )
    entity: str | None = Field(
        default=None, max_length=100, description="Only what happened to this kind of thing.", examples=["record"]
    )
    recordset_id: UUID | None = Field(default=None, description="Only what happened in this recordset.")
    limit: int = Field(default=100, ge=1, le=200, description="The most events to return.")


class EventActor(BaseModel):
    """Who did it."""

    member_id: UUID | None
    user_id: UUID | None = Field(description="The account of the member; shown to administrators.")
    kind: str | None = Field(description="The kind of credential, shown to administrators; `system` for all.")
    acting_as: UUID | None = Field(description="The administrator who acted in the member's name.")


class EventCause(BaseModel):
    """Why it happened."""

    kind: str = Field(description="`request`, `import`, `job`, `undo`, …")
    id: str | None = Field(description="The request, the import, …; each version of a record that it made carries it.")
    count: int | None = Field(description="How many things a bulk write touched; null when it is the one named.")


class EventItem(BaseModel):
    """Something that happened, as far as the caller may know it."""

    id: UUID
    type: str
    version: int = Field(description="Of the shape of `before` and `after`; see the types.")
    entity: str = Field(description="The kind of thing that it happened to.")
    entity_id: UUID
    name: str | None = Field(description="What people call the thing.")
    scope_id: UUID | None = Field(description="The recordset, or whatever else it lies in.")
    scope_name: str | None
    record_id: UUID | None = Field(description="The record that it is about, directly or through a comment, say.")
    actor: EventActor
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    cause: EventCause | None
    created_at: datetime


class EventPage(BaseModel):
    """A part of what happened, the oldest first."""

    items: list[EventItem]
    next: UUID | None = Field(description="What to send as `after`, now or later; null while nothing has happened.")
    has_more: bool = Field(description="Whether to ask again at once. A page may be short, or empty, all the same.")


class EventTypeInfo(BaseModel):
    """A type of event."""

    name: str
    version: int
    entity: str
    category: Category | None = Field(description="The part of the feed; null for what is told to single members only.")
    summary: str
    is_sent_to_webhooks: bool
    payload_schema: dict[str, Any] | None = Field(
        description="JSON schema of `before` and `after`; null where the type alone tells it all."
    )


class EventTypes(BaseModel):
    """Every type of event."""

    items: list[EventTypeInfo]
