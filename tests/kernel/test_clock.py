"""The clock says the real time, unless a test travels; the journey holds for every task and thread."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest

from fostr.kernel import clock

NEW_YEAR = datetime(2030, 1, 1, tzinfo=UTC)


def test_now_is_the_real_time_aware_and_in_utc() -> None:
    before, moment, after = datetime.now(UTC), clock.now(), datetime.now(UTC)
    assert before <= moment <= after
    assert moment.tzinfo is UTC


def test_travelling_sets_the_time_and_lets_it_go_on() -> None:
    with clock.travel(to=NEW_YEAR):
        first, second = clock.now(), clock.now()
    assert NEW_YEAR <= first <= second < NEW_YEAR + timedelta(seconds=5)


def test_frozen_journey_stands_still_until_it_is_advanced() -> None:
    with clock.travel(to=NEW_YEAR, frozen=True):
        assert clock.now() == NEW_YEAR
        clock.advance(timedelta(days=2))
        assert clock.now() == NEW_YEAR + timedelta(days=2)


def test_advancing_adds_to_a_running_journey() -> None:
    with clock.travel(to=NEW_YEAR):
        clock.advance(timedelta(hours=1))
        assert NEW_YEAR + timedelta(hours=1) <= clock.now() < NEW_YEAR + timedelta(hours=1, seconds=5)


def test_journeys_nest_and_end_at_the_real_time_even_after_an_error() -> None:
    with clock.travel(to=NEW_YEAR, frozen=True):
        with pytest.raises(KeyError), clock.travel(to=NEW_YEAR + timedelta(days=9), frozen=True):
            raise KeyError
        assert clock.now() == NEW_YEAR
    assert clock.now() < NEW_YEAR + timedelta(days=3650)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_destination_in_another_zone_is_the_same_moment_in_utc() -> None:
    with clock.travel(to=NEW_YEAR.astimezone(timezone(timedelta(hours=5))), frozen=True):
        assert clock.now() == NEW_YEAR
        assert clock.now().utcoffset() == timedelta(0)


def test_naive_destination_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"), clock.travel(to=datetime(2030, 1, 1)):  # noqa: DTZ001
        pass


def test_advancing_outside_a_journey_is_refused() -> None:
    with pytest.raises(RuntimeError, match="inside travel"):
        clock.advance(timedelta(seconds=1))


async def test_tasks_begun_before_the_journey_and_threads_travel_along() -> None:
    go = asyncio.Event()

    async def look() -> datetime:
        await go.wait()
        return clock.now()

    task = asyncio.create_task(look())
    await asyncio.sleep(0)
    with clock.travel(to=NEW_YEAR, frozen=True), ThreadPoolExecutor() as threads:
        go.set()
        assert await task == NEW_YEAR
        assert threads.submit(clock.now).result() == NEW_YEAR


def test_elapsed_goes_forward_in_real_seconds_while_the_calendar_travels() -> None:
    start = clock.elapsed()
    with clock.travel(to=NEW_YEAR):
        clock.advance(timedelta(days=1))
        assert 0 <= clock.elapsed(start) < timedelta(hours=1).total_seconds()
