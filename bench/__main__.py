"""`python -m bench [names…]`: measure, print a table, and keep it in `bench/latest.json`."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Final

import uvloop

from bench import creates, imports, lists, maps, starts, workspaces
from bench.report import save_rows, show_rows
from bench.world import open_world

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from bench.report import Row
    from bench.world import World

MEASURES: Final[dict[str, Callable[[World], Awaitable[list[Row]]]]] = {
    "list": lists.measure_list,
    "create": creates.measure_create,
    "workspace": workspaces.measure_workspace,
    "import": imports.measure_import,
    "list_1m": lists.measure_list_1m,
    "map": maps.measure_map,
    "start": starts.measure_start,
}
"""In the order in which they are run."""


async def _measure(names: Sequence[str]) -> list[Row]:
    rows: list[Row] = []
    async with open_world() as world:
        for name, measure in MEASURES.items():
            if name in names:
                started = time.monotonic()
                rows += await measure(world)
                print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    return rows


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure against the budgets.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"some of: {', '.join(MEASURES)}; by default all")
    names = parser.parse_args().names or list(MEASURES)
    if unknown := set(names) - MEASURES.keys():
        parser.error(f"there is no measurement called {', '.join(sorted(unknown))}")
    rows = uvloop.run(_measure(names))
    save_rows(rows, order=list(MEASURES))
    print(show_rows(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
