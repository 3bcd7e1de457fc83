"""The ids by which provisioning is followed, and how long they open anything."""

import re
import secrets
from datetime import timedelta
from typing import Final, Literal, TypeAlias

from fostr.domains.identity.provisioning.errors import FollowingThrottled
from fostr.kernel.limits.limit import Limit

JOB: Final = "identity.provision"
SEAL: Final = "provisioning"
TOKENS_WITHIN: Final = timedelta(minutes=15)
"""How long after its end the first reader of a sign-up is given tokens."""
KEPT_FOR: Final = timedelta(days=1)

FOLLOWED: Final = Limit(FollowingThrottled, per="address", most=30, window=timedelta(minutes=15))
"""Right ids are taken back, so only wrong ones count."""

Kind: TypeAlias = Literal["signup", "workspace"]

_ID: Final = re.compile(r"[0-9a-f]{32}")


def mint_secret_id() -> str:
    """Return 128 random bits: whoever holds them gets the tokens, so nobody may guess them or read them in a log."""
    return secrets.token_hex(16)


def is_secret_id(given: str) -> bool:
    """Say whether an id could be one of ours."""
    return _ID.fullmatch(given) is not None
