"""What can be done with personal access tokens."""

from datetime import timedelta
from uuid import UUID

import structlog

from fostr.domains.identity.tokens import repository
from fostr.domains.identity.tokens.errors import ExpiryPast, OutlivesItsMaker, TokenNotFound, TokenReplaced
from fostr.domains.identity.tokens.schemas import (
    NewPersonalAccessToken,
    PersonalAccessToken,
    PersonalAccessTokenCreate,
)
from fostr.domains.workspaces import public as workspaces
from fostr.kernel.auth.credentials import PAT_PREFIX
from fostr.kernel.auth.principals import Scope
from fostr.kernel.crypto.tokens import digest_token, mint_token, visible_start
from fostr.kernel.http.context import AccountContext
from fostr.kernel.http.errors import ScopeInsufficient
from fostr.kernel.http.paging import Page, Slice
from fostr.kernel.ids import new_id

log = structlog.get_logger(__name__)


async def list_tokens(context: AccountContext, *, part: Slice) -> Page[PersonalAccessToken]:
    user_id = context.principal.user_id
    tokens = await repository.list_tokens(context.unit, user_id=user_id, limit=part.limit, offset=part.offset)
    return part.page(tokens, total=await repository.count_tokens(context.unit, user_id=user_id))


async def create_token(context: AccountContext, *, data: PersonalAccessTokenCreate) -> NewPersonalAccessToken:
    await _check_bounds(context, data=data)
    secret = mint_token(PAT_PREFIX)
    made = await repository.insert_token(
        context.unit,
        values={
            "id": new_id(),
            "digest": digest_token(secret),
            "hint": visible_start(secret),
            "name": data.name,
            "scope": data.scope,
            "user_id": context.principal.user_id,
            "now": context.now,
            "expires_at": data.expires_at,
        },
    )
    log.info("token_created", user_id=str(context.principal.user_id), token_id=str(made.id), scope=made.scope)
    return NewPersonalAccessToken(**made.model_dump(), token=secret)


async def _check_bounds(context: AccountContext, *, data: PersonalAccessTokenCreate) -> None:
    """A token that makes tokens stays the larger one: in what it may do, and in how long."""
    if data.expires_at is not None and data.expires_at <= context.now:
        raise ExpiryPast
    if Scope.parse(data.scope) > context.principal.scope:
        raise ScopeInsufficient
    if context.principal.kind != "pat":
        return
    end = await repository.find_expiry(context.unit, token_id=context.principal.credential_id)
    if end is not None and (data.expires_at is None or data.expires_at > end):
        raise OutlivesItsMaker


async def rotate_token(context: AccountContext, *, token_id: UUID, overlap: timedelta) -> NewPersonalAccessToken:
    """Make another token with the same settings, and end the old one, at once or after an overlap."""
    user_id = context.principal.user_id
    before = await repository.lock_token(context.unit, token_id=token_id, user_id=user_id)
    if before is None:
        raise TokenNotFound
    if before.replaced_by_id is not None:
        raise TokenReplaced(replaced_by_id=str(before.replaced_by_id))
    made = await create_token(
        context,
        data=PersonalAccessTokenCreate(name=before.name, scope=before.scope, expires_at=before.expires_at),
    )
    until = context.now + overlap if overlap else None
    await repository.replace_token(context.unit, token_id=token_id, by=made.id, until=until, now=context.now)
    await workspaces.bump_rights_epochs_of(context.unit, user_id=user_id)
    log.info("token_rotated", user_id=str(user_id), token_id=str(token_id), successor_id=str(made.id))
    return made


async def revoke_token(context: AccountContext, *, token_id: UUID) -> None:
    user_id = context.principal.user_id
    if not await repository.revoke_token(context.unit, token_id=token_id, user_id=user_id, now=context.now):
        raise TokenNotFound
    await workspaces.bump_rights_epochs_of(context.unit, user_id=user_id)
    log.info("token_revoked", user_id=str(user_id), token_id=str(token_id))
