"""Taking a member out.

It holds from the next request on. Their sessions go on elsewhere; what was granted to them here, their teams and their
keys end. What they made or own stays, with their name.
"""

from uuid import UUID

from fostr.domains.workspaces.api_keys import service as api_keys
from fostr.domains.workspaces.avatars import service as avatars
from fostr.domains.workspaces.events import MEMBER_DELETED, MEMBER_REMOVED
from fostr.domains.workspaces.invitations.errors import InvitationNotFound
from fostr.domains.workspaces.invitations.withdrawing import delete_traces
from fostr.domains.workspaces.members import repository as members_repository
from fostr.domains.workspaces.members import service as members
from fostr.domains.workspaces.members.errors import MemberIsSelf, MemberNotJoined
from fostr.domains.workspaces.members.offboarding.repository import list_keys_of
from fostr.domains.workspaces.members.removal import repository
from fostr.domains.workspaces.members.removal.errors import MemberElsewhere, MemberIsSuperuser
from fostr.domains.workspaces.members.removal.schemas import DeletionInfo, Removed
from fostr.domains.workspaces.members.roles import check_not_last_owner
from fostr.domains.workspaces.members.schemas import Member
from fostr.domains.workspaces.permissions import REMOVE_MEMBERS
from fostr.kernel.access.catalogue import ALWAYS_EVERYTHING
from fostr.kernel.belongings import list_belonging_kinds
from fostr.kernel.events.outbox import record
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import Conflict
from fostr.kernel.http.scopes import Impersonating, check_recent


async def get_deletion_info(context: Context, *, member_id: UUID) -> DeletionInfo:
    member = await members.get_member(context.unit, member_id=member_id)
    workspaces = await repository.count_workspaces(context.unit, user_id=member.user_id)
    obstacle = await _find_obstacle(context, member, lock=False)
    kinds = [kind for kind in list_belonging_kinds() if kind.reassign is not None]
    return DeletionInfo(
        workspace_count=workspaces,
        can_delete_user=member.status not in {"removed", "invited"} and obstacle is None,
        item_count=sum([await kind.count(context.unit, member.id) for kind in kinds]),
    )


async def remove_member(context: Context, *, member_id: UUID) -> None:
    """Take a member out; everybody may take out themselves."""
    if member_id != context.member_id:
        members.check_permission(context, REMOVE_MEMBERS)
    elif context.principal.acting_as is not None:
        raise Impersonating
    members.check_writes(context)
    await _remove(context, await _lock(context, member_id=member_id))


async def remove_from_workspace(context: Context, *, member_id: UUID) -> Removed:
    """Take a member out, and delete the account of somebody who was nowhere else."""
    member = await _lock(context, member_id=member_id)
    withdrawn = member.status == "invited"
    deletes = not withdrawn and await _find_obstacle(context, member, lock=True) is None
    if deletes:
        check_recent(context, tokens=True)
        await _delete(context, member)
    else:
        deletes = await _remove(context, member)
    return Removed(invitation_withdrawn=withdrawn, account_deleted=deletes)


async def withdraw_invitation(context: Context, *, member_id: UUID) -> bool:
    """Take out somebody who has not accepted yet; say whether their account was deleted with it.

    Raises:
        InvitationNotFound: they have accepted meanwhile.
    """
    member = await _lock(context, member_id=member_id)
    if member.status != "invited":
        raise InvitationNotFound
    return await _remove(context, member)


async def delete_for_good(context: Context, *, member_id: UUID) -> None:
    member = await _lock(context, member_id=member_id)
    # After the member is found: whoever asks from another workspace learns no more than that there is none.
    check_recent(context)
    if member.status == "invited":
        # Their account is none of this workspace's business yet.
        raise MemberNotJoined
    obstacle = await _find_obstacle(context, member, lock=True)
    if obstacle is not None:
        raise obstacle
    await _delete(context, member)


async def _lock(context: Context, *, member_id: UUID) -> Member:
    member = await members.lock_member(context, member_id=member_id)
    await check_not_last_owner(context.unit, workspace_id=context.workspace_id, member_id=member_id)
    if member.role == ALWAYS_EVERYTHING:
        check_recent(context, tokens=True)
    return member


async def _find_obstacle(context: Context, member: Member, *, lock: bool) -> Conflict | None:
    """Return why a member's account may not be deleted from here, if it may not."""
    if member.id == context.member_id:
        return MemberIsSelf()
    if await repository.is_superuser(context.unit, user_id=member.user_id, lock=lock):
        return MemberIsSuperuser()
    workspaces = await repository.count_workspaces(context.unit, user_id=member.user_id)
    return MemberElsewhere(workspace_count=workspaces) if workspaces > 1 else None


async def _remove(context: Context, member: Member) -> bool:
    """Take a member out, and say whether an account went with it that was made for their invitation alone."""
    await _take_out(context, member)
    is_deleted = False
    if member.status == "invited":
        left = await delete_traces(context, member=member)
        after, is_deleted = left.member, left.account_deleted
    else:
        after = await members_repository.set_status(
            context.unit, member_id=member.id, status="removed", now=context.now
        )
    await members.record_change(context, MEMBER_REMOVED, before=member, after=after)
    await members_repository.increase_rights_epoch(context.unit, workspace_ids=[context.workspace_id])
    return is_deleted


async def _delete(context: Context, member: Member) -> None:
    await _take_out(context, member)
    await avatars.remove_pictures(context, member)
    await repository.anonymise_member(context.unit, member_id=member.id, now=context.now)
    await repository.delete_account(context.unit, user_id=member.user_id)
    # The event tells nothing of the person: nothing of them is to stay.
    await record(context, type=MEMBER_DELETED, entity="member", entity_id=member.id)
    await members_repository.increase_rights_epoch(context.unit, workspace_ids=[context.workspace_id])


async def _take_out(context: Context, member: Member) -> None:
    for kind in list_belonging_kinds():
        if kind.release is not None:
            await kind.release(context, member.id)
    await repository.delete_membership(context.unit, member_id=member.id)
    await repository.leave_sessions(context.unit, user_id=member.user_id)
    # Last, because it counts up the rights epoch, whose row everybody locks last.
    for key in await list_keys_of(context.unit, user_id=member.user_id, limit=None, offset=0):
        await api_keys.revoke_key(context, key_id=key.id)
