"""How operations on accounts are refused."""

from fostr.kernel.http.errors import Conflict, Forbidden
from fostr.kernel.limits.limit import LimitReached


class EmailTaken(Conflict):
    """There is an account with that address."""

    code = "email_taken"
    detail = "There is an account with this e-mail address; sign in instead."


class CurrentPasswordWrong(Forbidden):
    """The password that was given as proof is not the account's."""

    code = "current_password_wrong"
    detail = "The current password is wrong."


class RegistrationThrottled(LimitReached):
    """Too many accounts were made from one address."""

    code = "registration_throttled"
    detail = "Too many accounts were made from your address; try again later."


class PasswordChangeThrottled(LimitReached):
    """The current password was wrong too often."""

    code = "password_change_throttled"
    detail = "The current password was wrong too often; try again later."
