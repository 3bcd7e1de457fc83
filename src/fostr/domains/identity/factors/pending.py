"""A sign-in between its two steps."""

from uuid import UUID

import structlog

from fostr.domains.identity.factors import repository
from fostr.domains.identity.factors.rules import PENDING_FOR, PENDING_PREFIX
from fostr.domains.identity.factors.schemas import SecondFactorNeeded
from fostr.kernel.crypto.tokens import digest_token, mint_token
from fostr.kernel.http.context import PublicContext
from fostr.kernel.ids import new_id

log = structlog.get_logger(__name__)


async def ask_for_second_factor(context: PublicContext, *, user_id: UUID) -> SecondFactorNeeded | None:
    """Return what the person is asked for, when the account has a second factor.

    To be called by everything that lets a person in by one proof alone, before it opens a session.
    """
    if not await repository.has_second_factor(context.unit, user_id=user_id):
        return None
    token = mint_token(PENDING_PREFIX)
    await repository.insert_pending(
        context.unit,
        values={
            "id": new_id(),
            "user_id": user_id,
            "digest": digest_token(token),
            "now": context.now,
            "expires_at": context.now + PENDING_FOR,
        },
    )
    log.info("second_factor_awaited", user_id=str(user_id))
    return SecondFactorNeeded(
        mfa_required=True,
        mfa_token=token,
        methods=["totp", "recovery_code"],
        expires_in=int(PENDING_FOR.total_seconds()),
    )
