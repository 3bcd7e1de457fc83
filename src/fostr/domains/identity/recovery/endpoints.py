"""Operations on forgotten passwords."""

from fostr.domains.identity.accounts.schemas import Done
from fostr.domains.identity.links.errors import LinkInvalid, LinkThrottled
from fostr.domains.identity.passwords.errors import PasswordTooWeak
from fostr.domains.identity.recovery import service
from fostr.domains.identity.recovery.errors import PasswordResetThrottled
from fostr.domains.identity.recovery.schemas import PasswordReset, PasswordResetRequest
from fostr.kernel.http.errors import raises
from fostr.kernel.http.guards import Public
from fostr.kernel.http.routing import Router

router = Router(prefix="/auth", tags=["Authentication"])


@router.post("/request-password-reset", responses=raises(PasswordResetThrottled))
async def request(context: Public, data: PasswordResetRequest) -> Done:
    """Ask for a mail with a link to set a new password.

    The answer is the same whether or not there is such an account. The link works once, for an hour; a new one voids
    the one before.
    """
    await service.request_password_reset(context, data=data)
    return Done(ok=True)


@router.post("/reset-password", responses=raises(LinkInvalid, LinkThrottled, PasswordTooWeak))
async def reset(context: Public, data: PasswordReset) -> Done:
    """Set a new password by the link of a mail.

    Ends every session of the account, with its refresh tokens, and tells the person by mail. Nobody is signed in by it:
    that takes the new password, and the second factor where there is one.
    """
    await service.reset_password(context, data=data)
    return Done(ok=True)
