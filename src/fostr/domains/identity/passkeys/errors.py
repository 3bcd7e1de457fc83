"""How operations on passkeys are refused."""

from fostr.kernel.http.errors import Conflict, NotFound, Unauthorized, Unprocessable
from fostr.kernel.limits.limit import LimitReached


class PasskeyNotFound(NotFound):
    """The caller has no such passkey."""

    code = "passkey_not_found"
    detail = "You have no such passkey."


class PasskeyInvalid(Unprocessable):
    """What the device answered does not belong to a registration that is under way."""

    code = "passkey_invalid"
    detail = "The device's answer does not fit this registration, or came too late; begin again."


class PasskeyTaken(Conflict):
    """The passkey is registered."""

    code = "passkey_taken"
    detail = "This passkey is registered already."


class TooManyPasskeys(Conflict):
    """The account has as many passkeys as it may."""

    code = "too_many_passkeys"
    detail = "The account has as many passkeys as it may; delete one first."


class PasskeyRefused(Unauthorized):
    """The device's answer does not sign anybody in; it is not said why."""

    code = "passkey_refused"
    detail = "This passkey does not sign you in, or the answer came too late; begin again."


class PasskeyThrottled(LimitReached):
    """Too many sign-ins by passkey were begun from one address."""

    code = "passkey_throttled"
    detail = "Too many sign-ins by passkey were begun from your address; try again later."
