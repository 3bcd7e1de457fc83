"""How often the secret may be wrong."""

from datetime import timedelta
from typing import Final

from fostr.domains.identity.clerk.errors import ClerkThrottled
from fostr.kernel.limits.limit import Limit

ATTEMPTS: Final = Limit(ClerkThrottled, per="address", most=30, window=timedelta(minutes=15))
"""Counted when it is wrong, and only then: the front end's server signs in everybody from one address."""
