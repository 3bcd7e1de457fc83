"""What happens in this domain."""

from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events

WORKSPACE_CREATED: Final = "workspace.created"
WORKSPACE_UPDATED: Final = "workspace.updated"
MEMBER_ADDED: Final = "member.added"
MEMBER_UPDATED: Final = "member.updated"
API_KEY_CREATED: Final = "api_key.created"
API_KEY_UPDATED: Final = "api_key.updated"
API_KEY_REVOKED: Final = "api_key.revoked"
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
    avatar_url: str | None
    role: str
    status: str


class ApiKeyState(BaseModel):
    """A key, as its events tell of it; nothing of the secret."""

    name: str
    description: str
    prefix: str
    scope: str
    is_active: bool
    expires_at: datetime | None
    revoked_at: datetime | None


register_events(
    [
        EventType(WORKSPACE_CREATED, "workspace", schema=WorkspaceState, summary="A workspace was made."),
        EventType(WORKSPACE_UPDATED, "workspace", schema=WorkspaceState, summary="A workspace was changed."),
        EventType(MEMBER_ADDED, "member", schema=MemberState, summary="Somebody became a member."),
        EventType(MEMBER_UPDATED, "member", schema=MemberState, summary="A member was changed."),
        EventType(API_KEY_CREATED, "api_key", schema=ApiKeyState, summary="An API key was made."),
        EventType(API_KEY_UPDATED, "api_key", schema=ApiKeyState, summary="An API key was changed."),
        EventType(API_KEY_REVOKED, "api_key", schema=ApiKeyState, summary="An API key was revoked."),
        EventType(API_KEY_DELETED, "api_key", schema=ApiKeyState, summary="An API key was deleted."),
    ]
)
