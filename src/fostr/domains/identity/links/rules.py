"""How often links may be wrong."""

from datetime import timedelta
from typing import Final

from fostr.domains.identity.links.errors import LinkThrottled
from fostr.kernel.limits.limit import Limit

# Nobody guesses 256 random bits; this keeps those who try from costing anything.
LOOK_UPS: Final = Limit(LinkThrottled, per="address", most=30, window=timedelta(minutes=15))
"""Right links are taken back, so only wrong ones count."""
