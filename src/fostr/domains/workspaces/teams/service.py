"""What can be done with teams."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from fostr.domains.workspaces.members.errors import MemberNotFound
from fostr.domains.workspaces.members.repository import increase_rights_epoch
from fostr.domains.workspaces.permissions import EDIT_TEAM
from fostr.domains.workspaces.teams import repository
from fostr.domains.workspaces.teams.errors import (
    AlreadyInTeam,
    NotTeamLead,
    ParentTeamUnknown,
    TeamCycle,
    TeamMemberNotFound,
    TeamNameTaken,
    TeamNotFound,
)
from fostr.domains.workspaces.teams.events import (
    TEAM_CREATED,
    TEAM_DELETED,
    TEAM_MEMBER_ADDED,
    TEAM_MEMBER_REMOVED,
    TEAM_MEMBER_UPDATED,
    TEAM_UPDATED,
)
from fostr.domains.workspaces.teams.schemas import (
    Team,
    TeamCreate,
    TeamFilter,
    TeamMember,
    TeamMemberCreate,
    TeamRole,
    TeamUpdate,
)
from fostr.kernel.access.access import scope_allows
from fostr.kernel.events.outbox import record
from fostr.kernel.http.concurrency import check_version
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import ScopeInsufficient
from fostr.kernel.http.paging import Page, Slice
from fostr.kernel.ids import new_id

_STATE: Final = ("name", "description", "parent_team_id", "is_active")


@dataclass(frozen=True, slots=True)
class ManagedTeam:
    """A team whose people the caller may choose."""

    context: Context
    team: Team


async def list_teams(context: Context, *, wanted: TeamFilter, part: Slice) -> Page[Team]:
    teams = await repository.list_teams(
        context.unit, wanted=wanted, caller=context.member_id, limit=part.limit, offset=part.offset
    )
    return part.page(teams, total=await repository.count_teams(context.unit, wanted=wanted))


async def get_team(context: Context, *, team_id: UUID) -> Team:
    team = await repository.find_team(context.unit, team_id=team_id, caller=context.member_id)
    if team is None:
        raise TeamNotFound
    return team


async def create_team(context: Context, *, data: TeamCreate) -> Team:
    unit, team_id = context.unit, new_id()
    await repository.lock_teams(unit)
    await _check_parent(context, team_id=team_id, parent_team_id=data.parent_team_id)
    after = data.model_dump()
    values = {**after, "id": team_id, "created_by": context.member_id, "now": context.now}
    if not await repository.insert_team(unit, values=values):
        raise TeamNameTaken
    await record(context, type=TEAM_CREATED, entity="team", entity_id=team_id, after=after)
    await increase_rights_epoch(unit, workspace_ids=[context.workspace_id])
    return await get_team(context, team_id=team_id)


async def update_team(context: Context, *, team_id: UUID, data: TeamUpdate, expected_version: int | None) -> Team:
    unit = context.unit
    found = await _lock_team(context, team_id=team_id)
    check_version(expected=expected_version, current=found.version)
    before = _state(found)
    after = before | data.changes()
    if after == before:
        return found
    if after["parent_team_id"] != before["parent_team_id"]:
        await _check_parent(context, team_id=team_id, parent_team_id=after["parent_team_id"])
    if await repository.has_name(unit, name=after["name"], besides=team_id):
        raise TeamNameTaken
    await repository.update_team(unit, team_id=team_id, values=after, now=context.now)
    await record(context, type=TEAM_UPDATED, entity="team", entity_id=team_id, before=before, after=after)
    await increase_rights_epoch(unit, workspace_ids=[context.workspace_id])
    return await get_team(context, team_id=team_id)


async def delete_team(context: Context, *, team_id: UUID) -> None:
    """Delete a team for good, with what was granted to it; teams below it stand on their own."""
    found = await _lock_team(context, team_id=team_id)
    await repository.delete_team(context.unit, team_id=team_id)
    await record(context, type=TEAM_DELETED, entity="team", entity_id=team_id, before=_state(found))
    await increase_rights_epoch(context.unit, workspace_ids=[context.workspace_id])


async def _lock_team(context: Context, *, team_id: UUID) -> Team:
    await repository.lock_teams(context.unit)
    if not await repository.lock_team(context.unit, team_id=team_id, lock="update"):
        raise TeamNotFound
    return await get_team(context, team_id=team_id)


async def _check_parent(context: Context, *, team_id: UUID, parent_team_id: UUID | None) -> None:
    if parent_team_id is None:
        return
    line = await repository.list_line(context.unit, team_id=parent_team_id)
    if not line:
        raise ParentTeamUnknown
    if team_id in line:
        raise TeamCycle


def _state(team: Team) -> dict[str, Any]:
    return {name: getattr(team, name) for name in _STATE}


async def manage_team(context: Context, *, team_id: UUID) -> ManagedTeam:
    """Return a team whose people the caller may choose: as an administrator of teams, or because they lead it.

    Raises:
        TeamNotFound: there is no such team.
        ScopeInsufficient: the credential is for reading only.
        NotTeamLead: the caller does neither.
    """
    if not await repository.lock_team(context.unit, team_id=team_id, lock="key share"):
        raise TeamNotFound
    team = await get_team(context, team_id=team_id)
    if not scope_allows(context.principal.scope, EDIT_TEAM):
        raise ScopeInsufficient
    if not context.access.has(EDIT_TEAM) and team.own_role != "lead":
        raise NotTeamLead(permission=EDIT_TEAM)
    return ManagedTeam(context=context, team=team)


async def list_team_members(context: Context, *, team_id: UUID, part: Slice) -> Page[TeamMember]:
    await get_team(context, team_id=team_id)
    members = await repository.list_members(context.unit, team_id=team_id, limit=part.limit, offset=part.offset)
    return part.page(members, total=await repository.count_members(context.unit, team_id=team_id))


async def add_team_member(target: ManagedTeam, *, data: TeamMemberCreate) -> TeamMember:
    context, team_id = target.context, target.team.id
    if not await repository.lock_member(context.unit, member_id=data.member_id):
        raise MemberNotFound
    is_new = await repository.insert_team_member(
        context.unit, team_id=team_id, member_id=data.member_id, role=data.role, now=context.now
    )
    if not is_new:
        raise AlreadyInTeam
    await _tell(target, TEAM_MEMBER_ADDED, data.member_id, after=data.role)
    return await _get_team_member(target, data.member_id)


async def update_team_member(target: ManagedTeam, *, member_id: UUID, role: TeamRole) -> TeamMember:
    before = await _get_team_member(target, member_id, lock=True)
    if before.role == role:
        return before
    await repository.set_team_role(target.context.unit, team_id=target.team.id, member_id=member_id, role=role)
    await _tell(target, TEAM_MEMBER_UPDATED, member_id, before=before.role, after=role)
    return await _get_team_member(target, member_id)


async def remove_team_member(target: ManagedTeam, *, member_id: UUID) -> None:
    before = await _get_team_member(target, member_id, lock=True)
    await repository.delete_team_member(target.context.unit, team_id=target.team.id, member_id=member_id)
    await _tell(target, TEAM_MEMBER_REMOVED, member_id, before=before.role)


async def _get_team_member(target: ManagedTeam, member_id: UUID, *, lock: bool = False) -> TeamMember:
    found = await repository.find_team_member(
        target.context.unit, team_id=target.team.id, member_id=member_id, lock=lock
    )
    if found is None:
        raise TeamMemberNotFound
    return found


async def _tell(
    target: ManagedTeam, what: str, member_id: UUID, *, before: TeamRole | None = None, after: TeamRole | None = None
) -> None:
    """Record what happened to a member in a team, and void the rights that were computed with it."""

    def state(role: TeamRole | None) -> dict[str, Any] | None:
        return None if role is None else {"member_id": member_id, "role": role}

    context = target.context
    await record(context, type=what, entity="team", entity_id=target.team.id, before=state(before), after=state(after))
    await increase_rights_epoch(context.unit, workspace_ids=[context.workspace_id])
