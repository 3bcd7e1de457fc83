"""How operations on the second factor are refused."""

from fostr.kernel.http.errors import Conflict, Forbidden, NotFound, Unauthorized
from fostr.kernel.limits.limit import LimitReached


class AuthenticatorExists(Conflict):
    """The account has an authenticator app."""

    code = "authenticator_exists"
    detail = "The account has an authenticator app; disable it first."


class AuthenticatorMissing(Conflict):
    """The account has no authenticator app, or has not confirmed it."""

    code = "authenticator_missing"
    detail = "The account has no authenticator app that this could be about."


class AccountNotFound(NotFound):
    """There is no such account, or it is closed."""

    code = "account_not_found"
    detail = "There is no such account."


class OwnSecondFactor(Forbidden):
    """An administrator of the server asked to be relieved of their own second factor without showing it."""

    code = "own_second_factor"
    detail = "Switch your own second factor off by a code; who has none asks another administrator of this server."


class CodeWrong(Forbidden):
    """The code is not right now, or was used."""

    code = "factor_code_wrong"
    detail = "The code is wrong, over, or was used before."


class SecondFactorWrong(Unauthorized):
    """The code that should complete a sign-in is not right now, or was used."""

    code = "second_factor_wrong"
    detail = "The code is wrong, over, or was used before."


class SignInNotPending(Unauthorized):
    """No sign-in waits under this token: it is malformed, over, used, or was tried too often."""

    code = "mfa_token_invalid"
    detail = "This sign-in is over; begin again with the password."


class SecondFactorThrottled(LimitReached):
    """Too many codes were wrong."""

    code = "second_factor_throttled"
    detail = "Too many codes were wrong; try again later."
