"""A worker process for the tests of crashes: `python working.py <database address> <data folder>`."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from fostr.kernel.jobs.context import JobContext
from fostr.kernel.jobs.registry import job
from fostr.kernel.jobs.worker import serve
from fostr.kernel.runtime import open_runtime
from fostr.settings import Settings


@job("tests.long_count", retries=0)
async def count_slowly(context: JobContext) -> dict[str, int]:
    """Count to `upto` in the database, each number in a transaction of its own."""
    upto: int = context.input["upto"]
    number = 0
    while number < upto:
        async with context.unit() as unit:
            number = await unit.value(
                "update installation set value = (value::int + 1)::text where key = :key returning value::int",
                key=context.input["key"],
            )
        await context.report(progress=100 * number / upto)
        await asyncio.sleep(context.input["pause"])
    return {"attempt": context.attempt}


async def main(database_url: str, data: str) -> None:
    """Work until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    settings = Settings(environment="test", data=Path(data), pool_min=1, pool_max=5)
    async with open_runtime(settings, database_url=database_url) as runtime:
        await serve(runtime, stop=stop)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
