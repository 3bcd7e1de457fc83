"""Operations on the second factor."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from fostr.domains.identity.accounts.schemas import Done
from fostr.domains.identity.factors import resetting, service
from fostr.domains.identity.factors.errors import (
    AccountNotFound,
    AuthenticatorExists,
    AuthenticatorMissing,
    CodeWrong,
    OwnSecondFactor,
    SecondFactorThrottled,
    SecondFactorWrong,
    SignInNotPending,
)
from fostr.domains.identity.factors.schemas import (
    CodeGiven,
    Enrolment,
    FactorReset,
    Factors,
    RecoveryCodes,
    SecondFactor,
)
from fostr.domains.identity.sessions.cookies import set_cookie
from fostr.domains.identity.sessions.schemas import SignedIn
from fostr.kernel.http.context import AccountContext
from fostr.kernel.http.errors import CrossSiteRequest, NotFound, raises
from fostr.kernel.http.guards import Public, check_same_site
from fostr.kernel.http.operators import require_operator
from fostr.kernel.http.routing import Router
from fostr.kernel.http.scopes import (
    Impersonating,
    KeyIsBound,
    PersonRequired,
    RecentSignInRequired,
    SignedInPerson,
    SignedInRecently,
    recently,
)

router = Router(prefix="/auth/me/factors", tags=["Authentication"])
person_router = Router(prefix="/auth/{user_id}/factors", tags=["Authentication"])
sign_in_router = Router(prefix="/auth/login/second-factor", tags=["Authentication"])

IN_PERSON = (RecentSignInRequired, PersonRequired, Impersonating)

OperatorRecently = Annotated[AccountContext, recently(Depends(require_operator))]


@router.get("", responses=raises(KeyIsBound))
async def describe(context: SignedInPerson) -> Factors:
    """Show how the caller shows who they are, besides the password.

    With an authenticator app, signing in by password takes a code as well. A passkey is both factors at once.
    """
    return await service.describe_factors(context)


@router.post("/totp", status_code=201, responses=raises(AuthenticatorExists, *IN_PERSON))
async def enrol(context: SignedInRecently) -> Enrolment:
    """Begin with an authenticator app.

    Nothing changes until the app's first code confirms it. Beginning again voids what was not confirmed.
    """
    return await service.enrol(context)


@router.post("/totp/confirm", responses=raises(AuthenticatorExists, AuthenticatorMissing, CodeWrong, *IN_PERSON))
async def confirm(context: SignedInRecently, data: CodeGiven) -> RecoveryCodes:
    """Switch the second factor on, by the app's first code.

    From now on signing in by password takes a code. The answer holds ten recovery codes, this once; each stands in for
    the app one time.
    """
    return await service.confirm(context, code=data.code)


@router.post("/totp/disable", responses=raises(AuthenticatorMissing, CodeWrong, SecondFactorThrottled, *IN_PERSON))
async def disable(context: SignedInRecently, data: CodeGiven) -> Done:
    """Switch the second factor off, by a code of the app or a recovery code.

    The app and every recovery code stop working. Passkeys stay.
    """
    await service.disable(context, code=data.code)
    return Done(ok=True)


@router.post("/recovery-codes", responses=raises(AuthenticatorMissing, CodeWrong, SecondFactorThrottled, *IN_PERSON))
async def renew(context: SignedInRecently, data: CodeGiven) -> RecoveryCodes:
    """Make new recovery codes, which void the old ones."""
    return await service.renew_recovery_codes(context, code=data.code)


@person_router.post(
    "/reset",
    responses=raises(NotFound, AccountNotFound, OwnSecondFactor, AuthenticatorMissing, RecentSignInRequired),
)
async def reset(context: OperatorRecently, user_id: UUID) -> FactorReset:
    """Switch off the second factor of somebody who has lost it.

    Only for who administers the installation, in a session with a recent sign-in, and never for themselves. The app and
    every recovery code of the person stop working, all their sessions end, and they are told by mail; the password is
    asked for as before. Passkeys stay. Make sure who is asking before you do it.
    """
    return FactorReset(user_id=user_id, sessions_ended=await resetting.reset_factor(context, user_id=user_id))


@sign_in_router.post(
    "",
    dependencies=[Depends(check_same_site)],
    responses=raises(SignInNotPending, SecondFactorWrong, SecondFactorThrottled, CrossSiteRequest),
)
async def complete(context: Public, data: SecondFactor, response: Response) -> SignedIn:
    """Complete a sign-in by its second factor.

    `/auth/login` answers `mfa_required` with an `mfa_token`; send that with a code of the authenticator app, or with a
    recovery code. The token is good for five minutes, five codes and one sign-in. The answer is that of `/auth/login`
    without a second factor, session cookie included.
    """
    opened = await service.complete_sign_in(context, data=data)
    set_cookie(response, opened.cookie, settings=context.settings)
    return SignedIn.of(opened)
