"""Shapes of the feed in the API."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

CUT = "…"
"""What a value ends in that is too long to be shown."""
EXAMPLE_ID = "0192f0c1-a2b3-7c4d-8e9f-001122334455"


class ActivityFilter(BaseModel):
    """Which activities are wanted."""

    types: str | None = Field(
        default=None,
        max_length=200,
        description="Only these kinds: `action`, `goal`, `record`, `integration`, `user`, `workspace`, with commas.",
        examples=["record,user"],
    )
    search: str | None = Field(
        default=None, max_length=200, description="Only where each of these words is in the description."
    )
    start_date: str | None = Field(
        default=None,
        max_length=40,
        description="Not before this day or moment (ISO 8601). Without a zone it is UTC.",
        examples=["2026-03-01"],
    )
    end_date: str | None = Field(
        default=None,
        max_length=40,
        description="Not after this day or moment; a day counts to its end.",
        examples=["2026-03-31"],
    )
    scope: Literal["mine", "all"] = Field(default="all", description="`mine` for what the caller did alone.")
    user_ids: str | None = Field(
        default=None,
        max_length=8000,
        description="Only what these people did: ids of members or of their accounts, with commas.",
        examples=[EXAMPLE_ID],
    )
    team_ids: str | None = Field(
        default=None,
        max_length=8000,
        description="Only what members of these teams did, with commas; added to `user_ids`.",
        examples=[EXAMPLE_ID],
    )


class FeedQuery(ActivityFilter):
    """Which part of the feed is wanted."""

    limit: int = Field(default=20, ge=1, le=100, description="Activities to return.")
    offset: int = Field(default=0, ge=0, le=5_000, description="Activities to skip.")
    cursor: UUID | None = Field(
        default=None, description="Go on behind this: `next_cursor` of the part before. Better than `offset`."
    )
    group: bool = Field(
        default=False,
        description="Whether what one person did to one thing again and again, within minutes, is one activity.",
    )


class ActivityActor(BaseModel):
    """Who did something."""

    id: UUID
    name: str
    avatar_url: str | None


class ActivityScope(BaseModel):
    """What the thing lies in, such as the recordset of a record."""

    id: UUID
    name: str | None


class ActivityChange(BaseModel):
    """What changed of the thing, as far as the reader may know. Long values are cut, and end in `…`."""

    field: str = Field(description="With a dot where it lies in something, as in `field_values.price`.")
    label: str = Field(description="What people call it: of a value of a record, the name of the field.")
    before: Any
    after: Any


class Activity(BaseModel):
    """Something that happened, as the reader may know of it now."""

    id: UUID = Field(description="The event's, as in `GET /api/v1/events`.")
    type: str = Field(description="The type of the event, such as `record.updated`.")
    category: str
    action: str = Field(description="What was done, as a word for programs: the second half of the type.")
    description: str = Field(description="The same as a sentence for people.")
    actor: ActivityActor | None = Field(description="The member who did it; null where it was none.")
    acting_as: UUID | None = Field(
        description="The operator of the installation who acted in the member's name, by their account."
    )
    entity: str
    entity_id: UUID
    entity_name: str | None
    scope: ActivityScope | None
    record_id: UUID | None
    count: int | None = Field(description="How many things it was, where one write touched many.")
    changes: list[ActivityChange]
    link: str | None = Field(
        description="Where to look at the thing: a path below the server's address; null where it is gone."
    )
    timestamp: datetime
    times: int = Field(description="With `group`: how often it was done, up to `timestamp`.")
    started_at: datetime = Field(description="With `group`: when for the first time.")


class ActivityFeed(BaseModel):
    """A part of the feed, the newest first."""

    items: list[Activity]
    total: int | None = Field(description="How many there are in all; only where that had to be found out anyway.")
    has_more: bool
    next_cursor: UUID | None = Field(
        description="What `cursor` goes on with; null at the end. A search that had to look far may return few "
        "activities, or none, with a cursor that goes on looking."
    )
