"""How long challenges hold, and how many there may be."""

from datetime import timedelta
from typing import Final

from fostr.domains.identity.passkeys.errors import PasskeyThrottled
from fostr.kernel.limits.limit import Limit

CHALLENGE_FOR: Final = timedelta(minutes=5)
MOST_PASSKEYS: Final = 20
BEGUN: Final = Limit(PasskeyThrottled, per="address", most=200, window=timedelta(minutes=15))
"""Each beginning leaves a row for some minutes; guessing a signature is no concern."""
