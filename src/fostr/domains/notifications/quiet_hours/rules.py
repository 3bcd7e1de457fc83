"""When it is quiet, by the clock on a member's wall."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import asyncpg

EVERY_DAY: Final = frozenset(range(1, 8))
_UTC: Final = ZoneInfo("UTC")
_DAY: Final = timedelta(days=1)
_LOOK_AHEAD: Final = 9
"""Days: quiet hours begin anew within a week, and one more begins before and ends after it."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """The hours in which only what is critical arrives.

    Attributes:
        start: what the wall clock shows when they begin.
        end: and when they end; on the next day when that is no later than `start`.
        zone: whose wall clock.
        days: on which they begin; 1 is Monday, 7 is Sunday.
    """

    start: time
    end: time
    zone: ZoneInfo
    days: frozenset[int] = EVERY_DAY

    @property
    def are_endless(self) -> bool:
        """Whether they begin anew at the very moment at which they end, every day."""
        return self.start == self.end and self.days == EVERY_DAY


def read_zone(name: str) -> ZoneInfo:
    """Return the zone that was kept under a name; UTC where the server no longer knows it.

    Names leave the IANA database now and then, and servers have different editions of it. One member's choice must not
    keep everybody from being told.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return _UTC


def read_hours(kept: asyncpg.Record) -> QuietHours:
    """Return quiet hours as the database keeps them."""
    zone, days = read_zone(kept["time_zone"]), frozenset[int](kept["days"])
    return QuietHours(start=kept["start_time"], end=kept["end_time"], zone=zone, days=days)


def is_quiet(hours: QuietHours, moment: datetime) -> bool:
    """Say whether a moment lies in the quiet hours.

    The wall clock decides: an hour that it shows twice is quiet twice, and one that it leaves out is not.
    """
    wall = moment.astimezone(hours.zone)
    shown, today = wall.time(), wall.isoweekday()
    yesterday = today - 1 or 7
    if hours.start < hours.end:
        return today in hours.days and hours.start <= shown < hours.end
    return (today in hours.days and shown >= hours.start) or (yesterday in hours.days and shown < hours.end)


def quiet_until(hours: QuietHours, moment: datetime) -> datetime | None:
    """Return when the quiet hours in which a moment lies are over, in UTC; None when it lies in none.

    Raises:
        ValueError: they are endless.
    """
    if not is_quiet(hours, moment):
        return None
    for change in sorted(_changes(hours, moment)):
        if change > moment and not is_quiet(hours, change):
            return change
    raise ValueError("quiet hours that never end")


def _changes(hours: QuietHours, moment: datetime) -> Iterator[datetime]:
    """Yield every moment of the days to come at which it may become quiet, or not quiet any more."""
    today = moment.astimezone(hours.zone).date()
    for ahead in range(-1, _LOOK_AHEAD):
        day = today + ahead * _DAY
        for shown in (hours.start, hours.end, time()):
            # An hour that the clock shows twice has two such moments, by `fold`.
            for fold in (0, 1):
                yield datetime.combine(day, shown, tzinfo=hours.zone).replace(fold=fold).astimezone(UTC)
        begin = moment + ahead * _DAY
        if (shift := _find_shift(hours.zone, begin, begin + _DAY)) is not None:
            yield shift


def _find_shift(zone: ZoneInfo, begin: datetime, end: datetime) -> datetime | None:
    """Return the moment between two at which the clock is put forward or back, in whole seconds."""
    earlier, later = int(begin.timestamp()), int(end.timestamp())
    offset = _offset(zone, later)
    if _offset(zone, earlier) == offset:
        return None
    while later - earlier > 1:
        middle = (earlier + later) // 2
        if _offset(zone, middle) == offset:
            later = middle
        else:
            earlier = middle
    return datetime.fromtimestamp(later, UTC)


def _offset(zone: ZoneInfo, second: int) -> timedelta | None:
    return datetime.fromtimestamp(second, zone).utcoffset()
