"""Counting, for many at once and over time."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from fostr.kernel import clock
from fostr.kernel.ids import new_id
from fostr.kernel.limits.counters import Verdict, delete_expired_counters, forget, give_back, hit
from fostr.kernel.runtime import Runtime

MINUTE = timedelta(minutes=1)


@pytest.fixture
def key() -> str:
    return f"test {new_id()}"


async def test_the_limit_is_the_last_that_passes(runtime: Runtime, key: str) -> None:
    with clock.travel(to=clock.now(), frozen=True):
        verdicts = [await hit(runtime.database, key=key, limit=3, window=MINUTE) for _ in range(5)]
    assert [verdict.allowed for verdict in verdicts] == [True, True, True, False, False]
    assert [verdict.used for verdict in verdicts] == [1, 2, 3, 4, 5]
    assert [verdict.remaining for verdict in verdicts] == [2, 1, 0, 0, 0]
    assert [verdict.retry_after for verdict in verdicts] == [60] * 5


async def test_of_many_at_once_exactly_the_limit_passes(runtime: Runtime, key: str) -> None:
    verdicts = await asyncio.gather(*(hit(runtime.database, key=key, limit=10, window=MINUTE) for _ in range(50)))
    assert sum(verdict.allowed for verdict in verdicts) == 10
    assert sorted(verdict.used for verdict in verdicts) == list(range(1, 51))


async def test_a_span_ends_whether_or_not_somebody_goes_on_trying(runtime: Runtime, key: str) -> None:
    with clock.travel(to=clock.now(), frozen=True):
        first = await hit(runtime.database, key=key, limit=1, window=MINUTE)
        clock.advance(timedelta(seconds=59))
        refused = await hit(runtime.database, key=key, limit=1, window=MINUTE)
        assert (refused.allowed, refused.ends_at, refused.retry_after) == (False, first.ends_at, 1)
        clock.advance(timedelta(seconds=1))
        anew = await hit(runtime.database, key=key, limit=1, window=MINUTE)
        assert (anew.allowed, anew.used) == (True, 1)


async def test_a_cost_counts_as_that_many(runtime: Runtime, key: str) -> None:
    async def spend(cost: int) -> Verdict:
        return await hit(runtime.database, key=key, limit=100, window=MINUTE, cost=cost)

    assert (await spend(60)).remaining == 40
    assert not (await spend(41)).allowed


async def test_what_was_counted_survives_the_rollback_of_the_caller(runtime: Runtime, key: str) -> None:
    class Failed(Exception):
        pass

    with pytest.raises(Failed):
        async with runtime.database.unit() as unit:
            await hit(unit, key=key, limit=10, window=MINUTE)
            await unit.value("select 1")
            await hit(runtime.database, key=key, limit=10, window=MINUTE)
            raise Failed
    assert (await hit(runtime.database, key=key, limit=10, window=MINUTE)).used == 3


async def test_counts_are_taken_back_and_forgotten(runtime: Runtime, key: str) -> None:
    for _ in range(3):
        await hit(runtime.database, key=key, limit=10, window=MINUTE)
    await give_back(runtime.database, key=key)
    assert (await hit(runtime.database, key=key, limit=10, window=MINUTE)).used == 3
    await give_back(runtime.database, key=key, cost=100)
    assert (await hit(runtime.database, key=key, limit=10, window=MINUTE)).used == 1
    await forget(runtime.database, key=key)
    await give_back(runtime.database, key=key)
    assert (await hit(runtime.database, key=key, limit=10, window=MINUTE)).used == 1


async def test_keys_are_kept_as_digests_and_counters_that_are_over_are_deleted(runtime: Runtime, key: str) -> None:
    async def stored() -> int:
        async with runtime.database.unit() as unit:
            return await unit.value(
                "select count(*) from limit_counters where encode(key, 'escape') like '%test%' or ends_at = :ends",
                ends=ends,
            )

    with clock.travel(to=clock.now() - timedelta(days=30), frozen=True):
        ends = (await hit(runtime.database, key=key, limit=1, window=MINUTE)).ends_at
    assert await stored() == 1
    async with runtime.database.unit() as unit:
        assert await delete_expired_counters(unit) >= 1
    assert await stored() == 0
