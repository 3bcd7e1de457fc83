"""What happens to access to recordsets."""

from uuid import UUID

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events


class GrantFacts(BaseModel):
    """What an event tells of a grant; its entity is the recordset."""

    member_id: UUID | None
    team_id: UUID | None
    actions: list[str]


register_events(
    [
        EventType(
            "recordset.access_granted",
            entity="recordset",
            schema=GrantFacts,
            summary="Access to a recordset was granted to a member or a team, or changed.",
            phrase="gave {whom} access to {thing}",
        ),
        EventType(
            "recordset.access_revoked",
            entity="recordset",
            schema=GrantFacts,
            summary="Access to a recordset was taken from a member or a team.",
            phrase="took away the access of {whom} to {thing}",
        ),
    ]
)
