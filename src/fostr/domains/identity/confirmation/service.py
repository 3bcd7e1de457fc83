"""How a person confirms who they are."""

from datetime import timedelta

import structlog

from fostr.domains.identity.accounts import repository as accounts
from fostr.domains.identity.confirmation import repository
from fostr.domains.identity.confirmation.errors import ConfirmationWrong
from fostr.domains.identity.confirmation.rules import CONFIRMATIONS
from fostr.domains.identity.confirmation.schemas import Confirmation, Confirmed
from fostr.domains.identity.factors import service as factors
from fostr.domains.identity.passkeys import service as passkeys
from fostr.kernel.crypto.passwords import verify_password
from fostr.kernel.http.context import AccountContext
from fostr.kernel.limits.limit import check_limit, forget

log = structlog.get_logger(__name__)


async def confirm(context: AccountContext, *, data: Confirmation) -> Confirmed:
    user_id, database = context.principal.user_id, context.runtime.database
    await check_limit(database, CONFIRMATIONS, subject=str(user_id))
    if not await _is_right(context, data=data):
        log.info("confirmation_failed", user_id=str(user_id))
        raise ConfirmationWrong
    await forget(database, CONFIRMATIONS, subject=str(user_id))
    await repository.renew_session(context.unit, session_id=context.principal.credential_id, now=context.now)
    allowed = timedelta(minutes=context.settings.recent_sign_in_minutes)
    return Confirmed(authenticated_at=context.now, recent_until=context.now + allowed)


async def _is_right(context: AccountContext, *, data: Confirmation) -> bool:
    user_id = context.principal.user_id
    if data.code is not None:
        return await factors.use_code(context, user_id=user_id, code=data.code)
    if data.credential is not None:
        return await passkeys.identify(context, credential=data.credential) == user_id
    return data.password is not None and await _is_password(context, data.password.get_secret_value())


async def _is_password(context: AccountContext, password: str) -> bool:
    # In a unit of its own: hashing takes long, and no connection is held meanwhile.
    async with context.runtime.database.unit() as unit:
        stored = await accounts.find_password_hash(unit, user_id=context.principal.user_id)
    return await verify_password(password, stored=stored, cost=context.settings.password_hash_cost)
