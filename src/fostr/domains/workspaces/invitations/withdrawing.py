"""What taking an invitation back leaves behind: nothing, or what was there before it."""

from dataclasses import dataclass

from fostr.domains.workspaces.invitations import repository
from fostr.domains.workspaces.invitations.rules import PURPOSE
from fostr.domains.workspaces.members import repository as members_repository
from fostr.domains.workspaces.members.removal.repository import delete_member
from fostr.domains.workspaces.members.schemas import Member
from fostr.kernel.auth.links import void_links
from fostr.kernel.http.context import Context


@dataclass(frozen=True, slots=True)
class Leftover:
    """What is left of somebody whose invitation was withdrawn.

    Attributes:
        member: as they were before, when they had been a member.
        account_deleted: whether their account went with it.
    """

    member: Member | None
    account_deleted: bool


async def delete_traces(context: Context, *, member: Member) -> Leftover:
    """Void the link, and undo what inviting made; to be called once the membership is gone.

    Their account goes with it when it was made for an invitation, nobody has ever used it, and no other workspace
    waits for it.
    """
    unit = context.unit
    await void_links(unit, purpose=PURPOSE, user_id=member.user_id, workspace_id=context.workspace_id)
    if await repository.delete_invitation(unit, member_id=member.id):
        kept = await members_repository.set_status(unit, member_id=member.id, status="removed", now=context.now)
        return Leftover(member=kept, account_deleted=False)
    await delete_member(unit, member_id=member.id)
    return Leftover(member=None, account_deleted=await repository.delete_unused_account(unit, user_id=member.user_id))
