"""The time: everything that asks for the current moment asks here, so that a test can say what it is.

Travelling is a property of the process, not of a task: whoever runs in it, on whichever task or thread, sees
the same moment. Time goes on from the moment travelled to; `travel(to=…, frozen=True)` stops it.
"""

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True)
class _Journey:
    """Where the clock was set to, and what the real clock said at that moment; frozen when there is none."""

    to: datetime
    since: datetime | None


_journey: _Journey | None = None


def now() -> datetime:
    """Return the current moment, aware, in UTC."""
    journey = _journey
    if journey is None:
        return datetime.now(UTC)
    if journey.since is None:
        return journey.to
    return journey.to + (datetime.now(UTC) - journey.since)


def elapsed(since: float = 0.0) -> float:
    """Return the seconds since a point that an earlier call returned, on a clock that only goes forward.

    First `start = elapsed()`, later `elapsed(start)`. Durations (uptime, latency) are real even while the
    calendar travels.
    """
    return time.monotonic() - since


@contextmanager
def travel(*, to: datetime, frozen: bool = False) -> Generator[None]:
    """Set the process's clock to `to` until the block ends; journeys nest."""
    if to.tzinfo is None:
        raise ValueError("travel needs an aware datetime")
    global _journey  # noqa: PLW0603 -- one clock per process is the point
    before = _journey
    _journey = _Journey(to=to.astimezone(UTC), since=None if frozen else datetime.now(UTC))
    try:
        yield
    finally:
        _journey = before


def advance(by: timedelta) -> None:
    """Move the clock of the journey that is under way by a duration; refused outside `travel`."""
    global _journey  # noqa: PLW0603 -- see travel
    if _journey is None:
        raise RuntimeError("advance works only inside travel")
    _journey = _Journey(to=_journey.to + by, since=_journey.since)
