"""What can be done with the account of somebody in the workspace."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import structlog

from fostr.domains.identity.accounts import repository as accounts
from fostr.domains.identity.accounts.errors import EmailTaken
from fostr.domains.identity.accounts.schemas import Profile, User, UserUpdate
from fostr.domains.identity.activation.requesting import request_activation
from fostr.domains.identity.activation.rules import PURPOSE as ACTIVATION_PURPOSE
from fostr.domains.identity.avatars.removal import remove_replaced
from fostr.domains.identity.passwords.service import RESET_PURPOSE
from fostr.domains.identity.people import repository
from fostr.domains.identity.people.errors import AccountOfSuperuser, AccountShared, EmailPersonal
from fostr.domains.identity.people.schemas import PersonUpdate
from fostr.domains.workspaces import public as workspaces
from fostr.kernel.auth.links import void_links
from fostr.kernel.auth.principals import Scope
from fostr.kernel.http.concurrency import check_version
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import ScopeInsufficient
from fostr.kernel.http.scopes import Impersonating, KeyIsBound, check_recent
from fostr.kernel.mail.outbox import send_mail
from fostr.kernel.mail.templates import MailTemplate

log = structlog.get_logger(__name__)

CHANGED: Final = MailTemplate(
    name="email_changed", subject="Your e-mail address was changed", folder=Path(__file__).with_name("mails")
)

_MEMBERSHIP: Final = frozenset({"role"})
"""What a change says about the person in this workspace; the rest is about their account."""


async def get_person(context: Context, *, user_id: UUID) -> Profile:
    member = await workspaces.get_member_of_user(context.unit, user_id=user_id)
    if user_id != context.principal.user_id:
        await workspaces.check_member_rank(context, role=member.role)
    return await _profile(context, user_id=user_id)


async def update_person(
    context: Context, *, user_id: UUID, data: PersonUpdate, expected_version: int | None
) -> Profile:
    """Change a person's account, their role here, or both: all of it or nothing."""
    is_self, changes = user_id == context.principal.user_id, data.changes()
    member = await workspaces.get_member_of_user(context.unit, user_id=user_id)
    if context.principal.scope < Scope.WRITE:
        raise ScopeInsufficient
    if not is_self or "role" in changes:
        workspaces.check_may_edit_members(context)
    await workspaces.check_member_rank(context, role=member.role)
    before = await accounts.get_user(context.unit, user_id=user_id, lock=True)
    check_version(expected=expected_version, current=before.version)
    if changes.keys() - _MEMBERSHIP:
        await _check_account(context, before, is_self=is_self)
        await _update_account(context, before, member=member, changes=changes)
    if "role" in changes:
        await workspaces.change_role(context, member_id=member.id, role=data.role)
    return await _profile(context, user_id=user_id)


async def check_may_change_account(context: Context, *, user_id: UUID, lock: bool = False) -> User:
    """Return the account of somebody in the workspace, or refuse like changing it does."""
    is_self = user_id == context.principal.user_id
    member = await workspaces.get_member_of_user(context.unit, user_id=user_id)
    if context.principal.scope < Scope.WRITE:
        raise ScopeInsufficient
    if not is_self:
        workspaces.check_may_edit_members(context)
    await workspaces.check_member_rank(context, role=member.role)
    user = await accounts.get_user(context.unit, user_id=user_id, lock=lock)
    await _check_account(context, user, is_self=is_self)
    return user


async def _check_account(context: Context, user: User, *, is_self: bool) -> None:
    """Refuse who may not change what an account shows everywhere.

    Raises:
        Impersonating: an administrator acts in the name of somebody.
        KeyIsBound: the account is the caller's own, and they come with a key that is bound to the workspace.
        AccountOfSuperuser: the person administers the server, and the caller does not.
        AccountShared: other workspaces know the person too.
    """
    principal = context.principal
    if principal.acting_as is not None:
        raise Impersonating
    if is_self and principal.kind == "api_key":
        raise KeyIsBound
    if is_self or principal.is_superuser:
        return
    if user.is_superuser:
        raise AccountOfSuperuser
    if not await workspaces.is_only_workspace_of(context.unit, user_id=user.id):
        raise AccountShared


async def _update_account(
    context: Context, before: User, *, member: workspaces.Member, changes: dict[str, Any]
) -> None:
    unit, user_id = context.unit, before.id
    if changes.get("email", before.email) != before.email:
        await _check_email(context, before, member=member)
        await _change_email(context, before, email=changes["email"])
    shown = {name: getattr(before, name) for name in UserUpdate.model_fields}
    after = shown | {name: value for name, value in changes.items() if name in shown}
    if after != shown:
        await accounts.update_user(unit, user_id=user_id, values=after, now=context.now)
        remove_replaced(context, user_id=user_id, before=before.avatar_url, after=after["avatar_url"])
    await workspaces.spread_profile(unit, user_id=user_id)
    await workspaces.update_copy(context, user_id=user_id)
    log.info("account_updated", user_id=str(user_id), by=str(context.principal.user_id), fields=sorted(changes))


async def _change_email(context: Context, before: User, *, email: str) -> None:
    """Set a new address, have it confirmed by its owner, and tell whoever reads mail at the old one."""
    unit = context.unit
    if not await repository.set_email(unit, user_id=before.id, email=email, now=context.now):
        raise EmailTaken
    for purpose in (ACTIVATION_PURPOSE, RESET_PURPOSE):
        # What was sent to the old address proves nothing about who reads mail at the new one.
        await void_links(unit, purpose=purpose, user_id=before.id)
    await request_activation(unit, user_id=before.id, workspace_id=context.workspace_id)
    workspace = await workspaces.get_workspace(context, workspace_id=context.workspace_id)
    await send_mail(
        unit,
        runtime=context.runtime,
        to=before.email,
        name=before.full_name,
        template=CHANGED,
        values={"old": before.email, "new": email, "workspace": workspace.name},
        workspace=context.workspace_id,
    )


async def _check_email(context: Context, user: User, *, member: workspaces.Member) -> None:
    """Refuse who may not say where a person's mail goes: whoever reads it can take the account.

    An account that somebody uses may have been added to the workspace without their doing. What an administrator
    mends is the address of one that was made for an invitation.

    Raises:
        EmailPersonal: somebody else has used the account.
        ScopeInsufficient: the credential is not of scope `admin`.
        Impersonating: an administrator acts in the name of somebody.
        RecentSignInRequired: the session's person signed in too long ago.
        PermissionNotHeld: the person may do here what the caller may not.
    """
    if context.principal.scope < Scope.ADMIN:
        raise ScopeInsufficient
    if context.principal.acting_as is not None:
        raise Impersonating
    check_recent(context, tokens=True)
    await workspaces.check_holds_as_much(context, role=member.role)
    is_own = user.id == context.principal.user_id or context.principal.is_superuser
    if not is_own and await repository.is_in_use(context.unit, user_id=user.id):
        raise EmailPersonal


async def _profile(context: Context, *, user_id: UUID) -> Profile:
    user = await accounts.get_user(context.unit, user_id=user_id)
    member = await workspaces.get_member_of_user(context.unit, user_id=user_id)
    return Profile(**asdict(user), member=member, acting_as=None)
