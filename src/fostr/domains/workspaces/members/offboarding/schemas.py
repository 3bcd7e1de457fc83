"""What belongs to members, as it is asked for and answered."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

KindName = Annotated[str, Field(min_length=1, max_length=100)]


class Item(BaseModel):
    """One thing that belongs to a member."""

    id: UUID
    name: str
    created_at: datetime


class ItemGroup(BaseModel):
    """What belongs to a member of one kind."""

    kind: str
    label: str
    can_reassign: bool = Field(description="False for what ends with the membership, such as keys.")
    items: list[Item]
    total: int
    has_more: bool


class MemberItems(BaseModel):
    """What belongs to a member, by kind."""

    member_id: UUID
    groups: list[ItemGroup]
    total: int = Field(description="Over all kinds that were asked for.")


class Reassignment(BaseModel):
    """Who gets what belongs to a member."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"to_member_id": "0192f0c1-a2b3-7c4d-8e9f-001122334455", "kinds": ["record", "recordset"]}]
        },
    )

    to_member_id: UUID
    kinds: list[KindName] | None = Field(
        default=None, min_length=1, max_length=100, description="Only these kinds; without it, all that can be."
    )


class Reassigned(BaseModel):
    """What went from one member to another."""

    from_member_id: UUID
    to_member_id: UUID
    reassigned: dict[str, int] = Field(description="By kind: how many.")
    total: int
