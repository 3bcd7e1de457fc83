"""A limit with a name, and the refusal that it answers with."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from fostr.kernel.db.database import Database
from fostr.kernel.db.unit import Unit
from fostr.kernel.http.errors import TooMany
from fostr.kernel.limits import counters
from fostr.kernel.limits.counters import Verdict

IPV6_SITE_BITS: Final = 64
"""What one subscriber is given; whoever has it can take any address inside."""


class LimitReached(TooMany):
    """A limit was reached; each limit has a subclass with a code of its own."""

    def __init__(self, verdict: Verdict) -> None:
        """Refuse, and say when to come again."""
        super().__init__(limit=verdict.limit, retry_after=verdict.retry_after)
        self.headers = MappingProxyType({"Retry-After": str(verdict.retry_after)})


@dataclass(frozen=True, slots=True)
class Limit:
    """How often something may happen.

    Attributes:
        error: the refusal; its code names the limit.
        per: what is counted apart, such as `address`; two limits with one error differ in it.
        most: how often in a window.
        window: the span of time.
    """

    error: type[LimitReached]
    per: str
    most: int
    window: timedelta

    def key(self, subject: str) -> str:
        """Return the name of the counter of one subject."""
        return f"{self.error.code} {self.per} {subject}"


async def check_limit(source: Database | Unit, limit: Limit, *, subject: str) -> None:
    """Count one for a subject; see `counters.hit` for `source`.

    Raises:
        LimitReached: of the limit's own class, when it was one too many.
    """
    verdict = await counters.hit(source, key=limit.key(subject), limit=limit.most, window=limit.window)
    if not verdict.allowed:
        raise limit.error(verdict)


async def give_back(source: Database | Unit, limit: Limit, *, subject: str) -> None:
    """Take one count of a subject back."""
    await counters.give_back(source, key=limit.key(subject))


async def forget(source: Database | Unit, limit: Limit, *, subject: str) -> None:
    """Begin anew with a subject."""
    await counters.forget(source, key=limit.key(subject))


def network_of(address: str) -> str:
    """Return what a client cannot change at will about its address: all of IPv4, the site of IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, IPV6_SITE_BITS), strict=False))
