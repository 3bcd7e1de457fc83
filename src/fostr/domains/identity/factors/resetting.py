"""Switch off the second factor of somebody who has lost it, and every recovery code with it."""

from uuid import UUID

import structlog

from fostr.domains.identity.accounts import announcing
from fostr.domains.identity.accounts import repository as accounts
from fostr.domains.identity.accounts.events import SECOND_FACTOR_RESET
from fostr.domains.identity.factors import repository
from fostr.domains.identity.factors.errors import AccountNotFound, AuthenticatorMissing, OwnSecondFactor
from fostr.domains.identity.factors.telling import tell_person
from fostr.domains.identity.sessions.entering import end_all_sessions
from fostr.kernel.http.context import AccountContext

log = structlog.get_logger(__name__)


async def reset_factor(context: AccountContext, *, user_id: UUID) -> int:
    """Leave the password as the only proof, and put everybody out; return how many sessions that ended."""
    unit, by = context.unit, context.principal.user_id
    if user_id == by:
        raise OwnSecondFactor
    person = await accounts.find_person(unit, user_id=user_id)
    if person is None:
        raise AccountNotFound
    if not await repository.delete_factor(unit, user_id=user_id):
        raise AuthenticatorMissing
    ended = await end_all_sessions(unit, user_id=user_id, reason="second_factor_reset", now=context.now)
    await announcing.announce(
        unit, type=SECOND_FACTOR_RESET, user_id=user_id, after={"email": person.email, "how": "operator"}, by=by
    )
    await tell_person(context, email=person.email, full_name=person.full_name, change="second_factor_reset")
    log.info("second_factor_reset", user_id=str(user_id), by=str(by), sessions_ended=ended)
    return ended
