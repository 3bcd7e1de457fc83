"""The upkeep of the counters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from fostr.kernel import clock
from fostr.kernel.ids import new_id
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.jobs.registry import list_schedules
from fostr.kernel.limits.counters import hit
from fostr.kernel.runtime import Runtime


async def test_counters_that_are_over_are_deleted_by_the_clock(
    runtime: Runtime, run_jobs: Callable[[], Awaitable[None]]
) -> None:
    running = f"test {new_id()}"
    with clock.travel(to=clock.now() - timedelta(days=1)):
        await hit(runtime.database, key=f"test {new_id()}", limit=1, window=timedelta(minutes=1))
    await hit(runtime.database, key=running, limit=1, window=timedelta(hours=1))
    moment = clock.now()
    async with runtime.database.unit() as unit:
        await dispatch(unit, "limits.delete_expired_counters", {}, workspace=None)
    await run_jobs()
    async with runtime.database.unit() as unit:
        left = await unit.value("select count(*) from limit_counters where ends_at <= :moment", moment=moment)
    assert left == 0
    assert (await hit(runtime.database, key=running, limit=1, window=timedelta(hours=1))).used == 2
    assert "limits.delete_expired_counters" in {entry.name for entry in list_schedules()}
