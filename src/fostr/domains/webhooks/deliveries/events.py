"""What happens to deliveries: only what somebody has to see to, or did."""

from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events

DELIVERY_EXHAUSTED: Final = "webhook.delivery_exhausted"
DELIVERY_CANCELLED: Final = "webhook.delivery_cancelled"
DELIVERIES_REPLAYED: Final = "webhook.deliveries_replayed"


class DeliveryFacts(BaseModel):
    """A message that a webhook's receiver did not take."""

    name: str
    delivery_id: UUID
    message_id: UUID
    type: str
    attempts: int
    status_code: int | None
    error: str | None


class ReplayFacts(BaseModel):
    """What somebody had sent once more: one delivery, or those of a span of time."""

    name: str
    status: str
    delivery_id: UUID | None
    since: datetime | None
    until: datetime | None
    count: int | None


register_events(
    [
        EventType(
            DELIVERY_EXHAUSTED,
            entity="webhook",
            schema=DeliveryFacts,
            summary="A message was tried for the last time in vain. Webhooks are not told of it.",
            phrase="gave up on delivering {fact[type]} to {thing}",
        ),
        EventType(
            DELIVERY_CANCELLED,
            entity="webhook",
            schema=DeliveryFacts,
            summary="Somebody gave up a message that was still to be sent.",
            phrase="gave up on delivering {fact[type]} to {thing}",
        ),
        EventType(
            DELIVERIES_REPLAYED,
            entity="webhook",
            schema=ReplayFacts,
            summary="Messages of a webhook are sent once more.",
            phrase="had messages of {thing} sent again",
        ),
    ]
)
