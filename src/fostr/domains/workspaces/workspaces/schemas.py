"""Workspaces, as they are asked for and answered."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from fostr.kernel.http.bodies import Partial, Title, WebAddress


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace, as one of its members sees it."""

    id: UUID
    name: str
    slug: Annotated[str, Field(description="Its name in addresses; unique on this server.")]
    logo_url: str | None
    role: Annotated[str, Field(description="The caller's role in it.")]
    member_id: Annotated[UUID, Field(description="The caller as a member of it.")]
    is_current: Annotated[bool, Field(description="Whether it is meant when a request names none.")]
    created_at: datetime
    updated_at: datetime
    version: int


class WorkspaceCreate(BaseModel):
    """A new workspace."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "Harbour Surveys"}]})

    name: Title


class WorkspaceUpdate(Partial):
    """What changes about a workspace."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Harbour & Sons", "logo_url": "https://example.com/logo.svg"}]}
    )

    name: Title = ""
    logo_url: WebAddress | None = Field(default=None, description="A picture; null takes it away.")


class WorkspaceSwitch(BaseModel):
    """Where the session goes on."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"workspace_id": "0192f0c1-a2b3-7c4d-8e9f-001122334455"}]}
    )

    workspace_id: UUID
