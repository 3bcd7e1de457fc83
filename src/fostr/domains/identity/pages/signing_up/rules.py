"""How often somebody is written to about sign-ups with their address."""

from datetime import timedelta
from typing import Final

from fostr.domains.identity.accounts.errors import RegistrationThrottled
from fostr.kernel.limits.limit import Limit

LETTERS: Final = Limit(RegistrationThrottled, per="account", most=3, window=timedelta(hours=24))
"""Beyond these nothing is written; whoever signs up is told the same as ever."""
