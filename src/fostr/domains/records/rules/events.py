"""What happens to the row rules of recordsets."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events


class RuleFacts(BaseModel):
    """What an event tells of a rule; its entity is the recordset."""

    rule_id: UUID
    name: str
    actions: list[str]
    for_everybody: bool
    roles: list[str]
    team_ids: list[UUID]
    member_ids: list[UUID]
    condition: dict[str, Any]
    is_active: bool
    position: int


register_events(
    [
        EventType(
            "recordset.rule_created",
            entity="recordset",
            schema=RuleFacts,
            summary="A rule about which records of a recordset are within whose reach was made.",
            phrase="made the rule {fact[name]} about who reaches which records of {name}",
        ),
        EventType(
            "recordset.rule_updated",
            entity="recordset",
            schema=RuleFacts,
            summary="A rule about which records of a recordset are within whose reach was changed.",
            phrase="changed the rule {fact[name]} about who reaches which records of {name}",
        ),
        EventType(
            "recordset.rule_deleted",
            entity="recordset",
            schema=RuleFacts,
            summary="A rule about which records of a recordset are within whose reach was taken away.",
            phrase="took away the rule {fact[name]} about who reaches which records of {name}",
        ),
    ]
)
