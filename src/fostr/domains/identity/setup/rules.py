"""How long the link is good for, and how often a wrong one may be tried."""

from datetime import timedelta
from typing import Final

from fostr.domains.identity.setup.errors import SetupThrottled
from fostr.kernel.limits.limit import Limit

PREFIX: Final = "fos_set"
VALID_FOR: Final = timedelta(hours=24)
ATTEMPTS: Final = Limit(SetupThrottled, per="address", most=30, window=timedelta(minutes=15))
