"""How often share links may be opened, and their passwords tried."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from fostr.kernel.limits.limit import Limit, LimitReached

_WINDOW: Final = timedelta(minutes=15)


class ShareLinkThrottled(LimitReached):
    """Somebody opens share links faster than people do."""

    code = "share_link_throttled"
    detail = "Too many requests for shared tables from your address; try again later."


class SharePasswordThrottled(LimitReached):
    """Somebody tries passwords."""

    code = "share_password_throttled"
    detail = "Too many wrong passwords; try again later."


PER_ADDRESS: Final = Limit(ShareLinkThrottled, per="address", most=3_000, window=_WINDOW)
TRIES_PER_ADDRESS: Final = Limit(SharePasswordThrottled, per="link and address", most=10, window=_WINDOW)
TRIES_PER_LINK: Final = Limit(SharePasswordThrottled, per="link", most=300, window=_WINDOW)
VISIT: Final = timedelta(minutes=30)
"""Whoever looks again within this time is still on the same visit."""
