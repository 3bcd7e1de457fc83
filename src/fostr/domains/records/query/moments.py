"""Moments and periods that a filter names: by the calendar, or as they lie around the present.

A period reaches from its start up to its end, without the end. Days are those of a time zone; of a field that holds
dates, they are the dates themselves. Weeks begin on Monday.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fostr.domains.records.fields.types import TYPES, ValueRefused
from fostr.kernel.http.errors import Unprocessable

if TYPE_CHECKING:
    from collections.abc import Callable

DAYS: Final = {"yesterday": -1, "today": 0, "tomorrow": 1}
TURNS: Final = {"last": -1, "this": 0, "next": 1}
MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
UNITS: Final = ("minutes", "hours", "days", "weeks", "months", "years")
LARGEST_SPAN: Final = 10_000
DAY: Final = timedelta(days=1)


class TimeZoneUnknown(Unprocessable):
    """There is no such time zone."""

    code = "time_zone_unknown"
    detail = "There is no such time zone; name one such as Europe/Paris."


@dataclass(frozen=True, slots=True)
class Period:
    """From when, up to when; without an end it is a moment."""

    start: datetime
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Clock:
    """By what relative dates are reckoned.

    Attributes:
        now: the present.
        zone: whose days are meant.
    """

    now: datetime
    zone: ZoneInfo

    @property
    def today(self) -> date:
        """The date at this moment, in the zone."""
        return self.now.astimezone(self.zone).date()


def find_clock(now: datetime, time_zone: str | None) -> Clock:
    """Return the clock of a time zone; without one, of UTC.

    Raises:
        TimeZoneUnknown: it is none.
    """
    return Clock(now, _zone(time_zone or "UTC"))


@lru_cache(maxsize=600)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise TimeZoneUnknown(time_zone=name) from None


def parse_period(value: Any, *, of_days: bool, clock: Clock) -> Period:
    """Return the period or the moment that an operand means.

    Args:
        value: a date, a moment, a word such as `today` or `last_month`, or `{"last": 7, "unit": "days"}`.
        of_days: whether what it is compared with holds dates, which belong to no zone.
        clock: by which relative dates are reckoned.

    Raises:
        ValueRefused: it means nothing, or lies outside of the calendar.
    """
    try:
        if isinstance(value, dict):
            return _span(cast("dict[str, Any]", value), of_days=of_days, clock=clock)
        word = value.strip() if isinstance(value, str) else ""
        if word == "now" and not of_days:
            return Period(clock.now)
        days = _named(word, clock.today)
        if days is not None:
            return _period(*days, of_days=of_days, clock=clock)
        return _literal(value, word, of_days=of_days, clock=clock)
    except (OverflowError, calendar.IllegalMonthError):
        raise ValueRefused("lies outside of the calendar") from None


def _literal(value: Any, word: str, *, of_days: bool, clock: Clock) -> Period:
    if of_days:
        return Period(_midnight(date.fromisoformat(TYPES["date"].check(value, {})), UTC))
    moment = datetime.fromisoformat(TYPES["datetime"].check(value, {}))
    if len(word) != len("2026-01-31"):
        return Period(moment)
    # A day beside a moment means the whole day: up to and including it, or after its end.
    day = moment.date()
    return _period(day, day + DAY, of_days=False, clock=clock)


def _named(word: str, today: date) -> tuple[date, date] | None:
    if word in DAYS:
        day = today + DAYS[word] * DAY
        return day, day + DAY
    turn, _, unit = word.partition("_")
    if turn not in TURNS:
        return None
    if unit == "week":
        monday = today + (7 * TURNS[turn] - today.weekday()) * DAY
        return monday, monday + 7 * DAY
    if unit not in MONTHS:
        return None
    months = MONTHS[unit]
    first = date(today.year, (today.month - 1) // months * months + 1, 1)
    return shift_months(first, TURNS[turn] * months), shift_months(first, (TURNS[turn] + 1) * months)


def _span(value: dict[str, Any], *, of_days: bool, clock: Clock) -> Period:
    """Return the last or next so many days, today among them; or hours, up to or from this moment."""
    direction = next((name for name in ("last", "next") if name in value), "")
    if value.keys() - {"unit"} != {direction}:
        raise ValueRefused('is no period such as {"last": 7, "unit": "days"}')
    count, unit = value[direction], value.get("unit", "days")
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= LARGEST_SPAN or unit not in UNITS:
        raise ValueRefused(f"is not 1 to {LARGEST_SPAN} {', '.join(UNITS)}")
    if unit in {"minutes", "hours"}:
        if of_days:
            raise ValueRefused("is less than a day, and the field holds dates")
        length = timedelta(**{unit: count})
        return Period(clock.now - length, clock.now) if direction == "last" else Period(clock.now, clock.now + length)
    move, today = _MOVES[unit], clock.today
    if direction == "next":
        return _period(today, move(today, count), of_days=of_days, clock=clock)
    return _period(move(today + DAY, -count), today + DAY, of_days=of_days, clock=clock)


def shift_months(day: date, months: int) -> date:
    """Return the day so many months later, or the last of that month where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not date.min.year <= year <= date.max.year:
        raise OverflowError
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


_MOVES: Final[dict[str, Callable[[date, int], date]]] = {
    "days": lambda day, count: day + count * DAY,
    "weeks": lambda day, count: day + 7 * count * DAY,
    "months": shift_months,
    "years": lambda day, count: shift_months(day, 12 * count),
}


def _period(first: date, until: date, *, of_days: bool, clock: Clock) -> Period:
    zone = UTC if of_days else clock.zone
    return Period(_midnight(first, zone), _midnight(until, zone))


def _midnight(day: date, zone: Any) -> datetime:
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)
