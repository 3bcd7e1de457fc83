"""What can be done with members."""

from uuid import UUID

from fostr.domains.workspaces.events import MEMBER_ADDED, MEMBER_UPDATED
from fostr.domains.workspaces.members import repository
from fostr.domains.workspaces.members.errors import AlreadyMember, MemberNotFound, PersonNotFound, RoleUnknown
from fostr.domains.workspaces.members.schemas import Member
from fostr.kernel.access.catalogue import ROLES
from fostr.kernel.clock import now
from fostr.kernel.db.unit import Unit
from fostr.kernel.events.outbox import Actor, Cause, record
from fostr.kernel.http.context import Context
from fostr.kernel.http.paging import Page, Slice
from fostr.kernel.ids import new_id


async def list_members(context: Context, *, part: Slice) -> Page[Member]:
    members = await repository.list_members(context.unit, limit=part.limit, offset=part.offset)
    return part.page(members, total=await repository.count_members(context.unit))


async def get_member(unit: Unit, *, member_id: UUID) -> Member:
    member = await repository.find_member(unit, member_id=member_id)
    if member is None:
        raise MemberNotFound
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
    is_new = await repository.insert_membership(
        unit, workspace_id=workspace_id, user_id=user_id, member_id=member_id, role=role
    )
    if not is_new:
        raise AlreadyMember
    member = await repository.insert_member(unit, member_id=member_id, person=person, role=role)
    after = repository.columns(member)
    await record(unit, type=MEMBER_ADDED, entity="member", entity_id=member_id, after=after, actor=actor, cause=cause)
    return member


async def _check_role(unit: Unit, *, workspace_id: UUID, role: str) -> None:
    if role not in ROLES and not await repository.has_role(unit, workspace_id=workspace_id, role=role):
        raise RoleUnknown(role=role)


async def update_copy(unit: Unit, *, user_id: UUID) -> None:
    """Bring what a workspace shows of a person up to date with their account."""
    before = await repository.find_member_of_user(unit, user_id=user_id)
    person = await repository.find_person(unit, user_id=user_id)
    if before is None or person is None:
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
            actor=Actor(member_id=after.id, user_id=user_id),
        )
