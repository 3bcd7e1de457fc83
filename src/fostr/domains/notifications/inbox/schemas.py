"""Shapes of the inbox in the API."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from fostr.domains.notifications.registry import Category
from fostr.kernel.http.bodies import Moment
from fostr.kernel.http.paging import Page

Grouping = Literal["thread"]
ThreadName = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class NotificationActor(BaseModel):
    """Who did what a notification tells of."""

    id: UUID
    full_name: str
    avatar_url: str | None


class Thread(BaseModel):
    """What a notification stands for in a list that shows one of each thread."""

    total: int = Field(description="How many of the listed kind the thread holds.")
    unread: int = Field(description="How many of these are unread.")


class Notification(BaseModel):
    """Something that the caller was told."""

    id: UUID
    type: str
    category: Category | None = Field(description="None for a type that is no longer in the product.")
    title: str
    body: str
    link: str | None = Field(description="Where it leads: a path below the server's address.")
    thread: str = Field(description="Notifications about the same thing have the same thread.")
    in_thread: Thread | None = Field(description="With `group=thread`: how many the thread holds.")
    is_critical: bool
    is_read: bool
    is_withheld: bool = Field(
        description="Whether the caller may no longer know of what it tells. Words, link and ids are left out then."
    )
    actor: NotificationActor | None = Field(description="Who did it; none for the system.")
    event_id: UUID = Field(description="The event that it tells of.")
    event_type: str
    entity: str = Field(description="The kind of thing that it is about.")
    entity_id: UUID | None
    scope_id: UUID | None = Field(description="What the thing lies in: of a record, its recordset.")
    record_id: UUID | None
    created_at: datetime
    read_at: datetime | None


class NotificationPage(Page[Notification]):
    """A part of the inbox."""

    unread_count: int = Field(description="How many unread notifications there are in the whole inbox.")


class UnreadCount(BaseModel):
    """How many notifications are unread."""

    count: int


class MarkRead(BaseModel):
    """Which notifications were read: one, a thread, or all."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{}, {"before": "2026-05-04T09:30:00Z"}, {"thread": "record:1"}]}
    )

    notification_id: UUID | None = Field(default=None, description="This one alone.")
    thread: ThreadName | None = Field(default=None, description="All of this thread.")
    before: Moment | None = Field(
        default=None,
        description="Only what was there at this moment: what arrived in the meantime stays unread. Begin with the "
        "`created_at` of the newest that is shown.",
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if self.notification_id is not None and (self.thread is not None or self.before is not None):
            raise ValueError("notification_id stands alone")
        return self


class MarkUnread(BaseModel):
    """Which notification is unread again."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"notification_id": "0192f0c1-a2b3-7c4d-8e9f-001122334455"}]}
    )

    notification_id: UUID


class Updated(BaseModel):
    """How many notifications were changed."""

    updated: int
