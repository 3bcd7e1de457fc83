"""When a message is tried again, when a receiver is spared, and when a webhook is given up."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from fostr.domains.webhooks.sending import Attempt

PAUSES: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
"""Between the attempts of a message, of which the first is made at once: eight in a day and three and a half hours."""
LAST: Final = len(PAUSES) + 1
"""The number of the last attempt of a message."""
JITTER: Final = 0.1
"""A pause is longer by up to this share, so that what failed together does not come back together."""
LONGEST_ASKED: Final = timedelta(hours=10)
"""A receiver that says `Retry-After` is waited for, but no longer than this."""
TOO_MANY: Final = 429
UNAVAILABLE: Final = 503
GONE: Final = 410
"""What a receiver answers that wants nothing any more: its webhook is switched off."""

HELD_AFTER: Final = 20
"""After so many failures in a row, no more is read from the log but one message each `PROBE_EVERY`."""
PROBE_EVERY: Final = timedelta(minutes=1)
"""This long a receiver is left alone, too, that was sent too many messages (429) and does not say for how long."""

FAILING_AFTER: Final = timedelta(hours=12)
"""A webhook counts as failing when attempts that lie so far apart failed, and none in between was successful."""
FAILURES_WITHIN: Final = timedelta(hours=24)
"""A failure that is older than this, and was not followed by others, does not start that clock."""
DISABLED_AFTER: Final = timedelta(days=5)
"""After having been failing for so long, it is switched off."""

KEPT_FOR: Final = timedelta(days=30)
"""Deliveries, with what they say, are kept for so long, and can be replayed."""

Status: TypeAlias = Literal["pending", "succeeded", "failed", "aborted", "withheld"]
Verdict: TypeAlias = Literal["received", "refused", "failed", "exhausted"]

Outcome: TypeAlias = Literal[
    "enqueued",
    "not_read_yet",
    "type_never_sent",
    "type_not_wanted",
    "recordset_not_wanted",
    "owner_may_not_see",
    "switched_off",
    "missed",
]
"""What became of an event for a webhook."""

OPEN: Final[Status] = "pending"
TRANSITIONS: Final[Mapping[Verdict, Status]] = {
    "received": "succeeded",
    "refused": "aborted",
    "failed": "pending",
    "exhausted": "failed",
}
"""Where a delivery goes from `pending`, by what came of an attempt: it was received; refused for good
(`webhook-delivery: abort-message`); it failed, and is tried again; it failed for the last time. Without an attempt it
is `withheld` where the webhook's owner may not see it any more, and `aborted` where somebody gives it up. When it is
replayed, it is `pending` again. A test is made in its last state.
"""


@dataclass(frozen=True, slots=True)
class Clock:
    """How long a webhook has been failing, and how long its receiver is left alone.

    Attributes:
        failures: attempts that failed since the last that did not.
        failed_first_at: when the first of them was.
        failing_since: when the clock was started that ends with the webhook being switched off.
        paused_until: until when the receiver asked to be sent nothing at all.
    """

    failures: int = 0
    failed_first_at: datetime | None = None
    failing_since: datetime | None = None
    paused_until: datetime | None = None

    @property
    def is_held(self) -> bool:
        """Whether the receiver is spared what it was not sent before."""
        return self.failures >= HELD_AFTER

    def is_over(self, now: datetime) -> bool:
        """Say whether it has been failing for too long."""
        return self.failing_since is not None and now - self.failing_since >= DISABLED_AFTER

    def is_paused(self, now: datetime) -> bool:
        """Say whether the receiver is to be left alone."""
        return self.paused_until is not None and now < self.paused_until

    def pause(self, until: datetime | None) -> Clock:
        """Return the clock of a receiver that asked to be left alone; of several times the last counts."""
        if until is None or (self.paused_until is not None and until <= self.paused_until):
            return self
        return replace(self, paused_until=until)

    def count(self, *, succeeded: bool, now: datetime) -> Clock:
        """Return the clock after one more attempt."""
        if succeeded:
            # What was on its way is taken still, by a receiver that has asked for no more.
            return Clock(paused_until=self.paused_until)
        first = self.failed_first_at
        if first is None or (self.failing_since is None and now - first > FAILURES_WITHIN):
            return Clock(failures=self.failures + 1, failed_first_at=now, paused_until=self.paused_until)
        starts = self.failing_since is None and now - first >= FAILING_AFTER
        return replace(
            self,
            failures=self.failures + 1,
            failed_first_at=first,
            failing_since=now if starts else self.failing_since,
        )


def judge(attempt: Attempt, *, tries: int) -> Verdict:
    """Return what an attempt means for its message.

    Args:
        attempt: what came of it.
        tries: attempts of this schedule, this one included.
    """
    if attempt.succeeded:
        return "received"
    if attempt.wants_abort:
        return "refused"
    return "exhausted" if tries >= LAST else "failed"


def next_attempt(attempt: Attempt, *, tries: int, now: datetime) -> datetime:
    """Return when a message that failed is tried again."""
    # Not secret: the spread keeps messages apart.
    pause = PAUSES[tries - 1] * random.uniform(1, 1 + JITTER)  # noqa: S311
    return now + max(pause, _find_asked(attempt, now=now))


def find_pause(attempt: Attempt, *, now: datetime) -> datetime | None:
    """Return until when a receiver is sent nothing at all, because it has too much to do; None where it has not."""
    if attempt.status_code not in (TOO_MANY, UNAVAILABLE):
        return None
    asked = _find_asked(attempt, now=now)
    if not asked and attempt.status_code == TOO_MANY:
        asked = PROBE_EVERY
    return now + asked if asked else None


def _find_asked(attempt: Attempt, *, now: datetime) -> timedelta:
    return min(read_retry_after(attempt.response_headers.get("retry-after"), now=now), LONGEST_ASKED)


def read_retry_after(value: str | None, *, now: datetime) -> timedelta:
    """Return how long a receiver asks to be left alone: seconds, or until a date; nothing where it says neither."""
    if value is None:
        return timedelta()
    if value.strip().isdecimal():
        return timedelta(seconds=min(int(value), 10**9))
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        # Numbers beyond all bounds overflow; were that raised, the message would be sent again for ever.
        return timedelta()
    # A date without a zone is given in UTC, as all of HTTP's are.
    return max(moment.replace(tzinfo=moment.tzinfo or UTC) - now, timedelta())
