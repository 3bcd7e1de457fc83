"""How a new password is refused."""

from collections.abc import Sequence
from typing import Final

from fostr.kernel.http.errors import Unprocessable

MINIMUM_LENGTH: Final = 8
MAXIMUM_LENGTH: Final = 128

REASONS: Final = {
    "too_short": f"It has fewer than {MINIMUM_LENGTH} characters.",
    "too_long": f"It has more than {MAXIMUM_LENGTH} characters.",
    "too_common": "It is among the passwords that are tried first, or one of those with a few signs around it.",
    "too_uniform": "It is made of too few different characters.",
    "contains_email": "It contains the e-mail address.",
    "contains_name": "It is the person's name, with a few signs around it at most.",
}


class PasswordTooWeak(Unprocessable):
    """A new password breaks one or more of the rules, which the field `unmet` lists."""

    code = "password_too_weak"
    detail = (
        f"A password has {MINIMUM_LENGTH} to {MAXIMUM_LENGTH} characters of any kind. It is neither a common password "
        "nor made of the person's name or e-mail address."
    )

    @classmethod
    def of(cls, unmet: Sequence[str]) -> "PasswordTooWeak":
        """Refuse, and say which rules are broken."""
        return cls(" ".join(["This password will not do.", *(REASONS[rule] for rule in unmet)]), unmet=list(unmet))
