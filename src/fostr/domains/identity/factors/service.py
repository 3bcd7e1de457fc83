"""What can be done with the second factor."""

from urllib.parse import urlsplit
from uuid import UUID

import structlog

from fostr.domains.identity.factors import repository, totp
from fostr.domains.identity.factors.errors import (
    AuthenticatorExists,
    AuthenticatorMissing,
    CodeWrong,
    SecondFactorWrong,
    SignInNotPending,
)
from fostr.domains.identity.factors.rules import (
    MOST_ATTEMPTS,
    PENDING_PREFIX,
    WRONG_CODES,
    digest_recovery_code,
    is_app_code,
    make_recovery_codes,
    normalise_code,
)
from fostr.domains.identity.factors.schemas import Enrolment, Factors, RecoveryCodes, SecondFactor
from fostr.domains.identity.factors.telling import SignInChange, tell_person
from fostr.domains.identity.passkeys import repository as passkeys
from fostr.domains.identity.sessions import repository as session_rows
from fostr.domains.identity.sessions import service as sessions
from fostr.domains.identity.sessions.schemas import OpenedSession
from fostr.kernel.crypto.tokens import check_token, digest_token
from fostr.kernel.http.context import AccountContext, PublicContext
from fostr.kernel.limits.limit import check_limit, give_back

log = structlog.get_logger(__name__)


async def describe_factors(context: AccountContext) -> Factors:
    user_id = context.principal.user_id
    found = await repository.find_authenticator(context.unit, user_id=user_id)
    since = found["confirmed_at"] if found is not None else None
    return Factors(
        second_factor=since is not None,
        authenticator_since=since,
        recovery_codes_left=await repository.count_recovery_codes(context.unit, user_id=user_id),
        passkeys=await passkeys.list_passkeys(context.unit, user_id=user_id),
    )


async def enrol(context: AccountContext) -> Enrolment:
    user_id, secret = context.principal.user_id, totp.make_secret()
    sealed = totp.seal_secret(context.runtime.keys, secret, user_id=user_id)
    if not await repository.enrol(context.unit, user_id=user_id, secret=sealed, now=context.now):
        raise AuthenticatorExists
    host = urlsplit(context.settings.public_url).hostname or ""
    uri = totp.provisioning_uri(secret, email=context.principal.email, host=host)
    return Enrolment(secret=secret, provisioning_uri=uri, qr_svg=totp.draw_qr_code(uri))


async def confirm(context: AccountContext, *, code: str) -> RecoveryCodes:
    """Switch the second factor on: the app has shown that it holds the secret."""
    user_id = context.principal.user_id
    found = await repository.find_authenticator(context.unit, user_id=user_id)
    if found is None:
        raise AuthenticatorMissing
    if found["confirmed_at"] is not None:
        raise AuthenticatorExists
    secret = totp.open_secret(context.runtime.keys, found["secret"], user_id=user_id)
    step = totp.find_step(secret, normalise_code(code), now=context.now)
    if step is None:
        raise CodeWrong
    confirmed = await repository.confirm(
        context.unit, authenticator_id=found["id"], secret=found["secret"], step=step, now=context.now
    )
    if not confirmed:
        raise AuthenticatorExists
    await _tell(context, change="second_factor_on")
    log.info("second_factor_enabled", user_id=str(user_id))
    return await _renew_recovery_codes(context)


async def disable(context: AccountContext, *, code: str) -> None:
    user_id = context.principal.user_id
    await check_code(context, code=code)
    await repository.delete_factor(context.unit, user_id=user_id)
    await repository.delete_pending_of(context.unit, user_id=user_id)
    await _tell(context, change="second_factor_off")
    log.info("second_factor_disabled", user_id=str(user_id))


async def renew_recovery_codes(context: AccountContext, *, code: str) -> RecoveryCodes:
    await check_code(context, code=code)
    await _tell(context, change="recovery_codes_renewed")
    return await _renew_recovery_codes(context)


async def _tell(context: AccountContext, *, change: SignInChange) -> None:
    await tell_person(context, email=context.principal.email, full_name=context.principal.full_name, change=change)


async def _renew_recovery_codes(context: AccountContext) -> RecoveryCodes:
    user_id, codes = context.principal.user_id, make_recovery_codes()
    digests = [digest_recovery_code(code, user_id=user_id) for code in codes]
    await repository.replace_recovery_codes(context.unit, user_id=user_id, digests=digests, now=context.now)
    return RecoveryCodes(recovery_codes=codes)


async def check_code(context: AccountContext, *, code: str) -> None:
    """Use up a code of the caller's, or refuse."""
    user_id = context.principal.user_id
    if not await repository.has_second_factor(context.unit, user_id=user_id):
        raise AuthenticatorMissing
    if not await use_code(context, user_id=user_id, code=code):
        raise CodeWrong


async def use_code(context: PublicContext, *, user_id: UUID, code: str) -> bool:
    """Say whether a code of the app, or a recovery code, is good, and use it up; wrong ones are counted."""
    database, subject = context.runtime.database, str(user_id)
    # Counted before it is looked at, so that a volley of guesses does not slip through together.
    await check_limit(database, WRONG_CODES, subject=subject)
    given = normalise_code(code)
    right = await (_use_app_code if is_app_code(given) else _use_recovery_code)(context, user_id=user_id, code=given)
    if right:
        await give_back(database, WRONG_CODES, subject=subject)
    else:
        log.info("second_factor_failed", user_id=subject)
    return right


async def _use_app_code(context: PublicContext, *, user_id: UUID, code: str) -> bool:
    found = await repository.find_authenticator(context.unit, user_id=user_id)
    if found is None or found["confirmed_at"] is None:
        return False
    secret = totp.open_secret(context.runtime.keys, found["secret"], user_id=user_id)
    step = totp.find_step(secret, code, now=context.now)
    return step is not None and await repository.use_step(context.unit, authenticator_id=found["id"], step=step)


async def _use_recovery_code(context: PublicContext, *, user_id: UUID, code: str) -> bool:
    digest = digest_recovery_code(code, user_id=user_id)
    used = await repository.use_recovery_code(context.unit, user_id=user_id, digest=digest, now=context.now)
    if used:
        log.info("recovery_code_used", user_id=str(user_id))
    return used


async def complete_sign_in(context: PublicContext, *, data: SecondFactor) -> OpenedSession:
    """Open the session of a sign-in that waited for its second factor."""
    if not check_token(data.mfa_token, prefix=PENDING_PREFIX):
        raise SignInNotPending
    # In a unit of its own, because the attempt counts although the request is refused.
    async with context.runtime.database.unit() as unit:
        digest = digest_token(data.mfa_token)
        pending = await repository.count_attempt(unit, digest=digest, most=MOST_ATTEMPTS, now=context.now)
    if pending is None:
        raise SignInNotPending
    user_id = pending["user_id"]
    if not await use_code(context, user_id=user_id, code=data.code):
        raise SecondFactorWrong
    if not await repository.delete_pending(context.unit, pending_id=pending["id"]):
        raise SignInNotPending
    workspace_id = await session_rows.find_last_workspace_id(context.unit, user_id=user_id)
    return await sessions.open_session(context, user_id=user_id, workspace_id=workspace_id)
