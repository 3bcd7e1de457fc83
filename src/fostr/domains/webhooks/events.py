"""What happens to webhooks. No event holds a secret or the value of a header."""

from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events

WEBHOOK_CREATED: Final = "webhook.created"
WEBHOOK_UPDATED: Final = "webhook.updated"
WEBHOOK_ENABLED: Final = "webhook.enabled"
WEBHOOK_DISABLED: Final = "webhook.disabled"
WEBHOOK_DELETED: Final = "webhook.deleted"
WEBHOOK_SECRET_REGENERATED: Final = "webhook.secret_regenerated"  # noqa: S105 - the name of an event
WEBHOOK_TESTED: Final = "webhook.tested"
WEBHOOKS_REASSIGNED: Final = "webhooks.reassigned"


class WebhookState(BaseModel):
    """A webhook, as its events tell of it; of its address, the host and the end."""

    name: str
    url: str
    description: str
    event_types: list[str]
    recordset_ids: list[UUID]
    payload: str
    is_active: bool
    is_ordered: bool
    header_names: list[str]
    owner_id: UUID
    disabled_reason: str | None


class SecretChange(BaseModel):
    """A new secret; until when the former one goes on signing, too."""

    name: str
    previous_secret_until: datetime | None


class WebhookTest(BaseModel):
    """What came of a test."""

    name: str
    event: str
    success: bool
    status_code: int | None


class WebhooksReassigned(BaseModel):
    """Which webhooks went from one member to another."""

    from_member_id: UUID
    to_member_id: UUID
    count: int
    webhook_ids: list[UUID]


register_events(
    [
        EventType(
            WEBHOOK_CREATED,
            entity="webhook",
            schema=WebhookState,
            summary="A webhook was made.",
        ),
        EventType(
            WEBHOOK_UPDATED,
            entity="webhook",
            schema=WebhookState,
            summary="A webhook was changed.",
        ),
        EventType(
            WEBHOOK_ENABLED,
            entity="webhook",
            schema=WebhookState,
            summary="A webhook was switched on.",
            phrase="switched on {thing}",
        ),
        EventType(
            WEBHOOK_DISABLED,
            entity="webhook",
            schema=WebhookState,
            summary="A webhook was switched off; `disabled_reason` says why, unless a person did it.",
            phrase="switched off {thing}",
        ),
        EventType(
            WEBHOOK_DELETED,
            entity="webhook",
            schema=WebhookState,
            summary="A webhook was deleted.",
        ),
        EventType(
            WEBHOOK_SECRET_REGENERATED,
            entity="webhook",
            schema=SecretChange,
            summary="A webhook got a new secret.",
            phrase="gave {thing} a new secret",
        ),
        EventType(
            WEBHOOK_TESTED,
            entity="webhook",
            schema=WebhookTest,
            summary="A webhook was sent a test.",
        ),
        EventType(
            WEBHOOKS_REASSIGNED,
            entity="member",
            schema=WebhooksReassigned,
            summary="All webhooks of a member went to another.",
            phrase="handed over {count:webhook} of {name} to {to}",
        ),
    ]
)
