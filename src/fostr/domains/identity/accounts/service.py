"""What can be done with accounts."""

from dataclasses import fields, replace
from typing import Any
from uuid import UUID

import structlog

from fostr.domains.identity.accounts import repository
from fostr.domains.identity.accounts.errors import EmailTaken
from fostr.domains.identity.accounts.rules import REGISTRATIONS
from fostr.domains.identity.accounts.schemas import (
    Developer,
    Profile,
    Registration,
    SignUp,
    UsedCredential,
    User,
    UserUpdate,
)
from fostr.domains.identity.activation.requesting import request_activation
from fostr.domains.identity.avatars.removal import remove_replaced
from fostr.domains.identity.passwords.service import hash_new_password
from fostr.domains.identity.sessions import service as sessions
from fostr.domains.identity.sessions.schemas import OpenedSession
from fostr.domains.workspaces import public as workspaces
from fostr.kernel import clock
from fostr.kernel.crypto.passwords import Cost
from fostr.kernel.db.unit import Unit
from fostr.kernel.events.outbox import Actor, Cause
from fostr.kernel.http.concurrency import check_version
from fostr.kernel.http.context import AccountContext, PublicContext
from fostr.kernel.limits.limit import check_limit, network_of

log = structlog.get_logger(__name__)


async def register(context: PublicContext, *, data: Registration) -> User:
    await check_limit(context.runtime.database, REGISTRATIONS, subject=network_of(context.facts.address))
    user = await _create_user(context, data=data, is_superuser=False)
    await request_activation(context.unit, user_id=user.id)
    return user


async def sign_up(context: PublicContext, *, data: SignUp) -> tuple[OpenedSession, workspaces.Workspace]:
    await check_limit(context.runtime.database, REGISTRATIONS, subject=network_of(context.facts.address))
    opened, workspace = await create_with_workspace(context, data=data, is_superuser=False)
    await request_activation(context.unit, user_id=opened.user.id, workspace_id=workspace.id)
    return opened, workspace


async def create_with_workspace(
    context: PublicContext, *, data: SignUp, is_superuser: bool
) -> tuple[OpenedSession, workspaces.Workspace]:
    """Make an account and its workspace, and sign the person in."""
    user = await _create_user(context, data=data, is_superuser=is_superuser)
    workspace = await workspaces.provision_workspace(
        context.unit,
        name=data.company_name,
        owner_user_id=user.id,
        actor=Actor(user_id=user.id, kind="session"),
        cause=Cause(kind="request", id=context.facts.request_id),
    )
    opened = await sessions.open_session(context, user_id=user.id, workspace_id=workspace.id)
    return opened, replace(workspace, is_current=True)


async def _create_user(context: PublicContext, *, data: Registration, is_superuser: bool) -> User:
    return await create_user(
        context.unit,
        email=data.email,
        password=data.password.get_secret_value(),
        full_name=data.full_name,
        is_superuser=is_superuser,
        cost=context.settings.password_hash_cost,
    )


async def create_user(
    unit: Unit, *, email: str, password: str | None, full_name: str, is_superuser: bool, cost: Cost
) -> User:
    # Hashed before the first statement: it takes long, and no connection is held meanwhile.
    password_hash = (
        await hash_new_password(password, email=email, full_name=full_name, cost=cost) if password is not None else None
    )
    user = await repository.insert_user(
        unit,
        email=email,
        password_hash=password_hash,
        full_name=full_name,
        is_superuser=is_superuser,
        now=clock.now(),
    )
    if user is None:
        raise EmailTaken
    log.info("account_created", user_id=str(user.id), is_superuser=is_superuser)
    return user


async def get_profile(context: AccountContext, *, workspace_id: UUID | None) -> Profile:
    member = None
    if workspace_id is not None:
        member = await workspaces.get_own_member(context, workspace_id=workspace_id)
    user = await repository.get_user(context.unit, user_id=context.principal.user_id)
    return Profile(**_fields(user), member=member, acting_as=context.principal.acting_as)


async def update_profile(
    context: AccountContext, *, data: UserUpdate, workspace_id: UUID | None, expected_version: int | None
) -> Profile:
    user_id = context.principal.user_id
    before = await repository.get_user(context.unit, user_id=user_id, lock=True)
    check_version(expected=expected_version, current=before.version)
    values = {name: getattr(before, name) for name in UserUpdate.model_fields} | data.changes()
    user = await repository.update_user(context.unit, user_id=user_id, values=values, now=context.now)
    remove_replaced(context, user_id=user_id, before=before.avatar_url, after=user.avatar_url)
    await workspaces.spread_profile(context.unit, user_id=user_id)
    log.info("account_updated", user_id=str(user_id), fields=sorted(data.model_fields_set))
    member = None
    if workspace_id is not None:
        member = await workspaces.update_own_copy(context, workspace_id=workspace_id)
    return Profile(**_fields(user), member=member, acting_as=None)


def _fields(user: User) -> dict[str, Any]:
    return {field.name: getattr(user, field.name) for field in fields(User)}


async def describe_developer(context: AccountContext) -> Developer:
    user = await repository.get_user(context.unit, user_id=context.principal.user_id)
    return Developer(
        id=user.id,
        email=user.email,
        full_name=user.full_name,
        avatar_url=user.avatar_url,
        is_superuser=user.is_superuser,
        created_at=user.created_at,
        credential=UsedCredential(kind=context.principal.kind, scope=context.principal.scope.label),
    )
