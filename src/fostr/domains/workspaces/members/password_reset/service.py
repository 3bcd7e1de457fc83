"""Links by which members set a new password, at the request of an administrator.

Whoever holds such a link can take the account. A mail goes to the person alone, so it may be sent to every member who
stands no higher. A link that an administrator gets to see is another matter: by it they could act as the person
wherever the account reaches, so it must reach no further than what they hold here themselves.
"""

from datetime import datetime
from uuid import UUID

from fostr.domains.identity import public as identity
from fostr.domains.workspaces.events import MEMBER_PASSWORD_RESET_SENT
from fostr.domains.workspaces.members import service as members
from fostr.domains.workspaces.members.errors import MemberNotFound, MemberNotJoined
from fostr.domains.workspaces.members.password_reset.errors import AccountBeyondWorkspace
from fostr.domains.workspaces.members.password_reset.rules import HANDED_ON_FOR, PER_ACCOUNT, PER_MEMBER
from fostr.domains.workspaces.members.password_reset.schemas import ResetLink, ResetSent
from fostr.domains.workspaces.members.removal import repository
from fostr.domains.workspaces.members.roles import check_holds_as_much
from fostr.domains.workspaces.members.schemas import Member
from fostr.kernel.events.outbox import record
from fostr.kernel.http.context import Context
from fostr.kernel.limits.limit import check_limit


async def send_reset(context: Context, *, user_id: UUID) -> ResetSent:
    member = await _get_member(context, user_id=user_id)
    await _count(context, member)
    ends = await identity.send_password_reset(
        context.unit, runtime=context.runtime, user_id=user_id, created_by=context.principal.user_id
    )
    if ends is None:
        raise MemberNotFound
    await _record(context, member, way="mail", expires_at=ends)
    return ResetSent(user_id=user_id, email=member.email, expires_at=ends)


async def make_link(context: Context, *, user_id: UUID) -> ResetLink:
    member = await _get_member(context, user_id=user_id)
    await check_holds_as_much(context, role=member.role)
    await _check_only_here(context, member)
    await _count(context, member)
    link = await identity.mint_password_reset(
        context.unit,
        settings=context.settings,
        user_id=user_id,
        created_by=context.principal.user_id,
        lifetime=HANDED_ON_FOR,
    )
    await _record(context, member, way="link", expires_at=link.expires_at)
    return ResetLink(user_id=user_id, email=member.email, url=link.url, expires_at=link.expires_at)


async def _get_member(context: Context, *, user_id: UUID) -> Member:
    """Return a member as they stay until the end; one who has joined, and stands no higher than the caller."""
    found = await members.get_member_of_user(context.unit, user_id=user_id)
    member = await members.lock_member(context, member_id=found.id)
    if member.status == "invited":
        raise MemberNotJoined
    return member


async def _check_only_here(context: Context, member: Member) -> None:
    # Locked: nobody makes the person a member elsewhere between this look and the link.
    if await repository.is_superuser(context.unit, user_id=member.user_id, lock=True):
        raise AccountBeyondWorkspace
    if await repository.count_workspaces(context.unit, user_id=member.user_id) > 1:
        raise AccountBeyondWorkspace


async def _count(context: Context, member: Member) -> None:
    database = context.runtime.database
    await check_limit(database, PER_MEMBER, subject=str(context.member_id))
    await check_limit(database, PER_ACCOUNT, subject=str(member.user_id))


async def _record(context: Context, member: Member, *, way: str, expires_at: datetime) -> None:
    await record(
        context,
        type=MEMBER_PASSWORD_RESET_SENT,
        entity="member",
        entity_id=member.id,
        after={"email": member.email, "way": way, "expires_at": expires_at.isoformat()},
    )
