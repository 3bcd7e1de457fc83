"""What other domains may use of workspaces."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fostr.domains.workspaces.members import repository as members_repository
from fostr.domains.workspaces.members import roles as members_roles
from fostr.domains.workspaces.members import service as members_service
from fostr.domains.workspaces.members.errors import MemberNotFound
from fostr.domains.workspaces.members.roles import MEMBER_REFUSALS, ROLE_REFUSALS
from fostr.domains.workspaces.members.schemas import Member
from fostr.domains.workspaces.modules import service as modules_service
from fostr.domains.workspaces.permissions import EDIT_MEMBERS, VIEW_MEMBERS, VIEW_TEAMS
from fostr.domains.workspaces.readiness import register_flag
from fostr.domains.workspaces.teams import repository as teams_repository
from fostr.domains.workspaces.teams.errors import TeamNotFound
from fostr.domains.workspaces.workspaces import service as workspaces_service
from fostr.domains.workspaces.workspaces.schemas import Workspace
from fostr.kernel.db.unit import Unit
from fostr.kernel.events.outbox import Actor, Cause
from fostr.kernel.http.context import AccountContext, Context
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.modules import Module

__all__ = [
    "MEMBER_REFUSALS",
    "ROLE_REFUSALS",
    "VIEW_MEMBERS",
    "VIEW_TEAMS",
    "Member",
    "ShownMember",
    "Workspace",
    "add_member",
    "bump_rights_epoch",
    "bump_rights_epochs_of",
    "change_role",
    "check_holds_as_much",
    "check_may_edit_members",
    "check_member_exists",
    "check_member_rank",
    "check_team_exists",
    "get_member",
    "get_member_of_user",
    "get_module_settings",
    "get_own_member",
    "get_workspace",
    "has_member",
    "is_only_workspace_of",
    "list_administrators",
    "list_meant_members",
    "list_member_names",
    "list_present",
    "list_shown_members",
    "list_team_names",
    "list_teams_with_members",
    "provision_workspace",
    "register_flag",
    "spread_profile",
    "team_ids",
    "update_copy",
    "update_own_copy",
]


async def provision_workspace(
    unit: Unit,
    *,
    name: str,
    owner_user_id: UUID,
    actor: Actor | None = None,
    cause: Cause | None = None,
) -> Workspace:
    """Make a workspace with its first owner, ready to use.

    The unit is bound to the new workspace by this, so it must not be bound to another.

    Args:
        unit: the transaction that it becomes part of.
        name: what people call it; its name in addresses is made from it.
        owner_user_id: an account.
        actor: who does it, for the events; by default the owner.
        cause: why, for the events.
    """
    return await workspaces_service.provision_workspace(
        unit, name=name, owner_user_id=owner_user_id, actor=actor, cause=cause
    )


async def get_workspace(context: AccountContext, *, workspace_id: UUID) -> Workspace:
    """Return a workspace that the caller is a member of, and that their credential reaches.

    Raises:
        WorkspaceNotFound: there is none.
    """
    return await workspaces_service.get_workspace(context, workspace_id=workspace_id)


async def add_member(
    unit: Unit,
    *,
    workspace_id: UUID,
    user_id: UUID,
    role: str,
    actor: Actor | None = None,
    cause: Cause | None = None,
) -> Member:
    """Make a person a member of a workspace, at once and without asking them.

    The unit is bound to the workspace by this, so it must not be bound to another.

    Raises:
        PersonNotFound: there is no such account.
        AlreadyMember: they are a member.
        RoleUnknown: the workspace has no such role.
    """
    return await members_service.add_member(
        unit, workspace_id=workspace_id, user_id=user_id, role=role, actor=actor, cause=cause
    )


async def get_member(unit: Unit, *, member_id: UUID) -> Member:
    """Return a member of the unit's workspace; somebody who has left, too, with the status `removed`.

    Raises:
        MemberNotFound: there is none.
    """
    return await members_service.get_member(unit, member_id=member_id)


async def has_member(unit: Unit, *, member_id: UUID) -> bool:
    """Say whether an id is that of a member of the unit's workspace who has not left."""
    return await members_service.has_member(unit, member_id=member_id)


async def get_own_member(context: AccountContext, *, workspace_id: UUID) -> Member:
    """Return the caller as a member of a workspace, and bind their unit of work to it.

    Raises:
        WorkspaceNotFound: they are no member of it, or their credential does not reach it.
    """
    await workspaces_service.get_workspace(context, workspace_id=workspace_id)
    context.unit.enter_workspace(workspace_id)
    return await members_service.get_member_of_user(context.unit, user_id=context.principal.user_id)


async def update_own_copy(context: AccountContext, *, workspace_id: UUID) -> Member:
    """Bring what one workspace shows of the caller up to date now; else like `get_own_member`."""
    await get_own_member(context, workspace_id=workspace_id)
    await members_service.update_copy(context.unit, user_id=context.principal.user_id)
    return await members_service.get_member_of_user(context.unit, user_id=context.principal.user_id)


async def list_member_names(unit: Unit, *, member_ids: list[UUID]) -> dict[UUID, str]:
    """Return what the members of those ids are, or were, called; ids of nobody are left out."""
    return await members_repository.list_names(unit, member_ids=member_ids)


@dataclass(frozen=True, slots=True)
class ShownMember:
    """A member as others see them beside what they did."""

    id: UUID
    name: str
    avatar_url: str | None


async def list_shown_members(unit: Unit, *, member_ids: Sequence[UUID]) -> dict[UUID, ShownMember]:
    """Return what the members of those ids are, or were, called, and their pictures; ids of nobody are left out."""
    rows = await members_repository.list_shown(unit, member_ids=member_ids)
    return {row["id"]: ShownMember(**dict(row)) for row in rows}


async def list_meant_members(unit: Unit, *, ids: Sequence[UUID]) -> list[UUID]:
    """Return the members who are meant by some ids of members or of accounts; ids of nobody are left out."""
    return await members_repository.list_ids(unit, ids=ids)


async def list_team_names(context: Context, *, team_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the names of those of some teams that are there; none to who may not see teams."""
    may_see = bool(team_ids) and context.access.has(VIEW_TEAMS)
    return await teams_repository.list_names(context.unit, team_ids=team_ids) if may_see else {}


async def list_teams_with_members(unit: Unit, *, team_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """Return who is in each of some teams; teams that are not there are left out."""
    return await teams_repository.list_belonging(unit, team_ids=team_ids)


async def list_administrators(unit: Unit) -> list[UUID]:
    """Return the members who run the unit's workspace: active owners and administrators."""
    return await members_repository.list_administrators(unit)


async def list_present(unit: Unit, *, member_ids: list[UUID]) -> list[UUID]:
    """Return which of some ids are those of members of the unit's workspace who have not left."""
    return await members_repository.list_present(unit, member_ids=member_ids)


async def check_member_exists(unit: Unit, *, member_id: UUID) -> None:
    """Refuse an id that is no member's of the unit's workspace; one of somebody who has left, too.

    Raises:
        MemberNotFound: there is none.
    """
    if not await members_service.has_member(unit, member_id=member_id):
        raise MemberNotFound


async def team_ids(unit: Unit, *, member_id: UUID) -> list[UUID]:
    """Return the teams that a member is in."""
    return await teams_repository.list_team_ids(unit, member_id=member_id)


async def check_team_exists(unit: Unit, *, team_id: UUID) -> None:
    """Refuse an id that is no team's of the unit's workspace.

    Raises:
        TeamNotFound: there is none.
    """
    if not await teams_repository.has_team(unit, team_id=team_id):
        raise TeamNotFound


async def bump_rights_epoch(unit: Unit, *, workspace_id: UUID | None = None) -> None:
    """Make cached and streamed rights in a workspace void, by default in the unit's own.

    Part of every write that changes rights, or something that is remembered with them: the definition of a recordset.
    """
    workspace_id = workspace_id or unit.workspace
    await members_repository.increase_rights_epoch(unit, workspace_ids=[workspace_id] if workspace_id else [])


async def bump_rights_epochs_of(unit: Unit, *, user_id: UUID) -> None:
    """Make cached and streamed rights void wherever a person is a member; part of ending a credential of theirs."""
    workspace_ids = await members_repository.list_workspace_ids(unit, user_id=user_id)
    await members_repository.increase_rights_epoch(unit, workspace_ids=workspace_ids)


async def spread_profile(unit: Unit, *, user_id: UUID) -> None:
    """Bring what workspaces show of a person up to date, by a job for each once the unit has committed."""
    for workspace_id in await members_repository.list_workspace_ids(unit, user_id=user_id):
        await dispatch(unit, "workspaces.update_member_copy", {"user_id": str(user_id)}, workspace=workspace_id)


async def get_member_of_user(unit: Unit, *, user_id: UUID) -> Member:
    """Return the member of the unit's workspace who has an account, unless they have left, or have not joined.

    Raises:
        MemberNotFound: there is none.
    """
    member = await members_service.get_member_of_user(unit, user_id=user_id)
    if member.status in {"removed", "invited"}:
        raise MemberNotFound
    return member


async def get_module_settings(unit: Unit, *, module: Module) -> dict[str, Any]:
    """Return what the unit's workspace has set about a module, and what it comes with for the rest."""
    return await modules_service.read_settings(unit, module=module)


def check_may_edit_members(context: Context) -> None:
    """Refuse who may not change members: their role or the scope of their credential does not allow it.

    Raises:
        ScopeInsufficient: the credential's scope is too small.
        Forbidden: the role lacks the permission.
    """
    members_service.check_permission(context, EDIT_MEMBERS)


async def check_member_rank(context: Context, *, role: str) -> None:
    """Refuse to see or touch a member whose role stands higher than the caller's.

    Raises:
        MemberRanksHigher: it does.
    """
    await members_roles.check_member_rank(context, role=role)


async def check_holds_as_much(context: Context, *, role: str) -> None:
    """Refuse who may do less than the members of a role: by acting for one of them they would gain rights.

    Raises:
        PermissionNotHeld: with what they lack.
    """
    await members_roles.check_holds_as_much(context, role=role)


async def change_role(context: Context, *, member_id: UUID, role: str) -> Member:
    """Give a member another role, as far as the caller's own goes; it holds from the next request on.

    Whether the caller may change members at all is asked before: see `check_may_edit_members`.

    Raises:
        RoleUnknown: one of `MEMBER_REFUSALS` and `ROLE_REFUSALS`, as are the others.
    """
    return await members_roles.change_role(context, member_id=member_id, role=role)


async def is_only_workspace_of(unit: Unit, *, user_id: UUID) -> bool:
    """Say whether a person is in the unit's workspace and in no other."""
    return await members_repository.list_workspace_ids(unit, user_id=user_id) == [unit.workspace]


async def update_copy(context: Context, *, user_id: UUID) -> None:
    """Bring what the caller's workspace shows of a person up to date now; the event says that the caller did it."""
    principal = context.principal
    actor = Actor(context.member_id, principal.user_id, principal.kind, principal.acting_as)
    await members_service.update_copy(context.unit, user_id=user_id, actor=actor)
