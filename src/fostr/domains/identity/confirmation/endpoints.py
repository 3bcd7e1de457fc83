"""The operation by which a session becomes a recent sign-in again."""

from fostr.domains.identity.confirmation import service
from fostr.domains.identity.confirmation.errors import ConfirmationThrottled, ConfirmationWrong
from fostr.domains.identity.confirmation.schemas import Confirmation, Confirmed
from fostr.domains.identity.factors.errors import SecondFactorThrottled
from fostr.kernel.http.errors import raises
from fostr.kernel.http.routing import Router
from fostr.kernel.http.scopes import Impersonating, PersonRequired, SignedInInPerson

router = Router(prefix="/auth/confirm", tags=["Sessions"])


@router.post(
    "",
    responses=raises(ConfirmationWrong, ConfirmationThrottled, SecondFactorThrottled, PersonRequired, Impersonating),
)
async def confirm(context: SignedInInPerson, data: Confirmation) -> Confirmed:
    """Confirm who one is, so that the session counts as a recent sign-in again.

    What cannot be undone, and what makes new credentials, takes a sign-in of the last minutes and else answers 403
    `recent_sign_in_required`. Confirm with the password, a code of the authenticator app, a recovery code, or a passkey
    that answers `/auth/passkeys/begin`; then repeat the request.
    """
    return await service.confirm(context, data=data)
