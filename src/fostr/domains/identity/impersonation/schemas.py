"""Impersonations, as they are asked for and answered."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from fostr.domains.identity.sessions.schemas import TokenPair

Status: TypeAlias = Literal["waiting", "active", "ended"]


@dataclass(frozen=True, slots=True)
class Impersonation:
    """Somebody of the installation who acts, or acted, in the name of a member."""

    id: UUID
    member_id: Annotated[UUID, Field(description="In whose name.")]
    acting_as: Annotated[UUID | None, Field(description="The account of who acts; null once it is deleted.")]
    acting_name: str
    acting_email: str
    reason: str
    status: Annotated[Status, Field(description="`waiting` until the token is exchanged.")]
    created_at: datetime
    started_at: datetime | None
    expires_at: Annotated[datetime, Field(description="When it ends at the latest.")]
    ended_at: datetime | None
    ended_reason: Annotated[str | None, Field(description="`signed_out`, `expired`, or who ended it.")]


@dataclass(frozen=True, slots=True)
class NewImpersonation(Impersonation):
    """An impersonation with the token that begins it."""

    token: Annotated[str, Field(description="For `/auth/impersonate/exchange`, once; it is shown this once.")]


@dataclass(frozen=True, slots=True)
class ActingSession(TokenPair):
    """A session in the name of somebody. No cookie is set: the caller's own session stays as it is."""

    user_id: Annotated[UUID, Field(description="In whose name.")]
    workspace_id: Annotated[UUID, Field(description="The one workspace that it works in.")]
    acting_as: Annotated[UUID, Field(description="Who acts.")]
    impersonation_id: UUID
    expires_at: Annotated[datetime, Field(description="When it ends, whatever is refreshed.")]


class ImpersonationCreate(BaseModel):
    """Why to act in somebody's name."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"reason": "Ticket 4711: the import shows no rows."}]}
    )

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=5, max_length=500)] = Field(
        description="The workspace's administrators read it."
    )


class Exchange(BaseModel):
    """The token that begins an impersonation."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"token": "fos_lnk_1nUuv0Lq8WcYj5VtZ3eXk7mRb2sHd9aGp4fTyQiOwNzCxM0vEr"}]},
    )

    token: Annotated[str, Field(max_length=200)]
