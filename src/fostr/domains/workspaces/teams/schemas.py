"""Teams, as they are asked for and answered."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from fostr.kernel.http.bodies import Partial, Prose, Title

TeamRole: TypeAlias = Literal["lead", "member"]


@dataclass(frozen=True, slots=True)
class Team:
    """A group of members, to which rights are granted as to one."""

    id: UUID
    name: str
    description: str
    parent_team_id: UUID | None
    is_active: Annotated[bool, Field(description="Whether what is granted to it reaches its members.")]
    member_count: int
    child_count: Annotated[int, Field(description="Teams directly below it.")]
    own_role: Annotated[TeamRole | None, Field(description="The caller's role in it; null when they are not in it.")]
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class TeamMember:
    """Somebody in a team."""

    team_id: UUID
    member_id: UUID
    role: TeamRole
    name: Annotated[str, Field(description="What the person is called in this workspace.")]
    email: str
    avatar_url: str | None
    created_at: Annotated[datetime, Field(description="Since when they are in the team.")]


@dataclass(frozen=True, slots=True)
class TeamFilter:
    """Which teams to list."""

    search: str | None
    is_active: bool | None
    parent_team_id: UUID | Literal["none"] | None


class TeamCreate(BaseModel):
    """A new team."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "Harbour Survey", "description": "Everybody on the boats."}]},
    )

    name: Title
    description: Prose = ""
    parent_team_id: UUID | None = Field(default=None, description="The team that it stands below.")
    is_active: bool = True


class TeamUpdate(Partial):
    """What changes about a team."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Harbour Survey North", "is_active": True}]})

    name: Title = ""
    description: Prose = ""
    parent_team_id: UUID | None = Field(default=None, description="The team that it stands below; null for none.")
    is_active: bool = True


class TeamMemberCreate(BaseModel):
    """Somebody who comes into a team."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"member_id": "0192f0c1-a2b3-7c4d-8e9f-001122334455", "role": "member"}]},
    )

    member_id: UUID
    role: TeamRole = "member"


class TeamMemberUpdate(BaseModel):
    """Another role in a team."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"role": "lead"}]})

    role: TeamRole
