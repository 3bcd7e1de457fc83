"""What administrators can do about invitations."""

from dataclasses import asdict
from pathlib import Path
from typing import Final
from uuid import UUID

from fostr.domains.identity import public as identity
from fostr.domains.workspaces.events import MEMBER_INVITATION_SENT, MEMBER_INVITED
from fostr.domains.workspaces.invitations import repository
from fostr.domains.workspaces.invitations.errors import AccountClosed, AlreadyInvited, InvitationNotFound
from fostr.domains.workspaces.invitations.rules import (
    PER_EMAIL,
    PER_PERSON,
    PER_WORKSPACE,
    PURPOSE,
    VALID_FOR,
    Way,
    check_message,
)
from fostr.domains.workspaces.invitations.schemas import (
    Invitation,
    InvitationCreate,
    InvitationLink,
    InvitedPerson,
    LinkRequest,
    Withdrawn,
)
from fostr.domains.workspaces.members import repository as members_repository
from fostr.domains.workspaces.members import roles
from fostr.domains.workspaces.members.errors import AlreadyMember
from fostr.domains.workspaces.members.removal import service as removal
from fostr.domains.workspaces.workspaces import repository as workspaces_repository
from fostr.kernel.access.catalogue import ALWAYS_EVERYTHING
from fostr.kernel.auth.links import MintedLink, mint_link
from fostr.kernel.db.unit import Unit
from fostr.kernel.events.outbox import record
from fostr.kernel.http.context import Context
from fostr.kernel.http.paging import Page, Slice
from fostr.kernel.http.scopes import check_recent
from fostr.kernel.ids import new_id
from fostr.kernel.limits.limit import check_limit
from fostr.kernel.mail.outbox import send_mail, showable_name
from fostr.kernel.mail.templates import MailTemplate

INVITATION: Final = MailTemplate(
    name="invitation",
    subject="{{ inviter or 'Somebody' }} invites you to {{ workspace or 'a workspace' }}",
    folder=Path(__file__).with_name("mails"),
)


async def list_invitations(context: Context, *, part: Slice) -> Page[Invitation]:
    invitations = await repository.list_invitations(context.unit, limit=part.limit, offset=part.offset)
    return part.page(invitations, total=await repository.count_invitations(context.unit))


async def invite(context: Context, *, data: InvitationCreate) -> Invitation:
    """Make somebody a member who is to accept yet, and mail them a link."""
    check_message(data.message)
    await _count(context, email=data.email)
    member_id = await _create(context, email=data.email, full_name=data.full_name, role=data.role, message=data.message)
    return await _mail(context, await _get(context.unit, member_id=member_id))


async def resend(context: Context, *, data: InvitedPerson) -> Invitation:
    invitation = await _get_mine(context, member_id=data.member_id, user_id=data.user_id)
    await _count(context, email=invitation.email)
    return await _mail(context, invitation)


async def make_link(context: Context, *, data: LinkRequest) -> InvitationLink:
    """Make a link for handing on; for somebody new, the invitation with it."""
    invitation = await _find_or_create(context, data=data)
    link = await _mint(context, invitation, way="link")
    invitation = await _get(context.unit, member_id=invitation.member_id)
    return InvitationLink(**asdict(invitation), url=_address(context, link))


async def withdraw(context: Context, *, data: InvitedPerson) -> Withdrawn:
    invitation = await _get_mine(context, member_id=data.member_id, user_id=data.user_id)
    return Withdrawn(account_deleted=await removal.withdraw_invitation(context, member_id=invitation.member_id))


async def _find_or_create(context: Context, *, data: LinkRequest) -> Invitation:
    if data.email is None:
        return await _get_mine(context, member_id=data.member_id, user_id=data.user_id)
    await _count(context, email=data.email)
    account = await repository.find_account(context.unit, email=data.email)
    pending = account and await repository.find_invited_id(context.unit, member_id=None, user_id=account.id)
    if pending is None:
        role = data.role or "member"
        pending = await _create(context, email=data.email, full_name=data.full_name, role=role, message="")
        return await _get(context.unit, member_id=pending)
    invitation = await _get_mine(context, member_id=pending, user_id=None)
    if data.role not in (None, invitation.role):
        raise AlreadyInvited(member_id=str(pending), role=invitation.role)
    return invitation


async def _get(unit: Unit, *, member_id: UUID) -> Invitation:
    invitation = await repository.find_invitation(unit, member_id=member_id)
    if invitation is None:
        raise InvitationNotFound
    return invitation


async def _get_mine(context: Context, *, member_id: UUID | None, user_id: UUID | None) -> Invitation:
    """Return an open invitation that the caller could have sent.

    Raises:
        InvitationNotFound: nobody with that id is invited.
        RoleTooHigh: to a role above the caller's own, as are the other refusals of giving somebody a role.
    """
    found = await repository.find_invited_id(context.unit, member_id=member_id, user_id=user_id)
    if found is None:
        raise InvitationNotFound
    invitation = await _get(context.unit, member_id=found)
    await _check_role(context, role=invitation.role)
    return invitation


async def _check_role(context: Context, *, role: str) -> None:
    await roles.get_assignable_role(context, key=role)
    if role == ALWAYS_EVERYTHING:
        check_recent(context, tokens=True)


async def _count(context: Context, *, email: str) -> None:
    database = context.runtime.database
    await check_limit(database, PER_PERSON, subject=str(context.member_id))
    await check_limit(database, PER_WORKSPACE, subject=str(context.workspace_id))
    await check_limit(database, PER_EMAIL, subject=email)


async def _create(context: Context, *, email: str, full_name: str, role: str, message: str) -> UUID:
    unit = context.unit
    await _check_role(context, role=role)
    user_id = await _ensure_account(unit, email=email, full_name=full_name)
    before = await members_repository.find_member_of_user(unit, user_id=user_id)
    if before is not None and before.status == "invited":
        raise AlreadyInvited(member_id=str(before.id), role=before.role)
    member = await repository.insert_invited_member(
        unit, member_id=new_id(), user_id=user_id, email=email, full_name=full_name, role=role, now=context.now
    )
    if member is None:
        raise AlreadyMember
    if not await repository.insert_membership(unit, user_id=user_id, member_id=member.id, role=role):
        raise AlreadyMember
    await repository.insert_invitation(
        unit,
        member_id=member.id,
        message=message,
        was_member=before is not None,
        now=context.now,
        expires_at=context.now + VALID_FOR,
    )
    after = members_repository.columns(member)
    await record(context, type=MEMBER_INVITED, entity="member", entity_id=member.id, after=after)
    return member.id


async def _ensure_account(unit: Unit, *, email: str, full_name: str) -> UUID:
    """Return the account of an address; for somebody without one, it is made without a password."""
    account = await repository.find_account(unit, email=email)
    if account is None:
        try:
            return (await identity.create_account(unit, email=email, full_name=full_name)).id
        except identity.EmailTaken:
            # Somebody made it at the same moment, and that has committed by now.
            account = await repository.find_account(unit, email=email)
    if account is None or not account.is_active:
        raise AccountClosed
    return account.id


async def _mail(context: Context, invitation: Invitation) -> Invitation:
    link = await _mint(context, invitation, way="mail")
    workspace = await workspaces_repository.get_name(context.unit, workspace_id=context.workspace_id)
    await send_mail(
        context.unit,
        runtime=context.runtime,
        to=invitation.email,
        name=invitation.full_name,
        template=INVITATION,
        values={
            "inviter": showable_name(context.principal.full_name),
            "workspace": showable_name(workspace),
            "message": invitation.message,
            "days": VALID_FOR.days,
            "link": _address(context, link),
        },
        workspace=context.workspace_id,
    )
    return await _get(context.unit, member_id=invitation.member_id)


async def _mint(context: Context, invitation: Invitation, *, way: Way) -> MintedLink:
    link = await mint_link(
        context.unit,
        purpose=PURPOSE,
        user_id=invitation.user_id,
        workspace_id=context.workspace_id,
        lifetime=VALID_FOR,
        data={"way": way},
        created_by=context.principal.user_id,
    )
    await repository.note_link(
        context.unit,
        member_id=invitation.member_id,
        invited_by=context.member_id,
        now=context.now,
        expires_at=link.expires_at,
    )
    await record(
        context,
        type=MEMBER_INVITATION_SENT,
        entity="member",
        entity_id=invitation.member_id,
        after={"email": invitation.email, "way": way, "expires_at": link.expires_at.isoformat()},
    )
    return link


def _address(context: Context, link: MintedLink) -> str:
    # In the query, so that the page works without scripts; the log leaves queries out, and looking uses nothing up.
    return f"{context.settings.public_url}/accept-invitation?token={link.token}"
