"""What workspaces hear of impersonations."""

from typing import Final
from uuid import UUID

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events

REQUESTED: Final = "impersonation.requested"
STARTED: Final = "impersonation.started"
ENDED: Final = "impersonation.ended"


class ImpersonationState(BaseModel):
    """An impersonation, as its events tell of it."""

    member_id: UUID
    acting_as: UUID | None
    acting_name: str
    reason: str
    ended_reason: str | None


register_events(
    [
        EventType(
            REQUESTED,
            "impersonation",
            schema=ImpersonationState,
            summary="An administrator of the installation asked to act in the name of a member.",
            phrase="asked to act in the name of {whom}",
        ),
        EventType(
            STARTED,
            "impersonation",
            schema=ImpersonationState,
            summary="They began.",
            phrase="began to act in the name of {whom}",
        ),
        EventType(
            ENDED,
            "impersonation",
            schema=ImpersonationState,
            summary="It ended, one way or another.",
            phrase="ended the session of {name} in the name of {whom}",
        ),
    ]
)
