"""What members choose about how notifications reach them, as it changes. Each of these is told to its member alone."""

from datetime import time
from typing import Final, Literal
from uuid import UUID

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events

SETTINGS: Final = "notification_settings"

EMAIL_DELIVERY_UPDATED: Final = "notification_settings.email_delivery_updated"
EMAIL_PAUSED: Final = "notification_settings.email_paused"
EMAIL_RESUMED: Final = "notification_settings.email_resumed"
QUIET_HOURS_UPDATED: Final = "notification_settings.quiet_hours_updated"


class EmailDeliveryChanged(BaseModel):
    """How a member gets their mail."""

    member_id: UUID
    email_delivery_mode: Literal["instant", "digest"]
    digest_frequency_minutes: Literal["30", "60"]


class QuietHoursChanged(BaseModel):
    """When a member wants nothing to arrive."""

    member_id: UUID
    is_enabled: bool
    start: time
    end: time
    time_zone: str
    days: list[int]


class EmailAddressChanged(BaseModel):
    """Mail to a member was paused, or goes out again."""

    member_id: UUID
    email: str


register_events(
    [
        EventType(
            EMAIL_DELIVERY_UPDATED,
            entity=SETTINGS,
            schema=EmailDeliveryChanged,
            summary="A member chose how soon mail tells them.",
        ),
        EventType(
            EMAIL_PAUSED,
            entity=SETTINGS,
            schema=EmailAddressChanged,
            summary="No more mail is sent to a member's address.",
        ),
        EventType(
            EMAIL_RESUMED,
            entity=SETTINGS,
            schema=EmailAddressChanged,
            summary="Mail is sent to a member's address again.",
        ),
        EventType(
            QUIET_HOURS_UPDATED,
            entity=SETTINGS,
            schema=QuietHoursChanged,
            summary="A member chose the hours in which they are left in peace.",
        ),
    ]
)
