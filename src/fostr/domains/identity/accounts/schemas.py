"""Accounts, as they are asked for and answered."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from fostr.domains.workspaces.public import Member
from fostr.kernel.auth.principals import CredentialKind, ScopeName
from fostr.kernel.http.bodies import Email, Line, Partial, Prose, Title, WebAddress

NewPassword = Annotated[
    SecretStr,
    Field(
        max_length=1000,
        description="8 to 128 characters of any kind; neither a common password nor made of one's name or address.",
    ),
]
"""The rules are checked by the service, which says all that are broken at once."""

GivenPassword = Annotated[SecretStr, Field(max_length=1000)]


@dataclass(frozen=True, slots=True)
class User:
    """A person's account."""

    id: UUID
    email: str
    full_name: str
    title: str
    phone: str
    bio: str
    avatar_url: str | None
    is_superuser: Annotated[bool, Field(description="Whether the person administers this server.")]
    email_verified_at: datetime | None
    last_sign_in_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class Profile(User):
    """The caller's account, and the caller in the workspace that was asked for."""

    member: Annotated[Member | None, Field(description="Null unless a workspace was named.")]
    acting_as: Annotated[
        UUID | None, Field(description="The administrator of the installation who acts in the person's name.")
    ]


@dataclass(frozen=True, slots=True)
class UsedCredential:
    """How the caller showed who they are."""

    kind: CredentialKind
    scope: ScopeName


@dataclass(frozen=True, slots=True)
class Developer:
    """The person behind a credential."""

    id: UUID
    email: str
    full_name: str
    avatar_url: str | None
    is_superuser: bool
    created_at: datetime
    credential: UsedCredential


class Registration(BaseModel):
    """A new account."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"email": "ada@example.com", "password": "Loom-and-Card-1843", "full_name": "Ada Lovelace"}]
        },
    )

    email: Email
    password: NewPassword
    full_name: Line = ""


class SignUp(Registration):
    """A new account with its own workspace."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "email": "ada@example.com",
                    "password": "Loom-and-Card-1843",
                    "full_name": "Ada Lovelace",
                    "company_name": "Analytical Engines",
                }
            ]
        }
    )

    company_name: Title = Field(description="What the workspace is called.")


class UserUpdate(Partial):
    """What changes about the caller's account."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"full_name": "Ada King", "title": "Countess of Lovelace"}]}
    )

    full_name: Line = ""
    title: Line = ""
    phone: Annotated[str, Field(max_length=50)] = ""
    bio: Prose = ""
    avatar_url: WebAddress | None = Field(default=None, description="A picture; null takes it away.")


class PasswordChange(BaseModel):
    """A new password, and the old one as proof."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"current_password": "Loom-and-Card-1843", "new_password": "Note-G-Bernoulli-7"}]
        },
    )

    current_password: GivenPassword
    new_password: NewPassword


class Done(BaseModel):
    """It is done."""

    ok: Literal[True]
