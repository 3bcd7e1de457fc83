"""Permissions and roles, as they are asked for and answered."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from fostr.kernel.access.access import DecidedBy
from fostr.kernel.auth.principals import ScopeName
from fostr.kernel.http.bodies import Partial, Title

PermissionName = Annotated[str, StringConstraints(min_length=1, max_length=100)]
RoleKey = Annotated[str, StringConstraints(min_length=1, max_length=60)]


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """Something that a role may allow."""

    name: str
    resource: Annotated[str, Field(description="The kind of thing that it is about.")]
    label: str
    default_roles: Annotated[list[str], Field(description="The built-in roles that hold it as they come.")]
    scope: Annotated[ScopeName, Field(description="What a credential needs at least for it to count.")]
    is_reserved: Annotated[bool, Field(description="Whether only roles that build on admin can hold it.")]


@dataclass(frozen=True, slots=True)
class RoleInfo:
    """A role of the workspace, and what it allows."""

    key: str
    name: str
    base: Annotated[str, Field(description="The built-in role that it is, or builds on and ranks as.")]
    is_custom: Annotated[bool, Field(description="Whether the workspace added it.")]
    permissions: Annotated[list[str], Field(description="All that it allows.")]
    granted: Annotated[list[str], Field(description="What it allows beyond its base.")]
    revoked: Annotated[list[str], Field(description="What its base allows and it does not.")]
    member_count: int
    version: int


@dataclass(frozen=True, slots=True)
class OwnPermissions:
    """What the caller may do in the workspace."""

    role: str
    base_role: str
    permissions: Annotated[list[str], Field(description="All that the caller's role allows.")]
    scope: Annotated[ScopeName, Field(description="The scope of the credential.")]
    usable: Annotated[list[str], Field(description="What of it the credential's scope covers.")]


@dataclass(frozen=True, slots=True)
class PermissionCheck:
    """Whether the caller has a permission, and what decided."""

    permission: str
    allowed: bool
    decided_by: DecidedBy
    reason: Annotated[str, Field(description="What decided, as a sentence.")]
    role: str
    role_allows: Annotated[bool, Field(description="Whether the role allows it, whatever the credential.")]
    scope: ScopeName
    required_scope: ScopeName


@dataclass(frozen=True, slots=True)
class ObjectReference:
    """One thing that has rights of its own.

    Attributes:
        kind: what it is, such as `recordset`.
        reference: its id or slug.
    """

    kind: str
    reference: str


@dataclass(frozen=True, slots=True)
class PrunedRole:
    """A role from which names were taken that no longer are permissions."""

    role: str
    removed: list[str]


@dataclass(frozen=True, slots=True)
class Seeded:
    """How the stored roles stand to the catalogue now."""

    permission_count: int
    pruned: list[PrunedRole]
    roles: dict[str, RoleInfo]


class RoleCreate(BaseModel):
    """A new role."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"name": "Auditor", "base": "viewer", "permissions": ["can_view_record", "can_view_recordset"]}
            ]
        },
    )

    name: Title
    base: Literal["admin", "member", "viewer"]
    permissions: list[PermissionName] | None = Field(
        default=None, max_length=1000, description="All that it allows; left out: what its base allows as it comes."
    )


class RoleUpdate(Partial):
    """What changes about a role."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"permissions": {"can_create_team": True, "can_export_records": False}}]},
    )

    permissions: Annotated[dict[PermissionName, bool], Field(max_length=1000)] = Field(
        default={}, description="Whether the role allows it, by the name of the permission; others stay as they are."
    )
    name: Title = Field(default="", description="Another name, for a role that the workspace added.")


class RolePermissionUpdate(BaseModel):
    """Whether a role allows one thing."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"permission": "can_create_team", "allowed": True}]}
    )

    permission: PermissionName
    allowed: bool
