"""What a new password must be: OWASP's rules, in the one place where they are checked.

Length and not being guessable count; kinds of characters are not asked for, since people answer such rules with a
capital in front and `1!` at the end.
"""

import re
from datetime import timedelta
from typing import Final

from fostr.domains.identity.accounts.errors import PasswordChangeThrottled
from fostr.domains.identity.passwords.errors import MAXIMUM_LENGTH, MINIMUM_LENGTH, PasswordTooWeak
from fostr.domains.identity.passwords.frequent import is_common
from fostr.kernel.limits.limit import Limit

PASSWORD_CHANGES: Final = Limit(PasswordChangeThrottled, per="account", most=10, window=timedelta(minutes=15))

# Shorter names stand in too many good passwords by chance.
_SHORTEST_TELLING_NAME: Final = 4
_FEWEST_CHARACTERS: Final = 4


def check_password(password: str, *, email: str | None = None, full_name: str = "") -> None:
    """Refuse a password that may not be set, with every rule that it breaks.

    Args:
        password: the new one.
        email: the address of the account.
        full_name: what the person is called.

    Raises:
        PasswordTooWeak: it may not be set.
    """
    broken = {
        "too_short": len(password) < MINIMUM_LENGTH,
        "too_long": len(password) > MAXIMUM_LENGTH,
        "too_common": len(password) <= MAXIMUM_LENGTH and is_common(password),
        "too_uniform": len(password) >= MINIMUM_LENGTH and len(set(password)) < _FEWEST_CHARACTERS,
        "contains_email": _contains_email(password, email),
        "contains_name": _is_name(password, full_name),
    }
    unmet = [rule for rule, is_broken in broken.items() if is_broken]
    if unmet:
        raise PasswordTooWeak.of(unmet)


def _contains_email(password: str, email: str | None) -> bool:
    local_part = (email or "").partition("@")[0].casefold()
    return len(local_part) >= _SHORTEST_TELLING_NAME and local_part in password.casefold()


def _is_name(password: str, full_name: str) -> bool:
    """Recognise the whole name anywhere, and one of its words when there are but digits and signs around it."""
    words = [word for word in re.split(r"[\W\d_]+", full_name.casefold()) if word]
    letters = re.sub(r"[\W\d_]+", "", password.casefold())
    whole = "".join(words)
    if len(whole) >= _SHORTEST_TELLING_NAME and whole in letters:
        return True
    return any(len(word) >= _SHORTEST_TELLING_NAME and word == letters for word in words)
