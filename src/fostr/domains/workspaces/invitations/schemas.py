"""Invitations, as they are asked for and answered."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, model_validator

from fostr.domains.workspaces.members.schemas import RoleKey
from fostr.kernel.http.bodies import Email, Line

Message = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)]
Token = Annotated[str, Field(max_length=200, description="What stands behind `token=` in the link.")]

_TOKEN = "fos_lnk_1nUuv0Lq8WcYj5VtZ3eXk7mRb2sHd9aGp4fTyQiOwNzCxM0vEr"  # noqa: S105 - an example


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that is open."""

    member_id: Annotated[UUID, Field(description="The member of status `invited` whom it makes an active one.")]
    user_id: UUID
    email: str
    full_name: Annotated[str, Field(description="As the inviter gave it; possibly empty.")]
    role: str
    message: str
    invited_by: Annotated[UUID | None, Field(description="The member who sent it last.")]
    created_at: datetime
    sent_at: datetime
    expires_at: Annotated[datetime, Field(description="When the newest link ends; sending again makes a new one.")]


@dataclass(frozen=True, slots=True)
class InvitationLink(Invitation):
    """An invitation with its link, for handing on."""

    url: Annotated[str, Field(description="The link; it is shown this once.")]


@dataclass(frozen=True, slots=True)
class InvitationDetails:
    """What somebody needs to know who is about to accept."""

    workspace_name: str
    inviter_name: Annotated[str, Field(description="Empty when the inviter is gone.")]
    email: str
    role: str
    needs_password: Annotated[bool, Field(description="Whether a password has to be chosen with accepting.")]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Accepted:
    """A membership that has begun. Nobody is signed in by it."""

    workspace_id: UUID
    workspace_name: str
    member_id: UUID
    email: str
    role: str


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What withdrawing an invitation did."""

    account_deleted: Annotated[bool, Field(description="The account was made for the invitation, and never used.")]


class InvitationCreate(BaseModel):
    """Whom to invite."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"email": "ada@example.com", "role": "member", "message": "Come and see the new survey."}]
        },
    )

    email: Email
    role: RoleKey = "member"
    full_name: Line = Field(default="", description="What they are called until they have accepted.")
    message: Message = Field(default="", description="A word to them, without addresses of the web.")


class InvitedPerson(BaseModel):
    """Somebody who is invited, by either id."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"member_id": "0192f0c1-a2b3-7c4d-8e9f-001122334455"}]}
    )

    member_id: UUID | None = None
    user_id: UUID | None = None

    @model_validator(mode="after")
    def _check_named(self) -> Self:
        if (self.member_id is None) == (self.user_id is None):
            raise ValueError("name the person by member_id or by user_id")
        return self


class LinkRequest(BaseModel):
    """For whom to make a link: somebody who is invited, or somebody new by their address."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"email": "ada@example.com", "role": "member"}]}
    )

    member_id: UUID | None = None
    user_id: UUID | None = None
    email: Email | None = None
    role: RoleKey | None = Field(default=None, description="For somebody new; without it, `member`.")
    full_name: Line = ""

    @model_validator(mode="after")
    def _check_named(self) -> Self:
        if [self.member_id, self.user_id, self.email].count(None) != 2:
            raise ValueError("name the person by member_id, by user_id or by email")
        return self


class Acceptance(BaseModel):
    """A link, and what an account without a password needs besides."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"token": _TOKEN, "password": "Loom-and-Card-1843", "full_name": "Ada Lovelace"}]
        },
    )

    token: Token
    password: Annotated[SecretStr, Field(max_length=1000)] | None = Field(
        default=None, description="Where `needs_password` says so; otherwise it is left aside."
    )
    full_name: Line = Field(default="", description="With a password: what the person is called.")
