"""Operations that take members out of a workspace."""

from typing import Annotated
from uuid import UUID

from fostr.domains.workspaces.members.errors import MemberIsSelf, MemberNotFound, MemberNotJoined
from fostr.domains.workspaces.members.removal import service
from fostr.domains.workspaces.members.removal.errors import MemberElsewhere, MemberIsSuperuser
from fostr.domains.workspaces.members.removal.schemas import DeletionInfo, Removed
from fostr.domains.workspaces.members.roles import LastOwner, MemberRanksHigher, RightsChanged
from fostr.domains.workspaces.permissions import REMOVE_MEMBERS
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import raises
from fostr.kernel.http.guards import in_path_workspace, in_workspace
from fostr.kernel.http.routing import Router
from fostr.kernel.http.scopes import Impersonating, PersonRequired, RecentSignInRequired

router = Router(prefix="/members/{member_id}", tags=["Members"])
workspace_router = Router(prefix="/workspaces/{workspace_id}/members", tags=["Workspaces"])

Remover = Annotated[Context, in_workspace(REMOVE_MEMBERS)]

REFUSALS = (
    MemberNotFound,
    LastOwner,
    MemberRanksHigher,
    RightsChanged,
    RecentSignInRequired,
    PersonRequired,
    Impersonating,
)


@router.get("/deletion-info", responses=raises(MemberNotFound))
async def get_deletion_info(context: Remover, member_id: UUID) -> DeletionInfo:
    """Say whether a member's account can be deleted for good from here."""
    return await service.get_deletion_info(context, member_id=member_id)


@router.delete("", status_code=204, responses=raises(*REFUSALS))
async def delete(context: Annotated[Context, in_workspace(None)], member_id: UUID) -> None:
    """Remove a member from the workspace.

    It holds at once, for every credential. Their account stays, and so does what they made, with their name; what
    belongs to them can be handed over before or after. Their API keys here are revoked, what was granted to them and
    their teams end. Everybody may leave by removing themselves, but for the last owner; removing an owner takes a
    recent sign-in.
    """
    await service.remove_member(context, member_id=member_id)


@router.delete(
    "/permanent",
    status_code=204,
    responses=raises(*REFUSALS, MemberIsSelf, MemberNotJoined, MemberIsSuperuser, MemberElsewhere),
)
async def delete_for_good(context: Remover, member_id: UUID) -> None:
    """Remove a member and delete their account, for good.

    Only for somebody who is in no other workspace; never for oneself, the last owner, or who administers the
    installation. What they made stays, under the name of a former member. It takes a session with a recent sign-in.
    """
    await service.delete_for_good(context, member_id=member_id)


@workspace_router.delete("/{member_id}", responses=raises(*REFUSALS))
async def delete_from_workspace(
    context: Annotated[Context, in_path_workspace(REMOVE_MEMBERS)], member_id: UUID
) -> Removed:
    """Remove a member from a workspace, whatever they have come to.

    Who has not accepted their invitation: it is withdrawn. Who is in other workspaces: they are removed from this one.
    Who is in no other: their account is deleted as well, unless it is one's own, or that of somebody who administers
    the installation; that takes a recent sign-in where the caller has a session.
    """
    return await service.remove_from_workspace(context, member_id=member_id)
