"""Members, as they are asked for and answered."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from fostr.kernel.http.bodies import Email, Line, Partial

RoleKey = Annotated[str, Field(min_length=1, max_length=100, description="The key of a role of the workspace.")]


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a workspace."""

    id: UUID
    user_id: Annotated[UUID, Field(description="The person's account.")]
    email: Annotated[str, Field(description="Empty once the account was deleted for good.")]
    full_name: str
    display_name: Annotated[str, Field(description="What the person is called here; empty: the full name.")]
    title: Annotated[str, Field(description="What the person does here; possibly empty.")]
    avatar_url: str | None
    role: Annotated[str, Field(description="`owner`, `admin`, `member`, `viewer`, or a role of the workspace.")]
    status: Annotated[
        Literal["active", "invited", "inactive", "removed"],
        Field(
            description="`invited` until the person has accepted, `inactive` while they are kept out, `removed` once "
            "they have left: what they made keeps their name."
        ),
    ]
    created_at: datetime
    updated_at: datetime
    version: int

    @property
    def name(self) -> str:
        """What the person is called: the display name, the full name, or else the address."""
        return self.display_name or self.full_name or self.email


class MemberCard(BaseModel):
    """A member, as menus and mentions need them."""

    id: UUID
    email: str
    full_name: str
    display_name: str
    avatar_url: str | None
    role: str


class OwnMember(BaseModel):
    """The caller as a member."""

    id: UUID
    user_id: UUID
    email: str
    full_name: str
    display_name: str
    title: str
    avatar_url: str | None
    role: str
    base_role: str = Field(description="The built-in role that `role` is, or builds on.")
    permissions: list[str] = Field(description="What the role allows, by name.")
    status: Literal["active", "invited", "inactive", "removed"]
    is_onboarded: bool = Field(description="Whether the caller has been through their personal onboarding.")
    created_at: datetime
    updated_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class MemberFilter:
    """Which members are meant; None: all."""

    search: str | None
    is_active: bool | None
    include_removed: bool


class MemberCreate(BaseModel):
    """Somebody with an account, who is to be a member."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"email": "ada@example.com", "role": "member", "title": "Surveyor"}]},
    )

    email: Email
    role: RoleKey = "member"
    display_name: Line = ""
    title: Line = ""


class MemberUpdate(Partial):
    """What changes about a member."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"display_name": "Ada", "title": "Surveyor"}]})

    display_name: Line = Field(default="", description="What they are called here; empty: the full name.")
    title: Line = ""
    role: RoleKey = ""
    is_active: bool = Field(default=True, description="Whether they may come in.")
