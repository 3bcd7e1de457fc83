"""Activation, as it is asked for and answered."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from fostr.domains.identity.accounts.schemas import NewPassword
from fostr.kernel.http.bodies import Email, Line

Token = Annotated[str, Field(max_length=200, description="What stands behind `token=` in the mailed link.")]
AboutWorkspace = Annotated[UUID | None, Field(description="The workspace that stands in the link; none where none is.")]

_TOKEN = "fos_lnk_1nUuv0Lq8WcYj5VtZ3eXk7mRb2sHd9aGp4fTyQiOwNzCxM0vEr"  # noqa: S105 - an example


@dataclass(frozen=True, slots=True)
class ActivationWorkspace:
    """The workspace that the person begins in."""

    id: UUID
    name: Annotated[str, Field(description="What the workspace is called.")]


@dataclass(frozen=True, slots=True)
class ActivatedUser:
    """Whose account it is."""

    id: UUID
    email: str
    full_name: str


@dataclass(frozen=True, slots=True)
class Activation:
    """What a link activates."""

    user: ActivatedUser
    workspace: Annotated[ActivationWorkspace | None, Field(description="Where the person begins.")]
    password_required: Annotated[bool, Field(description="Whether the account still needs a password.")]
    expires_at: datetime


class ActivationCompletion(BaseModel):
    """A link, and what the person chooses."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "token": _TOKEN,
                    "workspace_id": "01920000-0000-7000-8000-000000000000",
                    "password": "Loom-and-Card-1843",
                }
            ]
        },
    )

    token: Token
    workspace_id: AboutWorkspace = None
    password: NewPassword | None = Field(
        default=None,
        description="The password; may be left out where the account has one, which then stays.",
    )
    full_name: Line = Field(default="", description="What the person is called; empty: as before.")


class ActivationRequest(BaseModel):
    """Whom to send a new link."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"email": "ada@example.com"}]})

    email: Email
    workspace_id: UUID | None = Field(default=None, description="The workspace that the person is to begin in.")
