"""What happens to notifications and their preferences. Each of these is told to its member alone."""

from typing import Final
from uuid import UUID

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events

ENTITY: Final = "notification"
PREFERENCES: Final = "notification_preferences"

NOTIFICATION_CREATED: Final = "notification.created"
NOTIFICATION_READ: Final = "notification.read"
NOTIFICATION_UNREAD: Final = "notification.unread"
NOTIFICATION_DELETED: Final = "notification.deleted"
PREFERENCES_UPDATED: Final = "notification_preferences.updated"


class NotificationsCreated(BaseModel):
    """Members were told of an event. `member_ids` holds those who find it in their inbox."""

    source_event_id: UUID
    type: str
    member_ids: list[UUID]


class NotificationsChanged(BaseModel):
    """A member read, or put away, what they were told: one notification, or several without an id."""

    member_id: UUID
    count: int
    notification_id: UUID | None


class PreferencesChanged(BaseModel):
    """A member chose what they want to be told: for these types, by name."""

    member_id: UUID
    types: list[str]


register_events(
    [
        EventType(
            NOTIFICATION_CREATED,
            entity=ENTITY,
            schema=NotificationsCreated,
            summary="Members were notified of another event.",
        ),
        EventType(
            NOTIFICATION_READ, entity=ENTITY, schema=NotificationsChanged, summary="A member has read notifications."
        ),
        EventType(
            NOTIFICATION_UNREAD,
            entity=ENTITY,
            schema=NotificationsChanged,
            summary="A member marked notifications as not read.",
        ),
        EventType(
            NOTIFICATION_DELETED, entity=ENTITY, schema=NotificationsChanged, summary="A member deleted notifications."
        ),
        EventType(
            PREFERENCES_UPDATED,
            entity=PREFERENCES,
            schema=PreferencesChanged,
            summary="A member chose what they are notified of, and how.",
        ),
    ]
)
