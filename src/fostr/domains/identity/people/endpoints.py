"""Operations on the people of a workspace, by the ids of their accounts."""

from typing import Annotated
from uuid import UUID

from fostr.domains.identity.accounts.errors import EmailTaken
from fostr.domains.identity.accounts.schemas import Profile
from fostr.domains.identity.people import service
from fostr.domains.identity.people.errors import AccountOfSuperuser, AccountShared, EmailPersonal
from fostr.domains.identity.people.schemas import PersonUpdate
from fostr.domains.workspaces.public import MEMBER_REFUSALS, ROLE_REFUSALS, VIEW_MEMBERS
from fostr.kernel.http.concurrency import ExpectedVersion, IfMatchInvalid
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import StaleUpdate, raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.routing import Router
from fostr.kernel.http.scopes import Impersonating, KeyIsBound, PersonRequired, RecentSignInRequired

router = Router(prefix="/auth", tags=["Authentication"])


@router.get("/{user_id}", responses=raises(*MEMBER_REFUSALS))
async def get(context: Annotated[Context, in_workspace(VIEW_MEMBERS)], user_id: UUID) -> Profile:
    """Show the account of somebody in the workspace, and who they are in it.

    For whoever has the same role or a higher one.
    """
    return await service.get_person(context, user_id=user_id)


@router.patch(
    "/{user_id}",
    responses=raises(
        *MEMBER_REFUSALS,
        *ROLE_REFUSALS,
        AccountShared,
        EmailPersonal,
        AccountOfSuperuser,
        EmailTaken,
        KeyIsBound,
        Impersonating,
        PersonRequired,
        RecentSignInRequired,
        StaleUpdate,
        IfMatchInvalid,
    ),
)
async def update(
    context: Annotated[Context, in_workspace(None)],
    user_id: UUID,
    data: PersonUpdate,
    expected_version: ExpectedVersion,
) -> Profile:
    """Change the account of somebody in the workspace, or their role in it.

    Everybody may change their own account. Others need `can_edit_members`, and a role that is the same or higher; roles
    are always changed with that permission, up to the caller's own, and the last owner stays one. What an account shows
    is shown in each of the person's workspaces, so for others it can be changed only while they are in this one alone.
    A new e-mail address asks for a recent sign-in.
    """
    return await service.update_person(context, user_id=user_id, data=data, expected_version=expected_version)
