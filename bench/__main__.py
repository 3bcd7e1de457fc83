"""`python -m bench [names…]`: measure, print a table, and keep it in `bench/latest.json`."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import uvloop

from bench import (
    creates,
    exports,
    guards,
    imports,
    lists,
    maps,
    provisions,
    relay,
    spatial,
    starts,
    steps,
    streams,
    webhooks,
    workspaces,
)
from bench.report import save_rows, show_rows
from bench.world import open_world

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from bench.report import Row
    from bench.world import World

MEASURES: Final[dict[str, Callable[[World], Awaitable[list[Row]]]]] = {
    "list": lists.measure_list,
    "create": creates.measure_create,
    "guard": guards.measure_guard,
    "verify": guards.measure_verify,
    "workspace": workspaces.measure_workspace,
    "provision": provisions.measure_provision,
    "steps_1000": steps.measure_steps,
    "import": imports.measure_import,
    "list_1m": lists.measure_list_1m,
    "map": maps.measure_map,
    "spatial": spatial.measure_spatial,
    "export": exports.measure_export,
    "relay": relay.measure_relay,
    "webhooks": webhooks.measure_webhooks,
    "streams": streams.measure_streams,
    "start": starts.measure_start,
}
"""In the order in which they are run."""


async def _measure(names: Sequence[str]) -> list[Row]:
    rows: list[Row] = []
    _clear_up_when_stopped()
    async with open_world() as world:
        for name, measure in MEASURES.items():
            if name in names:
                started, load = time.monotonic(), os.getloadavg()[0]
                measured = [_with_load(row, load) for row in await measure(world)]
                # Kept at once: what is broken off has measured something all the same.
                save_rows(measured)
                rows += measured
                print(f"{name} was measured in {time.monotonic() - started:.0f} s.", file=sys.stderr, flush=True)
    return rows


def _clear_up_when_stopped() -> None:
    """Leave no process and no folder behind, whichever way somebody stops the bench, short of SIGKILL."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - called by one
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)


def _with_load(row: Row, load: float) -> Row:
    """Return a row that tells how busy the machine was before it: where others work, figures are about them, too."""
    return replace(row, detail=f"{row.detail}; load of the machine before: {load:.1f} on {os.cpu_count()} processors")


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure against the budgets.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"some of: {', '.join(MEASURES)}; by default all")
    names = parser.parse_args().names or list(MEASURES)
    if unknown := set(names) - MEASURES.keys():
        parser.error(f"there is no measurement called {', '.join(sorted(unknown))}")
    try:
        rows = uvloop.run(_measure(names))
    except asyncio.CancelledError:
        return 130
    print(show_rows(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
