"""Operations on invitations."""

from typing import Annotated

from fastapi import Query

from fostr.domains.identity.public import LinkThrottled, PasswordRequired, PasswordTooWeak
from fostr.domains.workspaces.invitations import accepting, service
from fostr.domains.workspaces.invitations.errors import (
    AccountClosed,
    ActivationRequired,
    AlreadyInvited,
    InvitationNotFound,
    InvitationThrottled,
    InvitationUsed,
    MessageHasAddress,
)
from fostr.domains.workspaces.invitations.schemas import (
    Acceptance,
    Accepted,
    Invitation,
    InvitationCreate,
    InvitationDetails,
    InvitationLink,
    InvitedPerson,
    LinkRequest,
    Withdrawn,
)
from fostr.domains.workspaces.members.errors import AlreadyMember, MemberNotFound, RoleUnknown
from fostr.domains.workspaces.members.roles import MemberRanksHigher, RightsChanged
from fostr.domains.workspaces.permissions import INVITE_MEMBERS
from fostr.domains.workspaces.roles.errors import PermissionNotHeld, RoleTooHigh
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import raises
from fostr.kernel.http.guards import Public, in_path_workspace, in_workspace
from fostr.kernel.http.paging import LimitedSlice, Page
from fostr.kernel.http.routing import Router
from fostr.kernel.http.scopes import Impersonating, PersonRequired, RecentSignInRequired

public_router = Router(prefix="/workspaces", tags=["Workspaces"])
router = Router(prefix="/workspaces/{workspace_id}", tags=["Workspaces"])

Inviter = Annotated[Context, in_path_workspace(INVITE_MEMBERS)]

OWNER_REFUSALS = (RecentSignInRequired, PersonRequired, Impersonating)
ROLE_REFUSALS = (RoleUnknown, RoleTooHigh, PermissionNotHeld, *OWNER_REFUSALS)


@public_router.get("/invitation-details", responses=raises(InvitationNotFound, LinkThrottled))
async def get_details(
    context: Public, token: Annotated[str, Query(max_length=200, description="What stands in the link.")]
) -> InvitationDetails:
    """Show what an invitation is to, without accepting it.

    The token is the proof; nobody has to be signed in. One that is unknown, over, replaced, withdrawn or used gets the
    same answer.
    """
    return await accepting.show_invitation(context, token=token)


@public_router.post(
    "/accept-invitation",
    responses=raises(
        InvitationNotFound, InvitationUsed, ActivationRequired, PasswordRequired, PasswordTooWeak, LinkThrottled
    ),
)
async def accept(context: Public, data: Acceptance) -> Accepted:
    """Accept an invitation by the token of its link.

    An account with a password keeps it, and nobody is signed in: the person signs in as always. One without gets the
    password that is given, and so does one whose address was never confirmed, if the link came by mail; every session
    that it has ends with that. By a mailed link the address counts as confirmed. A link that an administrator handed
    on confirms nothing: the account gets an activation mail, and one that was there before and was never confirmed has
    to be activated first.
    """
    return await accepting.accept(context, data=data)


@public_router.post(
    "/cancel-invitation",
    responses=raises(InvitationNotFound, MemberNotFound, MemberRanksHigher, RightsChanged, *ROLE_REFUSALS),
)
async def cancel(context: Annotated[Context, in_workspace(INVITE_MEMBERS)], data: InvitedPerson) -> Withdrawn:
    """Withdraw an invitation that was not accepted yet.

    Its link stops working at once, and the person is no longer listed. An account that was made for it and never used
    is deleted, unless another workspace has invited the same person.
    """
    return await service.withdraw(context, data=data)


@router.get("/invitations")
async def list(context: Inviter, part: LimitedSlice) -> Page[Invitation]:  # noqa: A001 - endpoints are bare verbs
    """List the invitations that were not accepted yet, the newest first.

    Those whose link has ended are among them; sending them again makes a new one.
    """
    return await service.list_invitations(context, part=part)


@router.post(
    "/invite",
    status_code=201,
    responses=raises(
        AlreadyMember, AlreadyInvited, AccountClosed, MessageHasAddress, InvitationThrottled, *ROLE_REFUSALS
    ),
)
async def create(context: Inviter, data: InvitationCreate) -> Invitation:
    """Invite somebody by e-mail, whether or not they have an account.

    They are a member of status `invited` until they accept by the link of the mail, which works once, for seven days.
    Who has no account gets one without a password, and chooses it with accepting. Nobody invites to a role above their
    own, or to one that allows more.
    """
    return await service.invite(context, data=data)


@router.post(
    "/invite/link",
    responses=raises(
        InvitationNotFound, AlreadyMember, AlreadyInvited, AccountClosed, InvitationThrottled, *ROLE_REFUSALS
    ),
)
async def make_link(context: Inviter, data: LinkRequest) -> InvitationLink:
    """Make a link for handing on, without sending a mail.

    For somebody who is invited, or for somebody new by their address. It voids the link before it. Hand it to that
    person alone: whoever has it can accept for them.
    """
    return await service.make_link(context, data=data)


@router.post("/invite/resend", responses=raises(InvitationNotFound, InvitationThrottled, *ROLE_REFUSALS))
async def resend(context: Inviter, data: InvitedPerson) -> Invitation:
    """Mail an invitation again, with a new link that voids the one before.

    The person is named by `member_id` or by `user_id`.
    """
    return await service.resend(context, data=data)
