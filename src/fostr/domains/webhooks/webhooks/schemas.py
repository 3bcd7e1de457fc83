"""Webhooks, as they are asked for and answered."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from fostr.domains.webhooks import messages
from fostr.domains.webhooks.webhooks.rules import DEFAULT_OVERLAP, MOST_HEADERS, DisabledReason
from fostr.kernel.auth.credentials import LONGEST_OVERLAP
from fostr.kernel.http.bodies import Partial, Prose, Title, WebAddress

EventTypeName = Annotated[str, StringConstraints(min_length=1, max_length=100)]
EventTypes = Annotated[
    list[EventTypeName],
    Field(
        max_length=200,
        description="Types of events, such as `record.created`, and groups of them, such as `record.*`; none: all.",
    ),
]
RecordsetIds = Annotated[
    list[UUID],
    Field(max_length=50, description="Only what happens in these recordsets; none: whatever happens."),
]
Payload = Annotated[
    messages.Payload,
    Field(description="`full` tells what happened; `thin` only with which thing, for receivers that come and look."),
]
Ordered = Annotated[
    bool,
    Field(description="Whether each message waits until the one before was taken; else they may arrive in any order."),
]
Headers = Annotated[
    dict[str, str],
    Field(
        max_length=MOST_HEADERS,
        description="Headers that are sent along, such as `Authorization`. Their values are never shown again.",
    ),
]


class Webhook(BaseModel):
    """An address that is told what happens in the workspace."""

    id: UUID
    name: str
    url: str
    description: str
    event_types: EventTypes
    recordset_ids: RecordsetIds
    payload: Payload
    is_active: bool
    is_ordered: Ordered
    header_names: list[str]
    secret: str = Field(description="What signs the messages; only its end, except in the answer that brings it.")
    previous_secret_until: datetime | None = Field(description="Until when the former secret signs, too.")
    owner_id: UUID = Field(description="The member with whose rights it is delivered: it is told what they may see.")
    created_by: UUID | None
    disabled_reason: DisabledReason | None = Field(
        description="Why the system switched it off; null where a person did."
    )
    disabled_at: datetime | None
    failing_since: datetime | None = Field(description="Since when its receiver has taken nothing.")
    created_at: datetime
    updated_at: datetime
    version: int


class NewSecretWebhook(Webhook):
    """A webhook with a new secret, which is shown this once."""

    secret: str = Field(
        description="What signs the messages, as Standard Webhooks has it. It is not shown again.",
        examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )


class WebhookCount(BaseModel):
    """How many webhooks there are."""

    count: int


class WebhookCreate(BaseModel):
    """A new webhook."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "Warehouse",
                    "url": "https://hooks.example.com/fostr",
                    "event_types": ["record.*", "comment.created"],
                    "headers": {"Authorization": "Bearer 123"},
                }
            ]
        },
    )

    name: Title | None = Field(default=None, description="Left out, it is called like the host of its address.")
    url: WebAddress
    description: Prose = ""
    event_types: EventTypes = []
    recordset_ids: RecordsetIds = []
    payload: Payload = "full"
    is_active: bool = True
    is_ordered: Ordered = False
    headers: Headers = {}


class WebhookUpdate(Partial):
    """What changes about a webhook."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Warehouse", "event_types": ["record.*"]}]})

    name: Title = ""
    url: WebAddress = ""
    description: Prose = ""
    event_types: EventTypes = Field(default=[])
    recordset_ids: RecordsetIds = Field(default=[])
    payload: Payload = "full"
    is_active: bool = True
    is_ordered: Ordered = False
    headers: Headers = Field(default={}, description="All of them, in place of those that there were.")
    take_over: bool = Field(default=False, description="Whether it is delivered with the caller's rights from now on.")


class WebhookToggle(BaseModel):
    """Whether a webhook is to be switched on or off."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"is_active": True}]})

    is_active: bool | None = Field(default=None, description="Left out, it becomes what it is not.")


class SecretRegeneration(BaseModel):
    """How a secret gives way to the next."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"overlap_seconds": 3600}]})

    overlap_seconds: int = Field(
        default=DEFAULT_OVERLAP,
        ge=0,
        le=LONGEST_OVERLAP,
        description="For how long the former secret signs beside the new one, up to seven days; 0: not at all.",
    )


class WebhookTestCreate(BaseModel):
    """A test of a webhook."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"event": "record.created"}]})

    event: EventTypeName = Field(description="The type of event that is simulated.")
    payload: dict[str, Any] | None = Field(
        default=None, description="What the message tells as its `data`; left out, an example of such an event."
    )


class WebhookTestResult(BaseModel):
    """What came of a test."""

    delivery_id: UUID | None = Field(
        description="Where it stands in the log of deliveries; null where the webhook was deleted meanwhile."
    )
    success: bool = Field(description="Whether the receiver took it: it answered with 2xx in time.")
    status_code: int | None = Field(description="What it answered; null where it did not.")
    message: str = Field(description="What came of it, for people.")
    duration_ms: int
    response_body: str = Field(description="The beginning of what it answered; empty where it did not.")
