"""All points of a recordset as a stream of lines, beside psql copying the same text out."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from bench.data import LARGE, ensure_records
from bench.load import fetch
from bench.processes import time_psql, watch_memory
from bench.report import Row, compare_rates

if TYPE_CHECKING:
    from bench.data import Recordset
    from bench.world import World

ROUNDS: Final = 3
FIRST_SECONDS: Final = 0.15
FLAT_MB: Final = 32.0
"""How much more memory the API may have at any moment of a stream than before it."""

_LINE: Final = """
    '{"id":"' || r.id || '","geometry":' || r.geometry::text || ',"geometry_type":"' || r.geometry_type
    || '","title":' || to_json(r.title)::text || ',"lat":' || (r.geometry->'coordinates'->>1)
    || ',"lng":' || (r.geometry->'coordinates'->>0) || '}'
"""


async def measure_map(world: World) -> list[Row]:
    """Compare the bytes a second with those of `COPY … TO STDOUT` in psql."""
    recordset = await ensure_records(world, LARGE)
    query = urlencode({"recordset_id": str(recordset.id)})
    target = await world.target(world.member, "GET", f"/api/v1/records/map?{query}")
    api = await world.api()
    await fetch(target, keeps=False)
    rates: list[float] = []
    copied: list[float] = []
    firsts: list[float] = []
    size = 0
    async with watch_memory(api) as memory:
        for _ in range(ROUNDS):
            copied.append(await _copy_out(world, recordset))
            answer = await fetch(target, keeps=False)
            rates.append(answer.size / answer.seconds)
            firsts.append(answer.first)
            size = answer.size
    first, grown = statistics.median(firsts), memory[0].peak - memory[0].first
    return [
        compare_rates(
            "map",
            value=statistics.median(rates) / 1e6,
            baseline=size / statistics.median(copied) / 1e6,
            unit="MB/s",
            least=0.7,
            also=first <= FIRST_SECONDS and grown <= FLAT_MB,
            detail=f"{LARGE:,} points, {size:,} bytes, median of {ROUNDS}; first line after {1000 * first:.0f} ms "
            f"({1000 * FIRST_SECONDS:.0f} allowed); the API's memory grew by {grown:.0f} MB to {memory[0].peak:.0f} MB",
        )
    ]


async def _copy_out(world: World, recordset: Recordset) -> float:
    """Return the seconds that psql takes, with its start."""
    statement = f"""
        copy (
            select {_LINE} from data.records r
            where r.workspace_id = '{world.workspace}' and r.recordset_id = '{recordset.id}'
              and r.deleted_at is null and r.bbox is not null
        ) to stdout
    """
    return await time_psql(world.admin_url, statement)
