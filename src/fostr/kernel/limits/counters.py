"""Count one thing more, in one statement, so that any number of processes agree on who was the last to pass."""

from __future__ import annotations

import asyncio
import hashlib
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg

from fostr.kernel import clock
from fostr.kernel.db.database import Database
from fostr.kernel.db.unit import Unit

WAIT_SECONDS: Final = 3.0
"""How long a count may wait for a connection of its own."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a counter says.

    Attributes:
        allowed: whether the limit still allowed it.
        limit: how much the limit allows in a span.
        used: what was counted in this span, refused attempts included.
        ends_at: when the span ends and the count begins anew.
        retry_after: whole seconds until then.
    """

    allowed: bool
    limit: int
    used: int
    ends_at: datetime
    retry_after: int

    @property
    def remaining(self) -> int:
        """What is left of the limit in this span."""
        return max(0, self.limit - self.used)


async def hit(source: Database | Unit, *, key: str, limit: int, window: timedelta, cost: int = 1) -> Verdict:
    """Count `cost` under a key, and say whether the limit allows it.

    The span begins with the first count and has a fixed length: trying on while refused does not lengthen it. The
    count is kept whatever becomes of the request.

    Args:
        source: the database, for a connection of its own, so that the count is kept whatever the caller does; or a
            unit of work whose transaction has not begun, to use its connection.
        key: what is counted; only its digest is kept.
        limit: the most in a span.
        window: the length of a span.
        cost: how much this one counts.
    """
    now = clock.now()
    found = await _look_up(
        source,
        """
        insert into limit_counters as c (key, count, ends_at) values (:key, :cost, :ends_at)
        on conflict (key) do update set
            count = case when c.ends_at > :now then c.count else 0 end + excluded.count,
            ends_at = case when c.ends_at > :now then c.ends_at else excluded.ends_at end
        returning count, ends_at
        """,
        key=_digest(key),
        cost=cost,
        now=now,
        ends_at=now + window,
    )
    assert found is not None  # noqa: S101 - an insert that updates on conflict always returns its row
    used, ends_at = found["count"], found["ends_at"]
    return Verdict(
        allowed=used <= limit,
        limit=limit,
        used=used,
        ends_at=ends_at,
        retry_after=max(1, math.ceil((ends_at - now).total_seconds())),
    )


async def give_back(source: Database | Unit, *, key: str, cost: int = 1) -> None:
    """Take a count back that turned out not to be one, such as a sign-in that succeeded."""
    await _look_up(
        source,
        "update limit_counters set count = greatest(0, count - :cost) where key = :key",
        key=_digest(key),
        cost=cost,
    )


async def forget(source: Database | Unit, *, key: str) -> None:
    """Begin anew with a key."""
    await _look_up(source, "delete from limit_counters where key = :key", key=_digest(key))


async def delete_expired_counters(unit: Unit) -> int:
    """Delete the counters of spans that are over; return how many."""
    return await unit.run("delete from limit_counters where ends_at <= :now", now=clock.now())


async def _look_up(source: Database | Unit, statement: str, **params: Any) -> asyncpg.Record | None:
    if isinstance(source, Unit):
        return await source.look_up(statement, **params)
    # The caller may hold a connection already. Were all of them held by such callers, each would wait for the others
    # without end; the time limit breaks the knot, and the handlers turn it into a 503.
    async with asyncio.timeout(WAIT_SECONDS), source.unit() as unit:
        return await unit.look_up(statement, **params)


def _digest(key: str) -> bytes:
    # Keys hold addresses of people, and whatever somebody typed in place of one; neither is kept.
    return hashlib.blake2b(key.encode("utf-8", errors="surrogatepass"), digest_size=16).digest()
