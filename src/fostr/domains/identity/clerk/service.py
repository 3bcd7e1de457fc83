"""How somebody whom Clerk has signed in gets a session here."""

from uuid import UUID

import structlog

from fostr.domains.identity.accounts import repository as accounts
from fostr.domains.identity.clerk import repository
from fostr.domains.identity.clerk.errors import ClerkNotConfigured, ClerkSecretWrong
from fostr.domains.identity.clerk.rules import ATTEMPTS
from fostr.domains.identity.clerk.schemas import ClerkSession, ClerkStranger, ClerkUser
from fostr.domains.identity.factors.schemas import SecondFactorNeeded
from fostr.domains.identity.recovery.takeover import shut_out_others
from fostr.domains.identity.sessions.entering import let_in
from fostr.kernel.crypto.tokens import is_same
from fostr.kernel.http.context import PublicContext
from fostr.kernel.limits.limit import check_limit, give_back, network_of

log = structlog.get_logger(__name__)


async def check_user(
    context: PublicContext, *, secret: str, data: ClerkUser
) -> ClerkSession | SecondFactorNeeded | ClerkStranger:
    """Open a session for the account of the person, if there is one; none is ever made here."""
    await _check_secret(context, secret=secret)
    user_id = await repository.find_user_id(context.unit, clerk_id=data.clerk_id, email=data.email)
    if user_id is None:
        return ClerkStranger(exists=False)
    if data.clerk_id is not None:
        await repository.note_clerk_id(context.unit, user_id=user_id, clerk_id=data.clerk_id, now=context.now)
    await _trust_address(context, user_id=user_id)
    opened = await let_in(context, user_id=user_id)
    log.info("signed_in_by_clerk", user_id=str(user_id))
    return opened if isinstance(opened, SecondFactorNeeded) else ClerkSession.of(opened)


async def _trust_address(context: PublicContext, *, user_id: UUID) -> None:
    """Take Clerk's word for the address, and put out whoever had signed up with it without having it."""
    person = await accounts.find_person(context.unit, user_id=user_id)
    if person is None or person.is_verified:
        return
    await shut_out_others(context, person=person, reason="signed_in_by_clerk")
    await repository.trust_address(context.unit, user_id=user_id, now=context.now)


async def _check_secret(context: PublicContext, *, secret: str) -> None:
    expected = context.settings.clerk_secret
    if expected is None:
        raise ClerkNotConfigured
    database, network = context.runtime.database, network_of(context.facts.address)
    await check_limit(database, ATTEMPTS, subject=network)
    if not is_same(secret.encode("utf-8", errors="surrogateescape"), expected.get_secret_value().encode()):
        raise ClerkSecretWrong
    await give_back(database, ATTEMPTS, subject=network)
