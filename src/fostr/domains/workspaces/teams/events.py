"""What happens to teams."""

from typing import Final
from uuid import UUID

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events

TEAM_CREATED: Final = "team.created"
TEAM_UPDATED: Final = "team.updated"
TEAM_DELETED: Final = "team.deleted"
TEAM_MEMBER_ADDED: Final = "team.member_added"
TEAM_MEMBER_UPDATED: Final = "team.member_updated"
TEAM_MEMBER_REMOVED: Final = "team.member_removed"


class TeamState(BaseModel):
    """A team, as its events tell of it."""

    name: str
    description: str
    parent_team_id: UUID | None
    is_active: bool


class TeamMemberState(BaseModel):
    """Somebody's place in a team; the event's entity is the team."""

    member_id: UUID
    role: str


register_events(
    [
        EventType(TEAM_CREATED, "team", schema=TeamState, summary="A team was made."),
        EventType(TEAM_UPDATED, "team", schema=TeamState, summary="A team was changed."),
        EventType(TEAM_DELETED, "team", schema=TeamState, summary="A team was deleted, and what was granted to it."),
        EventType(
            TEAM_MEMBER_ADDED,
            "team",
            schema=TeamMemberState,
            summary="A member came into a team.",
            phrase="took {whom} into {thing}",
        ),
        EventType(
            TEAM_MEMBER_UPDATED,
            "team",
            schema=TeamMemberState,
            summary="A member's role in a team changed.",
            phrase="changed the role of {whom} in {thing}",
        ),
        EventType(
            TEAM_MEMBER_REMOVED,
            "team",
            schema=TeamMemberState,
            summary="A member was taken out of a team.",
            phrase="took {whom} out of {thing}",
        ),
    ]
)
