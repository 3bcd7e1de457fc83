"""What happens to roles."""

from typing import Final
from uuid import UUID

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events

ROLE_CREATED: Final = "role.created"
ROLE_UPDATED: Final = "role.updated"
ROLE_DELETED: Final = "role.deleted"
ROLE_MEMBERS_MOVED: Final = "role.members_moved"


class RoleState(BaseModel):
    """A role, as its events tell of it; `granted` and `revoked` say how it differs from its base."""

    key: str
    name: str
    base: str
    granted: list[str]
    revoked: list[str]


class RoleHolders(BaseModel):
    """Who holds a role; the event's entity is the role that they held before."""

    key: str
    member_ids: list[UUID]


register_events(
    [
        EventType(ROLE_CREATED, "role", schema=RoleState, summary="A role was added to the workspace."),
        EventType(ROLE_UPDATED, "role", schema=RoleState, summary="What a role allows, or its name, was changed."),
        EventType(ROLE_DELETED, "role", schema=RoleState, summary="A role was deleted."),
        EventType(
            ROLE_MEMBERS_MOVED,
            "role",
            schema=RoleHolders,
            summary="All members of a role got another one.",
            phrase="gave all who held {thing} another role",
        ),
    ]
)
