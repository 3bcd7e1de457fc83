"""When it is quiet: against a plain reading of the clock, minute by minute, wherever and whenever."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fostr.domains.notifications.quiet_hours.rules import EVERY_DAY, QuietHours, is_quiet, quiet_until

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Pacific/Apia",
]
TIMES = st.builds(time, st.integers(0, 23), st.sampled_from([0, 1, 15, 30, 59]))
# Around the days on which clocks in those zones are put forward and back, and some others.
DAYS = [
    datetime(2026, 3, 8, tzinfo=UTC),
    datetime(2026, 3, 29, tzinfo=UTC),
    datetime(2026, 4, 4, tzinfo=UTC),
    datetime(2026, 4, 24, tzinfo=UTC),
    datetime(2026, 9, 6, tzinfo=UTC),
    datetime(2026, 10, 4, tzinfo=UTC),
    datetime(2026, 10, 25, tzinfo=UTC),
    datetime(2026, 10, 29, tzinfo=UTC),
    datetime(2026, 11, 1, tzinfo=UTC),
    datetime(2026, 12, 31, tzinfo=UTC),
    datetime(2011, 12, 29, tzinfo=UTC),
]


def shifted(day: datetime, minutes: int) -> datetime:
    return day + minutes * MINUTE


MOMENTS = st.builds(shifted, st.sampled_from(DAYS), st.integers(-2880, 2880))


def shows_quiet(hours: QuietHours, moment: datetime) -> bool:
    """Read a clock on the wall: the plainest that can be written."""
    wall = moment.astimezone(hours.zone)
    now, day = (wall.hour, wall.minute), wall.isoweekday()
    start, end = (hours.start.hour, hours.start.minute), (hours.end.hour, hours.end.minute)
    if start < end:
        return day in hours.days and start <= now < end
    began_today = day in hours.days and now >= start
    began_yesterday = (7 if day == 1 else day - 1) in hours.days and now < end
    return began_today or began_yesterday


def read_minute_by_minute(hours: QuietHours, moment: datetime) -> datetime | None:
    if not shows_quiet(hours, moment):
        return None
    while shows_quiet(hours, moment):
        moment += MINUTE
    return moment


@settings(max_examples=150, deadline=None)
@given(
    start=TIMES,
    end=TIMES,
    zone=st.sampled_from(ZONES),
    days=st.frozensets(st.integers(1, 7), min_size=1),
    moment=MOMENTS,
)
# It ends in an hour that the clock leaves out, and in one that it shows twice.
@example(time(22), time(2, 30), "Europe/Berlin", EVERY_DAY, datetime(2026, 3, 28, 23, tzinfo=UTC))
@example(time(22), time(2, 30), "Europe/Berlin", EVERY_DAY, datetime(2026, 10, 24, 23, tzinfo=UTC))
@example(time(0), time(0), "UTC", frozenset(range(1, 7)), datetime(2026, 3, 9, 1, tzinfo=UTC))
def test_quiet_ends_when_the_clock_on_the_wall_says_so(
    start: time, end: time, zone: str, days: frozenset[int], moment: datetime
) -> None:
    hours = QuietHours(start, end, ZoneInfo(zone), days)
    if hours.are_endless:
        with pytest.raises(ValueError, match="never end"):
            quiet_until(hours, moment)
        return
    assert quiet_until(hours, moment) == read_minute_by_minute(hours, moment)


@given(moment=MOMENTS, seconds=st.integers(0, 59))
def test_between_two_minutes_the_first_counts(moment: datetime, seconds: int) -> None:
    hours = QuietHours(time(22), time(7), BERLIN)
    assert quiet_until(hours, moment + timedelta(seconds=seconds)) == quiet_until(hours, moment)


def test_over_midnight() -> None:
    hours = QuietHours(time(22), time(7), BERLIN)
    seven = datetime(2026, 7, 2, 7, tzinfo=BERLIN)
    assert quiet_until(hours, datetime(2026, 7, 1, 21, 59, 59, tzinfo=BERLIN)) is None
    assert quiet_until(hours, datetime(2026, 7, 1, 22, tzinfo=BERLIN)) == seven
    assert quiet_until(hours, datetime(2026, 7, 2, 6, 59, 59, tzinfo=BERLIN)) == seven
    assert quiet_until(hours, seven) is None


def test_the_night_in_which_the_clock_is_put_forward_is_an_hour_shorter() -> None:
    hours = QuietHours(time(22), time(7), BERLIN)
    begin, end = datetime(2026, 3, 28, 22, tzinfo=BERLIN), datetime(2026, 3, 29, 7, tzinfo=BERLIN)
    assert quiet_until(hours, begin) == end
    assert end.astimezone(UTC) - begin.astimezone(UTC) == timedelta(hours=8)


def test_an_end_that_the_clock_leaves_out_is_when_it_jumps() -> None:
    hours = QuietHours(time(22), time(2, 30), BERLIN)
    assert quiet_until(hours, datetime(2026, 3, 28, 23, tzinfo=BERLIN)) == datetime(2026, 3, 29, 1, tzinfo=UTC)


def test_a_weekend_is_quiet_from_its_first_to_its_last_minute() -> None:
    hours = QuietHours(time(0), time(0), BERLIN, frozenset({6, 7}))
    friday, saturday = datetime(2026, 7, 3, 23, 59, tzinfo=BERLIN), datetime(2026, 7, 4, tzinfo=BERLIN)
    assert not is_quiet(hours, friday)
    assert quiet_until(hours, saturday) == datetime(2026, 7, 6, tzinfo=BERLIN)


def test_only_the_days_on_which_they_begin_count() -> None:
    hours = QuietHours(time(22), time(7), BERLIN, frozenset({5}))
    assert quiet_until(hours, datetime(2026, 7, 4, 6, tzinfo=BERLIN)) == datetime(2026, 7, 4, 7, tzinfo=BERLIN)
    assert quiet_until(hours, datetime(2026, 7, 4, 22, 30, tzinfo=BERLIN)) is None
