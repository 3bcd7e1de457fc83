"""How often accounts may be made."""

from datetime import timedelta
from typing import Final

from fostr.domains.identity.accounts.errors import RegistrationThrottled
from fostr.kernel.limits.limit import Limit

REGISTRATIONS: Final = Limit(RegistrationThrottled, per="address", most=100, window=timedelta(hours=1))
"""An office or a school behind one address may sign up in a morning; a script may not go on for long."""
