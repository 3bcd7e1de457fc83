"""Workspace steps: what a pass over many workspaces costs when nothing is to be done, and when something is."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import TYPE_CHECKING, Final

from bench.report import Row, round_figure
from fostr.domains.workspaces.steps.repository import Lease
from fostr.domains.workspaces.steps.running import bring_up_all, run_steps
from fostr.kernel.db.database import Database, open_database
from fostr.kernel.ids import new_id
from fostr.kernel.steps import Step, StepRun, newest_step, register_step

if TYPE_CHECKING:
    from uuid import UUID

    from bench.world import World

WORKSPACES: Final = 1_000
REPETITIONS: Final = 20
AT_ONCE: Final = 4
BUDGET_SECONDS: Final = 1.0


async def measure_steps(world: World) -> list[Row]:
    """Time the pass that each worker makes at its start, and each hour, over workspaces that are up to date."""
    database = await open_database(world.application_url, min_size=1, max_size=AT_ONCE)
    try:
        workspaces = await _insert_workspaces(database)
        # Whatever is behind in this installation is brought up first, so that the pass finds nothing.
        async with database.unit() as unit:
            await unit.run("update workspaces set step = :newest", newest=newest_step())
        seconds = [await _time_pass(database) for _ in range(REPETITIONS)]
        due = await _time_due(database, workspaces)
    finally:
        await database.close()
    value = max(seconds)
    return [
        Row(
            name="steps_1000",
            value=round_figure(1000 * value),
            unit="ms",
            baseline=None,
            ratio=None,
            budget=f"under {BUDGET_SECONDS:g} s",
            ok=value < BUDGET_SECONDS,
            detail=f"the slowest of {REPETITIONS} passes over {WORKSPACES:,} workspaces with nothing to do, the median "
            f"{1000 * statistics.median(seconds):.2f} ms; with one step due in each, which reads one row, "
            f"{due:.1f} s at {AT_ONCE} at a time in one process, each under a lease, with its event",
        )
    ]


async def _insert_workspaces(database: Database) -> list[UUID]:
    ids = [new_id() for _ in range(WORKSPACES)]
    async with database.unit() as unit:
        await unit.run(
            """
            insert into workspaces (id, name, slug)
            select n.id, 'Steps', 'steps-' || n.id::text from unnest(:ids::uuid[]) as n (id)
            """,
            ids=ids,
        )
    return ids


async def _time_pass(database: Database) -> float:
    started = time.perf_counter()
    found = await bring_up_all(database)
    if found:
        raise RuntimeError(f"{found} workspaces had something to do")
    return time.perf_counter() - started


async def _time_due(database: Database, workspaces: list[UUID]) -> float:
    async def look(run: StepRun) -> None:
        async with run.unit() as unit:
            await unit.value("select count(*) from members m where m.workspace_id = :workspace")

    async def report(_: Step, __: int) -> None: ...

    async def do(workspace: UUID) -> None:
        async with room:
            await run_steps(database, Lease(workspace_id=workspace, holder=new_id(), attempt=1), report=report)

    room = asyncio.Semaphore(AT_ONCE)
    forget = register_step(Step(newest_step() + 1, "bench.look", "Looking", look))
    try:
        started = time.perf_counter()
        await asyncio.gather(*(do(workspace) for workspace in workspaces))
        return time.perf_counter() - started
    finally:
        forget()
