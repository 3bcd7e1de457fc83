"""Operations that give members a new password."""

from typing import Annotated
from uuid import UUID

from fostr.domains.workspaces.members.errors import MemberNotFound, MemberNotJoined
from fostr.domains.workspaces.members.password_reset import service
from fostr.domains.workspaces.members.password_reset.errors import AccountBeyondWorkspace, MemberResetThrottled
from fostr.domains.workspaces.members.password_reset.schemas import ResetLink, ResetSent
from fostr.domains.workspaces.members.roles import MemberRanksHigher, RightsChanged
from fostr.domains.workspaces.permissions import RESET_PASSWORDS
from fostr.domains.workspaces.roles.errors import PermissionNotHeld
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import raises
from fostr.kernel.http.guards import in_path_workspace
from fostr.kernel.http.routing import Router
from fostr.kernel.http.scopes import Impersonating, PersonRequired, RecentSignInRequired, recently

router = Router(prefix="/workspaces/{workspace_id}/members/{user_id}/password-reset", tags=["Workspaces"])

Resetter = Annotated[Context, in_path_workspace(RESET_PASSWORDS)]
ResetterInPerson = Annotated[Context, recently(in_path_workspace(RESET_PASSWORDS))]

REFUSALS = (MemberNotFound, MemberNotJoined, MemberRanksHigher, RightsChanged, MemberResetThrottled)


@router.post("", responses=raises(*REFUSALS))
async def send(context: Resetter, user_id: UUID) -> ResetSent:
    """Mail a member a link to set a new password.

    It goes to the address of their account, works once, for an hour, and voids the one before. Nothing changes until
    they use it. Not for somebody whose role stands higher.
    """
    return await service.send_reset(context, user_id=user_id)


@router.post(
    "/link",
    responses=raises(
        *REFUSALS, AccountBeyondWorkspace, PermissionNotHeld, RecentSignInRequired, PersonRequired, Impersonating
    ),
)
async def make_link(context: ResetterInPerson, user_id: UUID) -> ResetLink:
    """Make a link to set a new password, for handing on, without sending a mail.

    It works once, for 24 hours, and voids the one before. Whoever holds it can take the account; so it is made only
    for somebody who is in this workspace alone, does not administer the installation, and may do nothing here that the
    caller may not. For all others there is the mail. It takes a session with a recent sign-in.
    """
    return await service.make_link(context, user_id=user_id)
