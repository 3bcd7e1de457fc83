"""Shapes of row rules in the API."""

from datetime import datetime
from typing import Annotated, Any, Final, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, model_validator

from fostr.domains.records.rules.rule import RuleAction

RuleName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Actions = Annotated[
    list[RuleAction],
    Field(min_length=1, max_length=3, description="What the rule bounds; `view` bounds the others too."),
]
Condition = Annotated[
    dict[str, Any],
    Field(
        description="A tree of filters, as in `filters` of a list; operands may name the viewer. `{}` is always true."
    ),
]
Position = Annotated[int, Field(ge=0, le=1_000_000, description="Where it stands in the list; else without meaning.")]

EXAMPLE: Final[dict[str, JsonValue]] = {
    "name": "Sales see what is theirs",
    "actions": ["view", "edit"],
    "applies_to": {"roles": ["member"]},
    "condition": {"field": "@owner_id", "op": "eq", "value": {"$viewer": "member_id"}},
}


class Subjects(BaseModel):
    """To whom a rule applies: to everybody, or to all whom it names."""

    everybody: bool
    roles: list[str]
    team_ids: list[UUID]
    member_ids: list[UUID]


class SubjectsGiven(BaseModel):
    """To whom a rule is to apply."""

    model_config = ConfigDict(extra="forbid")

    everybody: bool = False
    roles: Annotated[list[str], Field(max_length=50)] = []
    team_ids: Annotated[list[UUID], Field(max_length=200)] = []
    member_ids: Annotated[list[UUID], Field(max_length=500)] = []

    @model_validator(mode="after")
    def _check_somebody(self) -> Self:
        if self.everybody == bool(self.roles or self.team_ids or self.member_ids):
            raise ValueError("say either everybody, or name roles, teams or members")
        return self


class Rule(BaseModel):
    """A rule about which records of a recordset are within whose reach."""

    id: UUID
    recordset_id: UUID
    name: str
    actions: list[RuleAction]
    applies_to: Subjects
    condition: dict[str, Any]
    is_active: bool
    position: int
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime
    version: int


class RuleCreate(BaseModel):
    """A new rule."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    name: RuleName
    actions: Actions
    applies_to: SubjectsGiven
    condition: Condition
    is_active: bool = True
    position: Position | None = None


class RuleUpdate(BaseModel):
    """Changes of a rule; what is left out stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"is_active": False}]})

    name: RuleName | None = None
    actions: Actions | None = None
    applies_to: SubjectsGiven | None = None
    condition: Condition | None = None
    is_active: bool | None = None
    position: Position | None = None
    expected_version: int | None = Field(default=None, ge=1, description="The version that the caller saw.")


class PreviewCreate(BaseModel):
    """A question about what is within a member's reach."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"member_id": "0192f0c1-a2b3-7c4d-8e9f-001122334455", "action": "view"}]},
    )

    member_id: UUID
    action: RuleAction = "view"


class Preview(BaseModel):
    """What is within a member's reach, by their role, what is granted to them, and the rules together."""

    member_id: UUID
    action: RuleAction
    is_allowed: bool = Field(description="Whether they may do it to any record at all, were there no rules.")
    reason: str = Field(description="What decided about that.")
    rules: list[str] = Field(description="What the rules are called that limit them; none when nothing does.")
    count: int
    record_ids: list[UUID] = Field(description="The first of the records, 20 at most.")
