"""When a notification leaves the product, and whether alone or with others."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from fostr.domains.notifications.quiet_hours.rules import quiet_until

if TYPE_CHECKING:
    from fostr.domains.notifications.quiet_hours.rules import QuietHours

Channel: TypeAlias = Literal["email", "whatsapp"]
CHANNELS: Final[tuple[Channel, ...]] = ("email", "whatsapp")

THREAD_PAUSE: Final = timedelta(minutes=5)
"""What else happens in a thread that somebody was just told of waits so long, and is then told at once."""

REFUSALS_BEFORE_PAUSE: Final = 3
"""Mails in a row that a server refuses for the address, before no more are sent there."""

# RFC 3463: 5.1.x is about an address, of which 5.1.7 and 5.1.8 are the sender's; 5.2.1 is a mailbox that is closed.
_ABOUT_ADDRESS: Final = re.compile(r"5\d\d[ -](?:5\.1\.(?!7\b|8\b)\d+|5\.2\.1)\b")
_WITHOUT_DETAIL: Final = re.compile(r"(?:550|551|553)[ -](?!\d\.\d+\.\d+\b)")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Choices:
    """What a member chose about how notifications reach them.

    Attributes:
        digest: the minutes between two digests; None for mail at once.
        quiet: the hours in which only what is critical arrives; None for none.
    """

    digest: int | None = None
    quiet: QuietHours | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """When something leaves, and whether it is gathered with everything else that the member is told by then."""

    due_at: datetime
    is_gathered: bool


@dataclass(frozen=True, slots=True)
class Latest:
    """What left last of a thread, or is about to: when, and whether it waits yet."""

    due_at: datetime
    is_waiting: bool


def choose_slot(choices: Choices, channel: Channel, *, is_critical: bool, latest: Latest | None, now: datetime) -> Slot:
    """Return when a notification leaves.

    Args:
        choices: the member's.
        channel: on which way; only mail is gathered into digests by choice.
        is_critical: it leaves at once, and by itself.
        latest: what left last, or is about to, of the same thread on the same way, not gathered.
        now: the moment.
    """
    if is_critical:
        return Slot(now, is_gathered=False)
    wants_digest = channel == "email" and choices.digest is not None
    due_at = next_boundary(now, minutes=choices.digest) if wants_digest and choices.digest else _after(latest, now)
    held_until = None if choices.quiet is None else quiet_until(choices.quiet, due_at)
    return Slot(held_until or due_at, is_gathered=wants_digest or held_until is not None)


def next_boundary(moment: datetime, *, minutes: int) -> datetime:
    """Return the next full half hour, or hour: the first moment later than the given one at which digests leave."""
    span = timedelta(minutes=minutes)
    return _EPOCH + ((moment - _EPOCH) // span + 1) * span


def _after(latest: Latest | None, now: datetime) -> datetime:
    if latest is None:
        return now
    # What waits yet is joined; what has left begins a pause.
    return max(now, latest.due_at if latest.is_waiting else latest.due_at + THREAD_PAUSE)


def is_address_refused(answer: str) -> bool:
    """Say whether a mail server refused a mail because of the address that it went to.

    Servers also refuse for what the sender is or does, by the same codes; then every address would seem to be bad.
    """
    return bool(_ABOUT_ADDRESS.match(answer) or _WITHOUT_DETAIL.match(answer))
