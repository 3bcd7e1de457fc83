"""How often confirming may fail."""

from datetime import timedelta
from typing import Final

from fostr.domains.identity.confirmation.errors import ConfirmationThrottled
from fostr.kernel.limits.limit import Limit

CONFIRMATIONS: Final = Limit(ConfirmationThrottled, per="account", most=10, window=timedelta(minutes=15))
