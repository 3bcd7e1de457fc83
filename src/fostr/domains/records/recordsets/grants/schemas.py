"""Shapes of grants in the API."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

Action = Literal["can_view", "can_create", "can_edit", "can_edit_own", "can_delete", "can_delete_own", "can_admin"]


class Grant(BaseModel):
    """What a member or a team may do in a recordset."""

    id: UUID
    recordset_id: UUID
    member_id: UUID | None
    team_id: UUID | None
    name: str = Field(description="What the member or the team is called.")
    actions: list[Action]
    granted_by: UUID | None
    created_at: datetime
    updated_at: datetime


class GrantCreate(BaseModel):
    """A grant to a member or to a team; it takes the place of an earlier one."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"member_id": "0192f0c1-a2b3-7c4d-8e9f-001122334455", "actions": ["can_create", "can_edit_own"]}
            ]
        },
    )

    member_id: UUID | None = None
    team_id: UUID | None = None
    actions: Annotated[list[Action], Field(min_length=1, max_length=7)] = Field(
        description="`can_admin` includes all others, and each includes `can_view`. With `_own`, only what the "
        "member created or owns."
    )

    @model_validator(mode="after")
    def _check_one_grantee(self) -> Self:
        if (self.member_id is None) == (self.team_id is None):
            raise ValueError("name either member_id or team_id")
        return self
