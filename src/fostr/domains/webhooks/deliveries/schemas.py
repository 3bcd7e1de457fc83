"""Deliveries, as they are asked for and answered."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from fostr.domains.webhooks.deliveries.rules import Outcome, Status
from fostr.kernel.http.bodies import Moment

EXAMPLE_TIME = "2026-03-01T00:00:00Z"


class WebhookDeliveryQuery(BaseModel):
    """Which deliveries are wanted."""

    status: Status | None = Field(default=None, description="Only those in this state.")
    type: str | None = Field(
        default=None, max_length=100, description="Only messages of this type, or of a group such as `record.*`."
    )
    event_id: UUID | None = Field(default=None, description="Only what tells of this event.")
    message_id: UUID | None = Field(default=None, description="Only the message that has this `webhook-id`.")
    is_test: bool | None = Field(default=None, description="Only tests, or none of them.")
    since: Moment | None = Field(default=None, description="Only those that were enqueued at this time or later.")
    until: Moment | None = Field(default=None, description="Only those that were enqueued before this time.")
    before: UUID | None = Field(default=None, description="`next` of the page before: only what is older.")
    limit: int = Field(default=50, ge=1, le=200, description="Deliveries to return.")


WantedDeliveries = Annotated[WebhookDeliveryQuery, Query()]


class WebhookDeliverySummary(BaseModel):
    """A message for a webhook, and how far it is."""

    id: UUID
    message_id: UUID = Field(description="What the receiver knows it by: the header `webhook-id`.")
    event_id: UUID = Field(
        description="The event that it tells of, in whole or in part; of a test, one that never was."
    )
    type: str
    is_test: bool = Field(description="Whether it is a test, which was sent once.")
    status: Status = Field(
        description="`pending`: due, or waiting for another attempt. `succeeded`: the receiver took it. `failed`: the "
        "last attempt did, too. `aborted`: the receiver asked not to be sent it again, or somebody gave it up. "
        "`withheld`: the webhook's owner may not see it any more, or what it tells of is not kept or readable any more."
    )
    attempt_count: int
    next_attempt_at: datetime | None
    last_status_code: int | None
    last_error: str | None = Field(description="Why the last attempt failed, as a word for programs.")
    created_at: datetime
    finished_at: datetime | None


class WebhookDeliveryPage(BaseModel):
    """A part of a webhook's deliveries, the newest first."""

    items: list[WebhookDeliverySummary]
    has_more: bool
    next: UUID | None = Field(description="Where the next page begins: to be sent as `before`.")


class WebhookDeliveryAttempt(BaseModel):
    """A request to the receiver, and what came of it."""

    number: int
    url: str = Field(description="Where it was sent.")
    started_at: datetime
    duration_ms: int
    status_code: int | None
    error: str | None
    message: str = Field(description="What came of it, for people.")
    request_headers: dict[str, str] = Field(description="Without the signature, and without values that people set.")
    response_headers: dict[str, str]
    response_body: str | None = Field(description="The beginning of the answer; null where the caller may not see it.")


class WebhookDelivery(WebhookDeliverySummary):
    """A message for a webhook, with what it says and every attempt to send it."""

    body: str | None = Field(
        description="What is sent, to the byte; null where the caller may not see all that it tells, or nobody may."
    )
    attempts: list[WebhookDeliveryAttempt]


class WebhookEventOutcome(BaseModel):
    """What became of an event for a webhook."""

    outcome: Outcome = Field(description="As a word for programs.")
    message: str = Field(description="The same for people.")


class WebhookReplayCreate(BaseModel):
    """What is to be sent once more."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"since": EXAMPLE_TIME}]})

    since: Moment
    until: Moment | None = Field(default=None, description="Left out: up to now. Not with `missed`.")
    status: Literal["failed", "all", "missed"] = Field(
        default="failed",
        description="`failed`: what was tried in vain, and what waits for another attempt. `all`: what was received, "
        "too. `missed`: what happened and never became a message, as while the webhook was switched off.",
    )


class WebhookReplay(BaseModel):
    """What is sent once more."""

    count: int | None = Field(
        description="Deliveries; null for what was missed, which is found while it is sent, and for so many that a job "
        "goes on with them."
    )


class WebhookHealth(BaseModel):
    """How a webhook does."""

    pending: int = Field(description="Messages that are due, or wait for another attempt; counted up to 10,000.")
    next_attempt_at: datetime | None
    failures: int = Field(description="Attempts that failed since the last that did not.")
    is_held: bool = Field(
        description="Whether its receiver failed so often that it is sent something new once a minute only, until it "
        "takes something."
    )
    paused_until: datetime | None = Field(
        description="Until when its receiver asked to be left alone (429, or 503 with `Retry-After`); null where it "
        "may be sent something now."
    )
    failing_since: datetime | None = Field(description="Since when it counts as failing; after five days it ends.")
    last_success_at: datetime | None
    last_failure_at: datetime | None
    read_to: UUID | None = Field(description="The event up to which the log was read for it; null while it is off.")
