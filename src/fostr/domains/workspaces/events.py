"""What happens in this domain."""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events

WORKSPACE_CREATED: Final = "workspace.created"
WORKSPACE_UPDATED: Final = "workspace.updated"
MEMBER_ADDED: Final = "member.added"
MEMBER_INVITED: Final = "member.invited"
MEMBER_INVITATION_SENT: Final = "member.invitation_sent"
MEMBER_PASSWORD_RESET_SENT: Final = "member.password_reset_sent"  # noqa: S105 - the name of an event
MEMBER_UPDATED: Final = "member.updated"
MEMBER_DEACTIVATED: Final = "member.deactivated"
MEMBER_REACTIVATED: Final = "member.reactivated"
MEMBER_REMOVED: Final = "member.removed"
MEMBER_DELETED: Final = "member.deleted"
MEMBER_ITEMS_REASSIGNED: Final = "member.items_reassigned"
MEMBER_TOURS_CHANGED: Final = "member.tours_changed"
TEAMS_REASSIGNED: Final = "teams.reassigned"
WORKSPACE_STEP_DONE: Final = "workspace.step_done"
MODULE_CHANGED: Final = "module.changed"
API_KEY_CREATED: Final = "api_key.created"
API_KEY_UPDATED: Final = "api_key.updated"
API_KEY_REVOKED: Final = "api_key.revoked"
API_KEY_EXPIRING: Final = "api_key.expiring"
API_KEY_DELETED: Final = "api_key.deleted"


class WorkspaceState(BaseModel):
    """A workspace, as its events tell of it."""

    name: str
    slug: str
    logo_url: str | None


class MemberState(BaseModel):
    """A member, as the events about them tell."""

    user_id: UUID
    email: str
    full_name: str
    display_name: str
    title: str
    avatar_url: str | None
    role: str
    status: str


class SentState(BaseModel):
    """A link that was made for somebody; nothing of its secret."""

    email: str
    way: Literal["mail", "link"]
    expires_at: datetime


class ItemsState(BaseModel):
    """How many things of each kind went from one member to another."""

    from_member_id: UUID
    to_member_id: UUID
    reassigned: dict[str, int]


class TeamsState(BaseModel):
    """Which teams one member now leads in the place of another."""

    from_member_id: UUID
    to_member_id: UUID
    count: int
    team_ids: list[UUID]


class ToursState(BaseModel):
    """Which tours a member has been through."""

    tours: dict[str, bool]


class StepState(BaseModel):
    """The last workspace step that was done."""

    step: int
    name: str


class ModuleState(BaseModel):
    """How a workspace has set a module."""

    module: str
    is_enabled: bool
    settings: dict[str, object]


class ApiKeyState(BaseModel):
    """A key, as its events tell of it; nothing of the secret."""

    name: str
    description: str
    prefix: str
    scope: str
    is_active: bool
    expires_at: datetime | None
    revoked_at: datetime | None
    replaced_by_id: UUID | None = None


register_events(
    [
        EventType(WORKSPACE_CREATED, "workspace", schema=WorkspaceState, summary="A workspace was made."),
        EventType(WORKSPACE_UPDATED, "workspace", schema=WorkspaceState, summary="A workspace was changed."),
        EventType(
            MEMBER_ADDED,
            "member",
            schema=MemberState,
            summary="Somebody became a member.",
            phrase="added {name} to the workspace",
            own_phrase="joined the workspace",
        ),
        EventType(
            MEMBER_INVITED, "member", schema=MemberState, summary="Somebody was invited.", phrase="invited {name}"
        ),
        EventType(
            MEMBER_INVITATION_SENT,
            "member",
            schema=SentState,
            summary="The link of an invitation was made.",
            phrase="made an invitation link for {name}",
        ),
        EventType(
            MEMBER_PASSWORD_RESET_SENT,
            "member",
            schema=SentState,
            summary="An administrator had a link made by which a member sets a new password.",
            phrase="made a link by which {name} sets a new password",
        ),
        EventType(
            MEMBER_UPDATED,
            "member",
            schema=MemberState,
            summary="A member was changed.",
            phrase="changed the role or profile of {name}",
            own_phrase="changed their profile",
        ),
        EventType(
            MEMBER_DEACTIVATED,
            "member",
            schema=MemberState,
            summary="A member was kept out for a while.",
            phrase="deactivated {name}",
        ),
        EventType(
            MEMBER_REACTIVATED,
            "member",
            schema=MemberState,
            summary="A member was let in again.",
            phrase="reactivated {name}",
        ),
        EventType(
            MEMBER_REMOVED,
            "member",
            schema=MemberState,
            summary="A member left, or was removed.",
            phrase="removed {name} from the workspace",
            own_phrase="left the workspace",
        ),
        EventType(
            MEMBER_DELETED,
            "member",
            summary="A member was removed, and their account deleted for good.",
            phrase="removed {name} from the workspace, and deleted their account for good",
            own_phrase="deleted their account for good",
        ),
        EventType(
            MEMBER_ITEMS_REASSIGNED,
            "member",
            schema=ItemsState,
            summary="What belonged to a member was handed over to another, at once.",
            phrase="handed over what belonged to {name} to {to}",
        ),
        EventType(
            MEMBER_TOURS_CHANGED,
            "member",
            schema=ToursState,
            summary="A member went through a tour.",
            own_phrase="went through a tour",
        ),
        EventType(
            TEAMS_REASSIGNED,
            "member",
            schema=TeamsState,
            summary="The teams that a member led got another lead.",
            phrase="let {to} lead {count:team} in the place of {name}",
        ),
        EventType(
            WORKSPACE_STEP_DONE,
            "workspace",
            schema=StepState,
            summary="A workspace was brought up to date.",
            phrase="brought the workspace up to date",
        ),
        EventType(MODULE_CHANGED, "module", schema=ModuleState, summary="A workspace switched or set a module."),
        EventType(API_KEY_CREATED, "api_key", schema=ApiKeyState, summary="An API key was made."),
        EventType(API_KEY_UPDATED, "api_key", schema=ApiKeyState, summary="An API key was changed."),
        EventType(API_KEY_REVOKED, "api_key", schema=ApiKeyState, summary="An API key was revoked."),
        EventType(
            API_KEY_EXPIRING,
            "api_key",
            schema=ApiKeyState,
            summary="An API key is good for a week yet.",
            phrase="noticed that {thing} is good for a week yet",
        ),
        EventType(API_KEY_DELETED, "api_key", schema=ApiKeyState, summary="An API key was deleted."),
    ]
)
