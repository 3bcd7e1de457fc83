"""Operations on teams."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Query

from fostr.domains.workspaces.members.errors import MemberNotFound
from fostr.domains.workspaces.permissions import CREATE_TEAM, DELETE_TEAM, EDIT_TEAM, VIEW_TEAMS
from fostr.domains.workspaces.teams import service
from fostr.domains.workspaces.teams.errors import (
    AlreadyInTeam,
    NotTeamLead,
    ParentTeamUnknown,
    TeamCycle,
    TeamMemberNotFound,
    TeamNameTaken,
    TeamNotFound,
)
from fostr.domains.workspaces.teams.schemas import (
    Team,
    TeamCreate,
    TeamFilter,
    TeamMember,
    TeamMemberCreate,
    TeamMemberUpdate,
    TeamUpdate,
)
from fostr.domains.workspaces.teams.service import ManagedTeam
from fostr.kernel.http.concurrency import ExpectedVersion, IfMatchInvalid
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import StaleUpdate, raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.paging import LimitedSlice, Page
from fostr.kernel.http.routing import Router

router = Router(prefix="/teams", tags=["Teams"])

Viewing = Annotated[Context, in_workspace(VIEW_TEAMS)]


async def read_filter(
    search: Annotated[str | None, Query(max_length=200, description="A part of the name or the description.")] = None,
    is_active: Annotated[bool | None, Query(description="Only those that are, or are not, active.")] = None,
    parent_team_id: Annotated[
        UUID | Literal["none"] | None, Query(description="Only those directly below this team; `none`: below no team.")
    ] = None,
) -> TeamFilter:
    """Return which teams are asked for."""
    return TeamFilter(search=search, is_active=is_active, parent_team_id=parent_team_id)


async def find_managed(context: Viewing, team_id: UUID) -> ManagedTeam:
    """Guard of operations on who is in a team: for administrators of teams, and for its leads."""
    return await service.manage_team(context, team_id=team_id)


Managed = Annotated[ManagedTeam, Depends(find_managed)]


@router.get("")
async def list(  # noqa: A001 - endpoints are bare verbs
    context: Viewing, wanted: Annotated[TeamFilter, Depends(read_filter)], part: LimitedSlice
) -> Page[Team]:
    """List the teams of the workspace.

    By name, each with how many people are in it.
    """
    return await service.list_teams(context, wanted=wanted, part=part)


@router.post("", status_code=201, responses=raises(TeamNameTaken, ParentTeamUnknown))
async def create(context: Annotated[Context, in_workspace(CREATE_TEAM)], data: TeamCreate) -> Team:
    """Make a team.

    It is empty at first. Its name is unique in the workspace, whatever the capitals. Needs `can_create_team`.
    """
    return await service.create_team(context, data=data)


@router.get("/{team_id}", responses=raises(TeamNotFound))
async def get(context: Viewing, team_id: UUID) -> Team:
    """Show one team."""
    return await service.get_team(context, team_id=team_id)


@router.patch(
    "/{team_id}",
    responses=raises(TeamNotFound, TeamNameTaken, TeamCycle, ParentTeamUnknown, StaleUpdate, IfMatchInvalid),
)
async def update(
    context: Annotated[Context, in_workspace(EDIT_TEAM)],
    team_id: UUID,
    data: TeamUpdate,
    expected_version: ExpectedVersion,
) -> Team:
    """Change a team's name, description or place, or suspend it.

    A team that is not active keeps its people and what was granted to it; until it is active again, nobody has a right
    through it. Needs `can_edit_team`.
    """
    return await service.update_team(context, team_id=team_id, data=data, expected_version=expected_version)


@router.delete("/{team_id}", status_code=204, responses=raises(TeamNotFound))
async def delete(context: Annotated[Context, in_workspace(DELETE_TEAM)], team_id: UUID) -> None:
    """Delete a team for good.

    What was granted to it goes with it; its people stay in the workspace, and teams below it stand below none. To
    suspend a team, set `is_active` instead. Needs `can_delete_team`.
    """
    await service.delete_team(context, team_id=team_id)


@router.get("/{team_id}/members", responses=raises(TeamNotFound))
async def list_members(context: Viewing, team_id: UUID, part: LimitedSlice) -> Page[TeamMember]:
    """List who is in a team.

    Leads come first.
    """
    return await service.list_team_members(context, team_id=team_id, part=part)


@router.post(
    "/{team_id}/members",
    status_code=201,
    responses=raises(TeamNotFound, MemberNotFound, NotTeamLead, AlreadyInTeam),
)
async def add_member(target: Managed, data: TeamMemberCreate) -> TeamMember:
    """Take a member of the workspace into a team.

    What is granted to the team holds for them from their next request on. Needs `can_edit_team`, or to lead the team.
    """
    return await service.add_team_member(target, data=data)


@router.patch(
    "/{team_id}/members/{member_id}",
    responses=raises(TeamNotFound, TeamMemberNotFound, NotTeamLead),
)
async def update_member(target: Managed, member_id: UUID, data: TeamMemberUpdate) -> TeamMember:
    """Make somebody a lead of a team, or no longer.

    Leads choose who is in their team, other leads included. Needs `can_edit_team`, or to lead the team.
    """
    return await service.update_team_member(target, member_id=member_id, role=data.role)


@router.delete(
    "/{team_id}/members/{member_id}",
    status_code=204,
    responses=raises(TeamNotFound, TeamMemberNotFound, NotTeamLead),
)
async def remove_member(target: Managed, member_id: UUID) -> None:
    """Take somebody out of a team.

    What is granted to the team no longer holds for them from their next request on. Needs `can_edit_team`, or to lead
    the team.
    """
    await service.remove_team_member(target, member_id=member_id)
