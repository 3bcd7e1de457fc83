"""Shapes of deliveries in the API."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from fostr.domains.notifications.deliveries.rules import Channel

Status = Literal["pending", "sending", "sent", "skipped", "failed"]


class NotificationDelivery(BaseModel):
    """What became of a notification on one way."""

    channel: Channel
    status: Status = Field(
        description="`pending`: waits for its time. `sending`: under way. `sent`: taken by the mail server, or by "
        "WhatsApp. `skipped`: not wanted, or not to be known, any more. `failed`: refused."
    )
    reason: str | None = Field(description="The code of why it was skipped, or failed.")
    in_digest: bool = Field(description="Whether it goes together with others.")
    due_at: datetime = Field(description="When it was, or is, to leave.")
    ended_at: datetime | None


Deliveries = list[NotificationDelivery]
