"""How operations on activation are refused."""

from fostr.kernel.http.errors import Unprocessable
from fostr.kernel.limits.limit import LimitReached


class PasswordRequired(Unprocessable):
    """The account has no password yet, and none was given."""

    code = "password_required"
    detail = "The account has no password yet; choose one."


class ActivationThrottled(LimitReached):
    """Too many activation mails were asked for."""

    code = "activation_throttled"
    detail = "Too many activation mails were asked for; try again later."
