"""How long activation links are good for, and how often they may be asked for."""

from datetime import timedelta
from typing import Final

from fostr.domains.identity.activation.errors import ActivationThrottled
from fostr.kernel.limits.limit import Limit

PURPOSE: Final = "activation"
VALID_FOR: Final = timedelta(days=7)

_WINDOW: Final = timedelta(hours=1)

# What is counted is what was asked for, whether or not there is such an account. Somebody who asks for another's mails
# uses up their own share; the share of the account over all addresses keeps the person's mailbox from being flooded.
PER_ACCOUNT_AND_ADDRESS: Final = Limit(ActivationThrottled, per="account and address", most=5, window=_WINDOW)
PER_ACCOUNT: Final = Limit(ActivationThrottled, per="account", most=20, window=_WINDOW)
PER_ADDRESS: Final = Limit(ActivationThrottled, per="address", most=50, window=_WINDOW)
