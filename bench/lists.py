"""Lists: a page of fifty, filtered by one typed field and sorted by another, as a plain member with a grant sees it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from bench.data import LARGE, ensure_records
from bench.load import AnswerRefused, Target, alternate, fetch, make_target, median_rate, median_time
from bench.report import Row, compare_rates, round_figure

if TYPE_CHECKING:
    from bench.data import Recordset
    from bench.world import World

CONNECTIONS: Final = 8
SMALL: Final = 10_000
MIDDLE: Final = 100_000

NARROW: Final = ("state", "TX")
"""One of fifty values: a fiftieth of the records."""
WIDE: Final = ("stage", "open")
"""Half of the records."""


async def _ours(world: World, recordset: Recordset, narrowing: tuple[str, str]) -> Target:
    field, value = narrowing
    query = {
        "recordset_id": str(recordset.id),
        "column_filters": f'{{"{field}":"{value}"}}',
        "sort_by": "amount",
        "sort_order": "desc",
        "page_size": "50",
    }
    return await world.target(world.member, "GET", f"/api/v1/records?{urlencode(query)}")


async def _bare(world: World, recordset: Recordset, narrowing: tuple[str, str]) -> Target:
    field, value = narrowing
    query = {
        "workspace": str(world.workspace),
        "recordset": str(recordset.id),
        "filtered": recordset.columns[field],
        "ordered": recordset.columns["amount"],
        "value": value,
    }
    process = await world.baseline()
    return make_target(process.port, "GET", f"/list?{urlencode(query)}", headers={})


CURSOR: Final = re.compile(rb',"next_cursor":"[^"]*"}\Z')


async def measure_list(world: World) -> list[Row]:
    """Compare the requests a second with those of a bare handler that answers the same bytes."""
    recordset = await ensure_records(world, MIDDLE)
    shares: list[str] = []
    found: list[tuple[float, float, int]] = []
    for narrowing in (WIDE, NARROW):
        ours, bare = await _ours(world, recordset, narrowing), await _bare(world, recordset, narrowing)
        answer, expected = await fetch(ours), await fetch(bare)
        # Sealed anew in each answer, the cursor is the one thing that the baseline cannot know.
        if CURSOR.sub(b"}", answer.body) != expected.body:
            raise AnswerRefused("ours and the baseline answer different bytes")
        measured = await alternate([ours, bare], connections=CONNECTIONS)
        value, baseline = median_rate(measured[0]), median_rate(measured[1])
        shares.append(f"{'='.join(narrowing)}: {value:.0f} against {baseline:.0f}")
        found.append((value, baseline, answer.size))
    value, baseline, size = min(found, key=lambda entry: entry[0] / entry[1])
    return [
        compare_rates(
            "list",
            value=value,
            baseline=baseline,
            unit="requests/s",
            least=0.5,
            detail=f"50 of {MIDDLE:,} records by a typed filter and a typed sort, {size:,} bytes, {CONNECTIONS} "
            f"connections, one process each; the worse of " + "; ".join(shares),
        )
    ]


async def measure_list_1m(world: World) -> list[Row]:
    """Compare the time of the same request at a million records with that at ten thousand."""
    small, large = await ensure_records(world, SMALL), await ensure_records(world, LARGE)
    found: list[tuple[float, float, str]] = []
    for narrowing in (WIDE, NARROW):
        targets = [await _ours(world, recordset, narrowing) for recordset in (large, small)]
        measured = await alternate(targets, connections=1, seconds=1.5)
        value, baseline = (1000 * median_time(rounds) for rounds in measured)
        found.append((value, baseline, f"{narrowing[0]}={narrowing[1]}: {value:.2f} against {baseline:.2f} ms"))
    value, baseline, _ = max(found, key=lambda entry: entry[0] / entry[1])
    return [
        Row(
            name="list_1m",
            value=round_figure(value),
            unit="ms",
            baseline=round_figure(baseline),
            ratio=round(value / baseline, 3),
            budget="at most 1.5 of the time at 10,000 records",
            ok=value / baseline <= 1.5,
            detail=f"median time of a request on one connection at {LARGE:,} records and at {SMALL:,}; the worse of "
            + "; ".join(text for *_, text in found),
        )
    ]
