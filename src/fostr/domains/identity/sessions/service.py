"""What can be done with sessions."""

from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias
from uuid import UUID

import structlog

from fostr.domains.identity.accounts import repository as accounts
from fostr.domains.identity.factors import repository as factors
from fostr.domains.identity.factors.pending import ask_for_second_factor
from fostr.domains.identity.factors.schemas import SecondFactorNeeded
from fostr.domains.identity.sessions import repository
from fostr.domains.identity.sessions.errors import (
    InvalidCredentials,
    NotASession,
    RefreshTokenExpired,
    RefreshTokenInvalid,
    RefreshTokenReplayed,
    SessionNotFound,
)
from fostr.domains.identity.sessions.rules import REFRESHES, sign_in_limits
from fostr.domains.identity.sessions.schemas import Login, OpenedSession, Session, TokenPair
from fostr.domains.workspaces import public as workspaces
from fostr.kernel.auth.credentials import (
    ACCESS_AUDIENCE,
    ACCESS_PURPOSE,
    REFRESH_PREFIX,
    SESSION_PREFIX,
)
from fostr.kernel.crypto.jwt import sign_jwt
from fostr.kernel.crypto.passwords import verify_and_update
from fostr.kernel.crypto.tokens import check_token, digest_token, mint_token
from fostr.kernel.db.unit import Unit
from fostr.kernel.http.context import AccountContext, PublicContext
from fostr.kernel.http.paging import Page, Slice
from fostr.kernel.ids import new_id
from fostr.kernel.limits.limit import check_limit, forget, give_back, network_of
from fostr.kernel.runtime import Runtime

log = structlog.get_logger(__name__)

Refusal: TypeAlias = Literal["invalid", "expired", "replayed"]

_REFUSALS: Final = {
    "invalid": RefreshTokenInvalid,
    "expired": RefreshTokenExpired,
    "replayed": RefreshTokenReplayed,
}


async def sign_in(context: PublicContext, *, data: Login) -> OpenedSession | SecondFactorNeeded:
    """Sign a person in, or refuse after the same work whether or not there is such an account."""
    database, cost = context.runtime.database, context.settings.password_hash_cost
    limits = sign_in_limits(email=data.email, network=network_of(context.facts.address))
    # Counted before the password is looked at, so that a volley of guesses does not slip through together.
    for limit, subject in limits:
        await check_limit(database, limit, subject=subject)
    # In a unit of its own: hashing takes long, and no connection is held meanwhile.
    async with database.unit() as unit:
        facts = await repository.find_sign_in_facts(unit, email=data.email)
    stored = facts.password_hash if facts is not None else None
    verified = await verify_and_update(data.password.get_secret_value(), stored=stored, cost=cost)
    if facts is None or not verified.valid:
        log.info("sign_in_failed", user_id=str(facts.user_id) if facts else None)
        raise InvalidCredentials
    (narrowest, subject), *wider = limits
    await forget(database, narrowest, subject=subject)
    for limit, subject in wider:
        await give_back(database, limit, subject=subject)
    if verified.new_hash is not None:
        await accounts.set_password_hash(context.unit, user_id=facts.user_id, password_hash=verified.new_hash)
    needed = await ask_for_second_factor(context, user_id=facts.user_id)
    if needed is not None:
        return needed
    workspace_id = await repository.find_last_workspace_id(context.unit, user_id=facts.user_id)
    return await open_session(context, user_id=facts.user_id, workspace_id=workspace_id)


async def open_session(context: PublicContext, *, user_id: UUID, workspace_id: UUID | None) -> OpenedSession:
    """Begin a session that is used by cookie as well as by tokens, and ended for both at once."""
    session_id, cookie = new_id(), mint_token(SESSION_PREFIX)
    settings, now = context.settings, context.now
    cookie_ends = now + timedelta(days=settings.session_days)
    await repository.insert_session(
        context.unit,
        values={
            "id": session_id,
            "user_id": user_id,
            "digest": digest_token(cookie),
            "workspace_id": workspace_id,
            "user_agent": context.facts.user_agent,
            "address": context.facts.address,
            "now": now,
            "expires_at": max(cookie_ends, _refresh_ends(context.runtime, now)),
            "cookie_expires_at": cookie_ends,
        },
    )
    tokens = await issue_tokens(context.unit, context.runtime, user_id=user_id, session_id=session_id, now=now)
    user = await accounts.note_sign_in(context.unit, user_id=user_id, now=now)
    log.info("signed_in", user_id=str(user_id), session_id=str(session_id))
    return OpenedSession(cookie=cookie, tokens=tokens, user=user)


def _refresh_ends(runtime: Runtime, now: datetime) -> datetime:
    return now + timedelta(days=runtime.settings.refresh_token_days)


async def issue_tokens(
    unit: Unit,
    runtime: Runtime,
    *,
    user_id: UUID,
    session_id: UUID,
    now: datetime,
    until: datetime | None = None,
) -> TokenPair:
    """Give a session its next pair of tokens, which end with it where `until` says when that is."""
    lifetime = timedelta(minutes=runtime.settings.access_token_minutes)
    refresh_ends = _refresh_ends(runtime, now)
    if until is not None:
        lifetime, refresh_ends = min(lifetime, until - now), min(refresh_ends, until)
    refresh_token = mint_token(REFRESH_PREFIX)
    await repository.insert_refresh_token(
        unit,
        session_id=session_id,
        digest=digest_token(refresh_token),
        now=now,
        expires_at=refresh_ends,
    )
    claims = {
        "sub": str(user_id),
        "sid": str(session_id),
        "jti": new_id().hex,
        "aud": ACCESS_AUDIENCE,
        "iat": int(now.timestamp()),
        "exp": int((now + lifetime).timestamp()),
    }
    return TokenPair(
        access_token=sign_jwt(claims, key=runtime.keys.current(ACCESS_PURPOSE)),
        refresh_token=refresh_token,
        token_type="bearer",  # noqa: S106 - the name of a kind, not a secret
        expires_in=int(lifetime.total_seconds()),
    )


async def refresh(context: PublicContext, *, refresh_token: str) -> TokenPair:
    """Give the next pair for a refresh token that was never used; end its session when it was."""
    database, network = context.runtime.database, network_of(context.facts.address)
    await check_limit(database, REFRESHES, subject=network)
    if not check_token(refresh_token, prefix=REFRESH_PREFIX):
        raise RefreshTokenInvalid
    # In a unit of its own, because ending the session must last although the request is refused.
    async with database.unit() as unit:
        outcome = await _exchange(unit, context, digest=digest_token(refresh_token))
    if not isinstance(outcome, TokenPair):
        raise _REFUSALS[outcome]
    await give_back(database, REFRESHES, subject=network)
    return outcome


async def _exchange(unit: Unit, context: PublicContext, *, digest: bytes) -> TokenPair | Refusal:
    now = context.now
    used = await repository.use_refresh_token(unit, digest=digest, now=now)
    if used is None:
        return await _explain_refusal(unit, digest=digest, now=now)
    ends = _refresh_ends(context.runtime, now)
    await repository.extend_session(unit, session_id=used["session_id"], now=now, expires_at=ends)
    return await issue_tokens(unit, context.runtime, user_id=used["user_id"], session_id=used["session_id"], now=now)


async def _explain_refusal(unit: Unit, *, digest: bytes, now: datetime) -> Refusal:
    found = await repository.find_refresh_token(unit, digest=digest)
    if found is None:
        return "invalid"
    if found["used_at"] is not None:
        log.warning("refresh_token_replayed", user_id=str(found["user_id"]), session_id=str(found["session_id"]))
        await _end(
            unit,
            session_id=found["session_id"],
            user_id=found["user_id"],
            reason="refresh_token_replayed",
            now=now,
        )
        return "replayed"
    return "expired" if found["revoked_at"] is None and found["expires_at"] <= now else "invalid"


async def list_sessions(context: AccountContext, *, part: Slice) -> Page[Session]:
    user_id, now = context.principal.user_id, context.now
    sessions = await repository.list_sessions(
        context.unit,
        user_id=user_id,
        current=context.principal.credential_id,
        now=now,
        limit=part.limit,
        offset=part.offset,
    )
    return part.page(sessions, total=await repository.count_sessions(context.unit, user_id=user_id, now=now))


async def end_session(context: AccountContext, *, session_id: UUID) -> None:
    ended = await _end(
        context.unit,
        session_id=session_id,
        user_id=context.principal.user_id,
        reason="revoked",
        now=context.now,
    )
    if not ended:
        raise SessionNotFound


async def sign_out(context: AccountContext) -> None:
    if context.principal.kind not in {"session", "jwt"}:
        raise NotASession
    await _end(
        context.unit,
        session_id=context.principal.credential_id,
        user_id=context.principal.user_id,
        reason="signed_out",
        now=context.now,
    )


async def end_other_sessions(context: AccountContext, *, reason: str) -> int:
    """End every session of the caller's but the one that asks, and every sign-in that is under way; return how many."""
    user_id = context.principal.user_id
    ended = await repository.revoke_other_sessions(
        context.unit, user_id=user_id, kept=context.principal.credential_id, reason=reason, now=context.now
    )
    await factors.delete_pending_of(context.unit, user_id=user_id)
    await workspaces.bump_rights_epochs_of(context.unit, user_id=user_id)
    log.info("other_sessions_ended", user_id=str(user_id), reason=reason, ended=ended)
    return ended


async def _end(unit: Unit, *, session_id: UUID, user_id: UUID, reason: str, now: datetime) -> bool:
    ended = await repository.revoke_session(unit, session_id=session_id, user_id=user_id, reason=reason, now=now)
    if ended:
        await workspaces.bump_rights_epochs_of(unit, user_id=user_id)
        log.info("session_ended", user_id=str(user_id), session_id=str(session_id), reason=reason)
    return ended
