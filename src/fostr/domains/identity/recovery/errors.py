"""How operations on recovery are refused."""

from fostr.kernel.limits.limit import LimitReached


class PasswordResetThrottled(LimitReached):
    """Too many links to set a new password were asked for."""

    code = "password_reset_throttled"
    detail = "Too many links to set a new password were asked for; try again later."
