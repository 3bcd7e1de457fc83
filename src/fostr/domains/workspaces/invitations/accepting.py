"""What whoever follows the link of an invitation can do.

A link that we mailed shows that the address is the person's, and so does what is done with it. One that an
administrator handed on shows nothing: by it nobody gets at an account that could be somebody else's.
"""

from typing import Any
from uuid import UUID

from fostr.domains.identity import public as identity
from fostr.domains.workspaces.events import MEMBER_ADDED
from fostr.domains.workspaces.invitations import repository
from fostr.domains.workspaces.invitations.errors import ActivationRequired, InvitationNotFound, InvitationUsed
from fostr.domains.workspaces.invitations.repository import Invited
from fostr.domains.workspaces.invitations.rules import PURPOSE
from fostr.domains.workspaces.invitations.schemas import Acceptance, Accepted, InvitationDetails
from fostr.domains.workspaces.members import repository as members_repository
from fostr.domains.workspaces.members.schemas import Member
from fostr.kernel.auth.links import Link, claim_link
from fostr.kernel.events.outbox import Actor, Cause, record
from fostr.kernel.http.context import PublicContext


async def show_invitation(context: PublicContext, *, token: str) -> InvitationDetails:
    link = await _open(context, token=token)
    invited = await _find_invited(context, link=link)
    inviter = None if link.created_by is None else await repository.find_name(context.unit, user_id=link.created_by)
    return InvitationDetails(
        workspace_name=invited.workspace_name,
        inviter_name=inviter or "",
        email=invited.email,
        role=invited.role,
        needs_password=_needs_password(invited, link=link),
        expires_at=link.expires_at,
    )


async def accept(context: PublicContext, *, data: Acceptance) -> Accepted:
    """Make the invited person a member; of any number of acceptances at once, one does."""
    link = await _open(context, token=data.token)
    invited = await _find_invited(context, link=link)
    password_hash = await _hash_password(context, invited, link=link, data=data)
    if await claim_link(context.unit, data.token, purpose=PURPOSE) is None:
        raise InvitationUsed
    workspace_id = _workspace_of(link)
    # What was decided above, was decided about the account as it stood then.
    locked = await repository.find_invited(context.unit, workspace_id=workspace_id, user_id=link.user_id, lock=True)
    if locked != invited:
        raise InvitationUsed
    if password_hash is not None:
        await _set_password(context, invited, link=link, password_hash=password_hash, full_name=data.full_name)
    member = await _let_in(context, invited, workspace_id=workspace_id)
    return Accepted(
        workspace_id=workspace_id,
        workspace_name=invited.workspace_name,
        member_id=member.id,
        email=member.email,
        role=member.role,
    )


async def _open(context: PublicContext, *, token: str) -> Link:
    try:
        return await identity.open_link(context, token=token, purpose=PURPOSE)
    except identity.LinkInvalid:
        raise InvitationNotFound from None


async def _find_invited(context: PublicContext, *, link: Link) -> Invited:
    async with context.runtime.database.unit() as unit:
        invited = await repository.find_invited(unit, workspace_id=_workspace_of(link), user_id=link.user_id)
    if invited is None:
        raise InvitationNotFound
    return invited


def _workspace_of(link: Link) -> UUID:
    if link.workspace_id is None:
        raise InvitationNotFound
    return link.workspace_id


def _is_mailed(link: Link) -> bool:
    return link.data.get("way") == "mail"


def _needs_password(invited: Invited, *, link: Link) -> bool:
    """Say whether accepting takes a password.

    Also where there is one, if nobody has shown that the address is theirs: somebody else may have signed up with it
    and wait for the membership. Whoever got our mail puts them out with a password of their own.
    """
    return not invited.has_password or (_is_mailed(link) and not invited.is_verified)


async def _hash_password(context: PublicContext, invited: Invited, *, link: Link, data: Acceptance) -> str | None:
    if not _is_mailed(link):
        _check_may_use_handed_on(invited)
    if not _needs_password(invited, link=link):
        return None
    if data.password is None:
        raise identity.PasswordRequired
    return await identity.hash_new_password(
        data.password.get_secret_value(),
        email=invited.email,
        full_name=data.full_name or invited.full_name,
        cost=context.settings.password_hash_cost,
    )


def _check_may_use_handed_on(invited: Invited) -> None:
    """Refuse a link that was handed on, where using it could open to one person what is another's.

    Raises:
        ActivationRequired: nobody has shown yet that the address is theirs, and the account is more than just this
            invitation: it has a password, or a place in another workspace.
    """
    if not invited.is_verified and (invited.has_password or invited.is_elsewhere):
        raise ActivationRequired


async def _set_password(
    context: PublicContext, invited: Invited, *, link: Link, password_hash: str, full_name: str
) -> None:
    if _is_mailed(link):
        await identity.take_possession(
            context, user_id=invited.user_id, password_hash=password_hash, full_name=full_name
        )
        return
    is_first = await identity.set_first_password(
        context.unit,
        user_id=invited.user_id,
        password_hash=password_hash,
        now=context.now,
        full_name=full_name,
        is_verified=False,
    )
    if not is_first:
        raise InvitationUsed
    await identity.request_activation(context.unit, user_id=invited.user_id)


async def _let_in(context: PublicContext, invited: Invited, *, workspace_id: UUID) -> Member:
    unit = context.unit
    unit.enter_workspace(workspace_id)
    before = await members_repository.find_member(unit, member_id=invited.member_id, lock=True)
    person = await repository.activate(unit, member_id=invited.member_id, now=context.now)
    if before is None or person is None:
        raise InvitationUsed
    shown: dict[str, Any] = dict(person)
    member = await repository.activate_member(unit, member_id=before.id, now=context.now, **shown)
    await repository.delete_invitation(unit, member_id=before.id)
    await record(
        unit,
        type=MEMBER_ADDED,
        entity="member",
        entity_id=member.id,
        before=members_repository.columns(before),
        after=members_repository.columns(member),
        actor=Actor(member_id=member.id, user_id=member.user_id),
        cause=Cause(kind="request", id=context.facts.request_id),
    )
    await members_repository.increase_rights_epoch(unit, workspace_ids=[workspace_id])
    return member
