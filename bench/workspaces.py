"""A new workspace: what its request asks of the database."""

from __future__ import annotations

import statistics
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast

import httpx2

from bench.report import Row, round_figure
from fostr.app import create_app
from fostr.kernel.db.database import Database, open_database
from fostr.kernel.runtime import Runtime, open_runtime

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from bench.world import World

REPETITIONS: Final = 30
BUDGET_MS: Final = 50.0
TIMED: Final = frozenset({"execute", "executemany", "fetch", "fetchrow", "fetchval"})


class Clock:
    """How long, and how often, the database was waited for."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.statements = 0

    def start(self) -> None:
        self.seconds, self.statements = 0.0, 0


class _TimedConnection:
    """A connection that adds up the time from sending each statement to its last row."""

    def __init__(self, inner: Any, clock: Clock) -> None:
        self.inner = inner
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if name not in TIMED:
            return found

        async def timed(*arguments: Any, **options: Any) -> Any:
            started = time.perf_counter()
            try:
                return await found(*arguments, **options)
            finally:
                self._clock.seconds += time.perf_counter() - started
                self._clock.statements += 1

        return timed


class _TimedPool:
    """A pool of timed connections."""

    def __init__(self, inner: Any, clock: Clock) -> None:
        self._inner = inner
        self._clock = clock

    async def acquire(self) -> _TimedConnection:
        return _TimedConnection(await self._inner.acquire(), self._clock)

    async def release(self, connection: _TimedConnection) -> None:
        await self._inner.release(connection.inner)


@asynccontextmanager
async def timed_runtime(world: World, clock: Clock, *, connections: int = 1) -> AsyncGenerator[Runtime]:
    """Give the open parts of a process, on a pool that is timed."""
    async with open_runtime(world.settings, database_url=world.application_url) as runtime:
        database = await open_database(world.application_url, min_size=connections, max_size=connections)
        timed = Database(cast(Any, _TimedPool(database.pool, clock)), world.application_url)
        try:
            yield replace(runtime, database=timed)
        finally:
            await database.close()


@asynccontextmanager
async def client_of(runtime: Runtime, *, address: str = "127.0.0.1") -> AsyncGenerator[httpx2.AsyncClient]:
    """Give a client of the whole application, in this process; each call makes the application anew."""
    app = create_app(runtime.settings, runtime=runtime)
    transport = httpx2.ASGITransport(app=app, client=(address, 40000))
    async with httpx2.AsyncClient(transport=transport, base_url="http://bench") as client:
        yield client


async def measure_workspace(world: World) -> list[Row]:
    """Add up the statements of the request that makes a workspace, sign-in and commit among them."""
    clock, seconds, counts = Clock(), list[float](), list[int]()
    headers = {"Authorization": f"Bearer {world.owner.token}"}
    async with timed_runtime(world, clock) as runtime, client_of(runtime) as client:
        for number in range(REPETITIONS + 5):
            clock.start()
            response = await client.post("/api/v1/workspaces", headers=headers, json={"name": f"Bench {number}"})
            response.raise_for_status()
            seconds.append(clock.seconds)
            counts.append(clock.statements)
    # The first ones prepare their statements, which a process does once.
    settled = [1000 * second for second in seconds[5:]]
    value = statistics.median(settled)
    return [
        Row(
            name="workspace",
            value=round_figure(value),
            unit="ms",
            baseline=None,
            ratio=None,
            budget=f"under {BUDGET_MS:g} ms of database time",
            ok=value < BUDGET_MS,
            detail=f"{counts[-1]} statements of POST /api/v1/workspaces, sign-in and durable commit among them, as "
            f"their caller waits for them; the first in a process {1000 * seconds[0]:.1f} ms, the slowest after that "
            f"{max(settled):.1f} ms; ready to use at once",
        )
    ]
