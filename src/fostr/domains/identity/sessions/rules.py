"""How often signing in may fail."""

from datetime import timedelta
from typing import Final

from fostr.domains.identity.sessions.errors import RefreshThrottled, SignInThrottled
from fostr.kernel.limits.limit import Limit

_WINDOW: Final = timedelta(minutes=15)

# Successes are taken back, so only failures count. Somebody who guesses at one account from one place is stopped
# soon, and without locking out its owner, who comes from another; the wider limits stop those with many addresses or
# many accounts.
PER_ACCOUNT_AND_ADDRESS: Final = Limit(SignInThrottled, per="account and address", most=10, window=_WINDOW)
PER_ACCOUNT: Final = Limit(SignInThrottled, per="account", most=100, window=_WINDOW)
PER_ADDRESS: Final = Limit(SignInThrottled, per="address", most=100, window=_WINDOW)

REFRESHES: Final = Limit(RefreshThrottled, per="address", most=100, window=_WINDOW)


def sign_in_limits(*, email: str, network: str) -> list[tuple[Limit, str]]:
    """Return the limits that a sign-in counts under, with the subject of each."""
    return [
        (PER_ACCOUNT_AND_ADDRESS, f"{email} {network}"),
        (PER_ACCOUNT, email),
        (PER_ADDRESS, network),
    ]
