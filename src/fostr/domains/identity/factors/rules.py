"""What codes look like, how long they hold, and how often they may be wrong."""

import hashlib
import re
import secrets
from datetime import timedelta
from typing import Final
from uuid import UUID

from fostr.domains.identity.factors.errors import SecondFactorThrottled
from fostr.kernel.limits.limit import Limit

PENDING_PREFIX: Final = "fos_mfa"
PENDING_FOR: Final = timedelta(minutes=5)
MOST_ATTEMPTS: Final = 5
"""Codes that may be tried for one right password."""

# Only wrong codes count. At three codes in a million that are right at any moment, twenty an hour stay hopeless for
# somebody who has the password; an app with a wrong clock needs two or three.
WRONG_CODES: Final = Limit(SecondFactorThrottled, per="account", most=20, window=timedelta(hours=1))

RECOVERY_CODES: Final = 10
_ALPHABET: Final = "23456789abcdefghjkmnpqrstuvwxyz"
"""Without what people confuse when they copy from paper."""
_GROUPS: Final = 3
_GROUP_LENGTH: Final = 5

_APP_CODE: Final = re.compile(r"[0-9]{6}", re.ASCII)
_BETWEEN: Final = re.compile(r"[\s-]+")


def make_recovery_codes() -> list[str]:
    """Return a new set of codes, each of 74 random bits."""
    return [
        "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS))
        for _ in range(RECOVERY_CODES)
    ]


def normalise_code(code: str) -> str:
    """Return a code without what people put between its parts."""
    return _BETWEEN.sub("", code).lower()


def is_app_code(code: str) -> bool:
    """Say whether a normalised code looks like one of an authenticator app."""
    return _APP_CODE.fullmatch(code) is not None


def digest_recovery_code(code: str, *, user_id: UUID) -> bytes:
    """Return what is kept of a code.

    A slow hash would add nothing: nobody guesses 74 random bits.
    """
    return hashlib.sha256(user_id.bytes + normalise_code(code).encode()).digest()
