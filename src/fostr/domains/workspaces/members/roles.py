"""Who may be what: a member gets another role, and a workspace always keeps an owner who can sign in.

Whatever takes a role from a member, or a member from the workspace, asks here. The memberships that decide are locked
first and in one order, so that two of these at once are decided one after the other; the workspace's own row, which
holds the rights epoch, comes last everywhere.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from fostr.domains.workspaces.events import MEMBER_UPDATED
from fostr.domains.workspaces.members import repository
from fostr.domains.workspaces.members.errors import MemberNotFound, RoleUnknown
from fostr.domains.workspaces.members.schemas import Member
from fostr.domains.workspaces.roles import repository as roles_repository
from fostr.domains.workspaces.roles.errors import PermissionNotHeld, RoleTooHigh
from fostr.domains.workspaces.roles.rules import Role, check_assignable, check_hands_on
from fostr.kernel.access.catalogue import ALWAYS_EVERYTHING, rank_of
from fostr.kernel.db.unit import Unit
from fostr.kernel.events.outbox import record
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import Conflict, Forbidden
from fostr.kernel.http.scopes import check_recent


class LastOwner(Conflict):
    """A workspace keeps at least one owner."""

    code = "last_owner"
    detail = "This is the workspace's last owner; make somebody else an owner first."


class RightsChanged(Conflict):
    """The caller's own role was changed while they did this."""

    code = "rights_changed"
    detail = "Your own role was changed in the meantime; look at what you may do now."


class MemberRanksHigher(Forbidden):
    """The member stands higher than the caller."""

    code = "member_ranks_higher"
    detail = "This member's role stands higher than your own."


MEMBER_REFUSALS: Final = (MemberNotFound, MemberRanksHigher)
ROLE_REFUSALS: Final = (RoleUnknown, RoleTooHigh, PermissionNotHeld, RightsChanged, LastOwner)
"""How acting on a member, and giving somebody a role, may be refused, for the operations that do it."""


@dataclass(frozen=True, slots=True)
class Membership:
    """What decides about a member, as it stands under the lock.

    Attributes:
        counts: whether the member can act at all: joined, and with an account that is active.
    """

    member_id: UUID
    role: str
    counts: bool


async def lock_memberships(unit: Unit, *, workspace_id: UUID, member_ids: list[UUID]) -> dict[UUID, Membership]:
    """Keep these members, and every owner, as they are until the transaction ends; return them as they stand."""
    rows = await roles_repository.lock_memberships(unit, workspace_id=workspace_id, member_ids=member_ids)
    return {row["member_id"]: Membership(**dict(row)) for row in rows}


async def check_not_last_owner(unit: Unit, *, workspace_id: UUID, member_id: UUID) -> None:
    """Refuse to take away a member without whom the workspace would have no owner; anybody else passes.

    Owners stay as they are until the transaction ends, so of two who are taken away at once, one is refused.

    Raises:
        LastOwner: no other owner is active.
    """
    locked = await lock_memberships(unit, workspace_id=workspace_id, member_ids=[member_id])
    _check_owner_left(locked, member_id=member_id)


def _check_owner_left(locked: dict[UUID, Membership], *, member_id: UUID) -> None:
    owners = {each.member_id for each in locked.values() if each.role == ALWAYS_EVERYTHING}
    others = {each for each in owners - {member_id} if locked[each].counts}
    if member_id in owners and not others:
        raise LastOwner


async def get_assignable_role(context: Context, *, key: str) -> Role:
    """Return a role that the caller may give to somebody; it is not deleted until the transaction ends.

    Raises:
        RoleUnknown: the workspace has no such role.
        RoleTooHigh: it stands higher than the caller's own.
        PermissionNotHeld: it allows what the caller's role does not.
    """
    role = await roles_repository.find_role(context.unit, key=key, lock="share")
    if role is None:
        raise RoleUnknown(role=key)
    check_assignable(context.access, role)
    return role


async def check_member_rank(context: Context, *, role: str) -> None:
    """Refuse to act on a member whose role stands higher than the caller's.

    Raises:
        MemberRanksHigher: it does.
    """
    held = await roles_repository.find_role(context.unit, key=role)
    if held is not None and held.rank > rank_of(context.access.base_role):
        raise MemberRanksHigher


async def check_holds_as_much(context: Context, *, role: str) -> None:
    """Refuse who may do less than the members of a role: by acting for one of them they would gain rights.

    Raises:
        PermissionNotHeld: with what they lack.
    """
    held = await roles_repository.find_role(context.unit, key=role)
    if held is not None:
        check_hands_on(context.access, held.permissions)


async def change_role(context: Context, *, member_id: UUID, role: str) -> Member:
    """Give a member another role; it holds from the next request on, for every credential of theirs.

    Whether the caller may change members at all is for the guard to say. A role that is held already stays, without
    an event.

    Args:
        context: the request.
        member_id: whose role; the caller's own may be lowered like anybody's.
        role: the key of the new one.

    Raises:
        RoleUnknown: the workspace has no such role.
        RoleTooHigh: it stands higher than the caller's own.
        PermissionNotHeld: it allows what the caller's role does not.
        MemberNotFound: there is no such member.
        RightsChanged: the caller has another role by now than at the beginning of the request.
        MemberRanksHigher: the member stands higher than the caller.
        RecentSignInRequired: it makes or ends an owner, and the session's person signed in too long ago.
        LastOwner: nobody would be left to own the workspace.
    """
    unit = context.unit
    wanted = await get_assignable_role(context, key=role)
    locked = await lock_memberships(
        unit, workspace_id=context.workspace_id, member_ids=sorted({member_id, context.member_id})
    )
    if member_id not in locked:
        raise MemberNotFound
    caller = locked.get(context.member_id)
    if caller is None or caller.role != context.access.role:
        raise RightsChanged
    await check_member_rank(context, role=locked[member_id].role)
    if wanted.key != locked[member_id].role and ALWAYS_EVERYTHING in {wanted.key, locked[member_id].role}:
        check_recent(context, tokens=True)
    if wanted.key != ALWAYS_EVERYTHING:
        _check_owner_left(locked, member_id=member_id)
    return await _write_role(context, member_id=member_id, role=wanted)


async def _write_role(context: Context, *, member_id: UUID, role: Role) -> Member:
    unit = context.unit
    before = await repository.find_member(unit, member_id=member_id)
    if before is None:
        raise MemberNotFound
    if before.role == role.key:
        return before
    await roles_repository.set_role(unit, member_ids=[member_id], key=role.key, now=context.now)
    after = await repository.find_member(unit, member_id=member_id)
    assert after is not None  # noqa: S101 - it was written a statement ago
    await record(
        context,
        type=MEMBER_UPDATED,
        entity="member",
        entity_id=member_id,
        before=repository.columns(before),
        after=repository.columns(after),
    )
    await repository.increase_rights_epoch(unit, workspace_ids=[context.workspace_id])
    return after
