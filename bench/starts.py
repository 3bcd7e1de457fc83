"""`fostr up` on a data folder that it knows: from the command to the first answered request."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from typing import TYPE_CHECKING, Final

from bench.processes import Process, ProcessFailed, answers, open_port
from bench.report import Row, round_figure

if TYPE_CHECKING:
    from bench.world import World

REPETITIONS: Final = 3
BUDGET_SECONDS: Final = 5.0
PATIENCE_SECONDS: Final = 60.0
READY: Final = "/api/v1/ready"
"""Answers 200 only once the database answers."""


async def measure_start(world: World) -> list[Row]:
    """Start everything on the folder of the bench, whatever lies in it by now. The bench's own server stops for it."""
    world.stop_processes()
    world.server.stop()
    # The first start makes what is missing; it is not measured.
    await _start(world)
    times = [await _start(world) for _ in range(REPETITIONS)]
    await world.server.start_in_loop()
    value = statistics.median(times)
    return [
        Row(
            name="start",
            value=round_figure(value),
            unit="s",
            baseline=None,
            ratio=None,
            budget=f"under {BUDGET_SECONDS:g} s",
            ok=value < BUDGET_SECONDS,
            detail=f"from the command to the first 200 of GET {READY}, which asks the database; median of "
            + ", ".join(f"{seconds:.2f}" for seconds in times)
            + f" s; the data folder holds {sum(world.recordsets):,} records",
        )
    ]


async def _start(world: World) -> float:
    with open_port() as chosen:
        port = int(chosen.getsockname()[1])
    environment = {"FOSTR_DATA": str(world.settings.data), "FOSTR_PORT": str(port)}
    started = time.monotonic()
    process = Process([sys.executable, "-m", "fostr", "up"], said=world.folder / "up.txt", environment=environment)
    try:
        while not await answers(port, READY):
            process.check_alive()
            if time.monotonic() - started > PATIENCE_SECONDS:
                raise ProcessFailed(f"It does not answer.\n{process.said.read_text()[-3000:]}")
            await asyncio.sleep(0.01)
        return time.monotonic() - started
    finally:
        process.stop()
