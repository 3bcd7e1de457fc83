"""Signing up: an account, a workspace of its own and a session, by one request and by a job."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import TYPE_CHECKING, Final

from bench.report import Row, round_figure
from bench.workspaces import BUDGET_MS, Clock, client_of, timed_runtime
from fostr.kernel.crypto.passwords import hash_password
from fostr.kernel.ids import new_id
from fostr.kernel.jobs.worker import drain

if TYPE_CHECKING:
    import httpx2

    from bench.world import World
    from fostr.kernel.runtime import Runtime

PASSWORD: Final = "Loom-and-Card-1843"  # noqa: S105 - of people who are made up
AT_ONCE: Final = 4
SIGN_UPS: Final = 40
ALONE: Final = 15
JOBS: Final = 5
WARMING: Final = 3
"""All together fewer than one address may make in an hour."""


async def measure_provision(world: World) -> list[Row]:
    """Tell how many can sign up in a second, and what the database does for one."""
    clock = Clock()
    async with timed_runtime(world, clock, connections=AT_ONCE + 2) as runtime, client_of(runtime) as client:
        for _ in range(WARMING):
            await _sign_up(client)
        alone, statements = await _time_alone(client, clock)
        by_job = await _job_rate(runtime, client)
        rate = await _rate(client)
        hashing = await _time_hash(runtime)
    value = statistics.median(alone)
    return [
        Row(
            name="provision",
            value=round_figure(value),
            unit="ms",
            baseline=None,
            ratio=None,
            budget=f"under {BUDGET_MS:g} ms of database time",
            ok=value < BUDGET_MS,
            detail=f"{statements} statements of POST /api/v1/auth/signup, with account, workspace, session, mail to "
            f"confirm the address and durable commit; {rate:.1f} sign-ups a second, {AT_ONCE} at once in one process, "
            f"where two threads hash passwords at {hashing:.0f} ms each; {by_job:.1f} a second by the job of POST "
            f"/api/v1/auth/signup/async, with all that follows: events, and the mail to confirm the address",
        )
    ]


def _body() -> dict[str, str]:
    name = new_id().hex
    return {
        "email": f"{name}@example.test",
        "password": PASSWORD,
        "full_name": "Bench",
        "company_name": f"Bench {name[-12:]}",
    }


async def _sign_up(client: httpx2.AsyncClient) -> None:
    (await client.post("/api/v1/auth/signup", json=_body())).raise_for_status()
    # The answer sets a cookie, and each of these people comes for the first time.
    client.cookies.clear()


async def _time_alone(client: httpx2.AsyncClient, clock: Clock) -> tuple[list[float], int]:
    """Return the milliseconds that the database was waited for, one sign-up after the other, and in how many steps."""
    taken: list[float] = []
    for _ in range(ALONE):
        clock.start()
        await _sign_up(client)
        taken.append(1000 * clock.seconds)
    return taken, clock.statements


async def _job_rate(runtime: Runtime, client: httpx2.AsyncClient) -> float:
    """Return how many sign-ups a second are made by the job, one after the other."""
    # What the others have left to do is none of these jobs' work.
    await drain(runtime)
    started = time.perf_counter()
    for _ in range(JOBS):
        (await client.post("/api/v1/auth/signup/async", json=_body())).raise_for_status()
        await drain(runtime)
    return JOBS / (time.perf_counter() - started)


async def _rate(client: httpx2.AsyncClient) -> float:
    room = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with room:
            await _sign_up(client)

    started = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(SIGN_UPS)))
    return SIGN_UPS / (time.perf_counter() - started)


async def _time_hash(runtime: Runtime) -> float:
    started = time.perf_counter()
    await hash_password(PASSWORD, cost=runtime.settings.password_hash_cost)
    return 1000 * (time.perf_counter() - started)
