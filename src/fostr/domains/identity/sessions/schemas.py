"""Sessions and tokens, as they are asked for and answered."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from fostr.domains.identity.accounts.schemas import GivenPassword, User
from fostr.domains.workspaces.public import Workspace
from fostr.kernel.http.bodies import Email


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a program sends with its requests, and what it gets the next pair for."""

    access_token: Annotated[str, Field(description="Send it as `Authorization: Bearer …`.")]
    refresh_token: Annotated[str, Field(description="Good for one refresh. A second use ends the session.")]
    token_type: Literal["bearer"]
    expires_in: Annotated[int, Field(description="Seconds that the access token is good for.")]


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session with its secrets, which exist nowhere else."""

    cookie: str
    tokens: TokenPair
    user: User


@dataclass(frozen=True, slots=True)
class SignedIn(TokenPair):
    """A new session. The answer also sets the session cookie."""

    user: User
    mfa_required: Annotated[Literal[False], Field(description="Tells this from a sign-in that takes a code yet.")]

    @classmethod
    def of(cls, opened: OpenedSession) -> Self:
        """Return what is answered of a session."""
        return cls(**_fields(opened.tokens), user=opened.user, mfa_required=False)


@dataclass(frozen=True, slots=True)
class SignedUp(TokenPair):
    """A new session of a new account."""

    user: User
    workspace: Workspace

    @classmethod
    def of(cls, opened: OpenedSession, *, workspace: Workspace) -> Self:
        """Return what is answered of a session and its workspace."""
        return cls(**_fields(opened.tokens), user=opened.user, workspace=workspace)


def _fields(tokens: TokenPair) -> dict[str, Any]:
    return {field.name: getattr(tokens, field.name) for field in fields(TokenPair)}


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in that is still good."""

    id: UUID
    is_current: Annotated[bool, Field(description="Whether it is the one that asks.")]
    device: Annotated[str, Field(description="What it probably is, for people: `Firefox on Linux`.")]
    user_agent: Annotated[str, Field(description="What the browser or program called itself.")]
    address: Annotated[str, Field(description="Where it signed in from.")]
    workspace_id: Annotated[UUID | None, Field(description="The workspace that it is in.")]
    acting_user_id: Annotated[UUID | None, Field(description="The administrator who acts in the person's name.")]
    created_at: datetime
    authenticated_at: Annotated[datetime, Field(description="When the person last showed who they are.")]
    last_used_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SessionsEnded:
    """How many sessions were ended."""

    ended: int


class Login(BaseModel):
    """Who signs in."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"email": "ada@example.com", "password": "Loom-and-Card-1843"}]}
    )

    email: Email
    password: GivenPassword


class Refresh(BaseModel):
    """The token that is given for the next pair."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"refresh_token": "fos_ref_1nUuv0Lq8WcYj5VtZ3eXk7mRb2sHd9aGp4fTyQiOwNzCxM0vEr"}]
        },
    )

    refresh_token: str = Field(max_length=200)
