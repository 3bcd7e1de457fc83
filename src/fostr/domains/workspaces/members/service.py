"""What can be done with members."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from fostr.domains.workspaces.events import MEMBER_ADDED, MEMBER_DEACTIVATED, MEMBER_REACTIVATED, MEMBER_UPDATED
from fostr.domains.workspaces.members import repository, roles
from fostr.domains.workspaces.members.errors import (
    AlreadyMember,
    InvitationRequired,
    MemberIsSelf,
    MemberNotFound,
    MemberNotJoined,
    PersonNotFound,
    RoleUnknown,
)
from fostr.domains.workspaces.members.schemas import Member, MemberCreate, MemberFilter, MemberUpdate, OwnMember
from fostr.domains.workspaces.permissions import EDIT_MEMBERS
from fostr.domains.workspaces.readiness import PERSONAL_ONBOARDING, read_flag
from fostr.kernel.access.catalogue import ALWAYS_EVERYTHING, ROLES
from fostr.kernel.auth.principals import Scope
from fostr.kernel.clock import now
from fostr.kernel.db.unit import Unit
from fostr.kernel.events.outbox import Actor, Cause, record
from fostr.kernel.http.concurrency import check_version
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import Forbidden, ScopeInsufficient
from fostr.kernel.http.guards import check_scope
from fostr.kernel.http.paging import Page, Slice
from fostr.kernel.http.scopes import check_recent
from fostr.kernel.ids import new_id


async def list_members(context: Context, *, wanted: MemberFilter, part: Slice) -> Page[Member]:
    members = await repository.list_members(context.unit, wanted=wanted, limit=part.limit, offset=part.offset)
    return part.page(members, total=await repository.count_members(context.unit, wanted=wanted))


async def list_cards(context: Context) -> bytes:
    return (await repository.list_cards(context.unit)).encode()


async def get_own(context: Context) -> OwnMember:
    member = await get_member(context.unit, member_id=context.member_id)
    return OwnMember(
        **asdict(member),
        base_role=context.access.base_role,
        permissions=sorted(context.access.permissions),
        is_onboarded=await read_flag(context, PERSONAL_ONBOARDING),
    )


async def get_member(unit: Unit, *, member_id: UUID) -> Member:
    """Return a member, somebody who has left among them."""
    member = await repository.find_member(unit, member_id=member_id)
    if member is None:
        raise MemberNotFound
    return member


async def has_member(unit: Unit, *, member_id: UUID) -> bool:
    member = await repository.find_member(unit, member_id=member_id)
    return member is not None and member.status != "removed"


async def lock_member(context: Context, *, member_id: UUID) -> Member:
    """Return a member who is there, with what decides about them, and about the caller, as it stays until the end.

    Raises:
        MemberNotFound: there is no such member, or they have left.
        RightsChanged: the caller has another role by now than at the beginning of the request.
        MemberRanksHigher: the member stands higher than the caller.
    """
    locked = await roles.lock_memberships(
        context.unit, workspace_id=context.workspace_id, member_ids=sorted({member_id, context.member_id})
    )
    member = await repository.find_member(context.unit, member_id=member_id, lock=True)
    if member is None or member_id not in locked:
        raise MemberNotFound
    caller = locked.get(context.member_id)
    if caller is None or caller.role != context.access.role:
        raise roles.RightsChanged
    await roles.check_member_rank(context, role=locked[member_id].role)
    return member


async def get_member_of_user(unit: Unit, *, user_id: UUID) -> Member:
    member = await repository.find_member_of_user(unit, user_id=user_id)
    if member is None:
        raise MemberNotFound
    return member


async def add_member(
    unit: Unit,
    *,
    workspace_id: UUID,
    user_id: UUID,
    role: str,
    actor: Actor | None = None,
    cause: Cause | None = None,
) -> Member:
    await _check_role(unit, workspace_id=workspace_id, role=role)
    member = await insert_member(
        unit, workspace_id=workspace_id, user_id=user_id, member_id=new_id(), role=role, actor=actor, cause=cause
    )
    await repository.increase_rights_epoch(unit, workspace_ids=[workspace_id])
    return member


async def insert_member(
    unit: Unit,
    *,
    workspace_id: UUID,
    user_id: UUID,
    member_id: UUID,
    role: str,
    actor: Actor | None,
    cause: Cause | None,
) -> Member:
    """Write both halves of a membership: the right to come in, and what the workspace shows of the person."""
    unit.enter_workspace(workspace_id)
    person = await repository.find_person(unit, user_id=user_id)
    if person is None:
        raise PersonNotFound
    # First the half that may have been there before: whoever comes back keeps their id.
    member = await repository.insert_member(unit, member_id=member_id, person=person, role=role, now=now())
    if member is None:
        raise AlreadyMember
    is_new = await repository.insert_membership(
        unit, workspace_id=workspace_id, user_id=user_id, member_id=member.id, role=role
    )
    if not is_new:
        raise AlreadyMember
    after = repository.columns(member)
    await record(unit, type=MEMBER_ADDED, entity="member", entity_id=member.id, after=after, actor=actor, cause=cause)
    return member


async def _check_role(unit: Unit, *, workspace_id: UUID, role: str) -> None:
    if role not in ROLES and not await repository.has_role(unit, workspace_id=workspace_id, role=role):
        raise RoleUnknown(role=role)


async def add_person(context: Context, *, data: MemberCreate) -> Member:
    role = await roles.get_assignable_role(context, key=data.role)
    if role.key == ALWAYS_EVERYTHING:
        check_recent(context, tokens=True)
    user_id = await repository.find_user_id(context.unit, email=data.email)
    if user_id is None:
        raise InvitationRequired
    principal = context.principal
    member = await insert_member(
        context.unit,
        workspace_id=context.workspace_id,
        user_id=user_id,
        member_id=new_id(),
        role=role.key,
        actor=Actor(context.member_id, principal.user_id, principal.kind, principal.acting_as),
        cause=Cause(kind="request", id=context.facts.request_id),
    )
    if data.display_name or data.title:
        changes = {"display_name": data.display_name or member.display_name, "title": data.title or member.title}
        member = await _update_profile(context, before=member, changes=changes)
    await repository.increase_rights_epoch(context.unit, workspace_ids=[context.workspace_id])
    return member


async def update_member(
    context: Context, *, member_id: UUID, data: MemberUpdate, expected_version: int | None
) -> Member:
    changes = data.changes()
    if member_id != context.member_id or changes.keys() & {"role", "is_active"}:
        check_permission(context, EDIT_MEMBERS)
    check_writes(context)
    member = await lock_member(context, member_id=member_id)
    check_version(expected=expected_version, current=member.version)
    if "role" in changes:
        if ALWAYS_EVERYTHING in {data.role, member.role}:
            check_recent(context, tokens=True)
        member = await roles.change_role(context, member_id=member_id, role=data.role)
    if "is_active" in changes:
        member = await _switch(context, before=member, is_active=data.is_active)
    return await _update_profile(context, before=member, changes=changes)


def check_permission(context: Context, permission: str) -> None:
    """Refuse like a guard, for operations that everybody may use about themselves."""
    check_scope(context.principal, permission)
    if permission not in context.access.permissions:
        raise Forbidden(permission=permission)


def check_writes(context: Context) -> None:
    """Refuse a credential that is for reading only."""
    if context.principal.scope < Scope.WRITE:
        raise ScopeInsufficient


async def _update_profile(context: Context, *, before: Member, changes: dict[str, Any]) -> Member:
    display_name, title = changes.get("display_name", before.display_name), changes.get("title", before.title)
    if (display_name, title) == (before.display_name, before.title):
        return before
    after = await repository.update_profile(
        context.unit, member_id=before.id, display_name=display_name, title=title, now=context.now
    )
    await record_change(context, MEMBER_UPDATED, before=before, after=after)
    return after


async def _switch(context: Context, *, before: Member, is_active: bool) -> Member:
    if before.status == "invited":
        raise MemberNotJoined
    if is_active == (before.status == "active"):
        return before
    if not is_active:
        await _check_may_keep_out(context, member_id=before.id)
    status = "active" if is_active else "inactive"
    after = await repository.set_status(context.unit, member_id=before.id, status=status, now=context.now)
    await record_change(context, MEMBER_REACTIVATED if is_active else MEMBER_DEACTIVATED, before=before, after=after)
    await repository.increase_rights_epoch(context.unit, workspace_ids=[context.workspace_id])
    return after


async def _check_may_keep_out(context: Context, *, member_id: UUID) -> None:
    if member_id == context.member_id:
        raise MemberIsSelf
    await roles.check_not_last_owner(context.unit, workspace_id=context.workspace_id, member_id=member_id)


async def record_change(context: Context, type: str, *, before: Member, after: Member | None) -> None:
    await record(
        context,
        type=type,
        entity="member",
        entity_id=before.id,
        before=repository.columns(before),
        after=None if after is None else repository.columns(after),
    )


async def update_copy(unit: Unit, *, user_id: UUID, actor: Actor | None = None) -> None:
    """Bring what a workspace shows of a person up to date with their account; by default it was their own doing."""
    before = await repository.find_member_of_user(unit, user_id=user_id)
    person = await repository.find_person(unit, user_id=user_id)
    # Who has not accepted an invitation has not shown the workspace anything of their account.
    if before is None or person is None or before.status == "invited":
        return
    after = await repository.update_copy(unit, person=person, now=now())
    if after is not None:
        await record(
            unit,
            type=MEMBER_UPDATED,
            entity="member",
            entity_id=after.id,
            before=repository.columns(before),
            after=repository.columns(after),
            actor=actor or Actor(member_id=after.id, user_id=user_id),
        )
