"""A recordset as a file of each format by the real job, beside psql copying the same values out as text."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from bench.data import LARGE, VALUES, ensure_records
from bench.processes import ProcessFailed, time_psql, watch_memory
from bench.report import Row, compare_rates

if TYPE_CHECKING:
    from bench.data import Recordset
    from bench.processes import Process
    from bench.world import World

FORMATS: Final = {"csv": 0.08, "ndjson": 0.12, "xlsx": 0.05, "parquet": 0.08}
"""Each with the least share of what psql copies in the same time. Nothing of it is a budget of the architecture's: the
shares are what must not get lost."""
LARGEST_MB: Final = 300.0
PATIENCE_SECONDS: Final = 900.0
POLL_SECONDS: Final = 0.1

_VALUES: Final = ", ".join(f"r.field_values->>'{key}'" for key in VALUES)


async def measure_export(world: World) -> list[Row]:
    """Compare the records a second, from the start of each job to its end, with those of psql."""
    recordset = await ensure_records(world, LARGE)
    copied = await _copy_out(world, recordset)
    rows: list[Row] = []
    for format, least in FORMATS.items():
        async with world.worker() as worker, watch_memory(worker) as memory:
            body = {"recordset_id": str(recordset.id), "format": format}
            started = await world.call(world.owner, "POST", "/api/v1/export", json=body)
            job = await _follow(world, started["job_id"], worker)
        seconds = _seconds(job)
        peak = memory[0].peak
        rows.append(
            compare_rates(
                f"export_{format}",
                value=LARGE / seconds,
                baseline=LARGE / copied,
                unit="rows/s",
                least=least,
                also=peak < LARGEST_MB,
                detail=f"{LARGE:,} records of ten fields, {job['size'] / 1e6:.0f} MB after {seconds:.1f} s; "
                f"psql copied the same values out in {copied:.1f} s; peak memory of the worker {peak:.0f} of "
                f"{LARGEST_MB:.0f} MB",
            )
        )
    return rows


def _seconds(job: dict[str, Any]) -> float:
    ended, began = datetime.fromisoformat(job["finished_at"]), datetime.fromisoformat(job["started_at"])
    return (ended - began).total_seconds()


async def _follow(world: World, job_id: str, worker: Process) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        job = await world.call(world.owner, "GET", f"/api/v1/import/jobs/{job_id}")
        if job["status"] == "failed":
            raise ProcessFailed(f"The export failed: {job['error']}\n{worker.said.read_text()[-3000:]}")
        if job["status"] == "completed":
            written = await world.call(world.owner, "GET", f"/api/v1/export/jobs/{job_id}")
            if written["rows"] != LARGE:
                raise ProcessFailed(f"The export has {written['rows']} records.")
            return {**job, "size": written["size"]}
        worker.check_alive()
        await asyncio.sleep(POLL_SECONDS)
    raise ProcessFailed(f"The export does not end.\n{worker.said.read_text()[-3000:]}")


async def _copy_out(world: World, recordset: Recordset) -> float:
    """Return the seconds that psql takes, with its start."""
    statement = f"""
        copy (
            select {_VALUES} from data.records r
            where r.workspace_id = '{world.workspace}' and r.recordset_id = '{recordset.id}' and r.deleted_at is null
            order by r.id
        ) to stdout (format csv)
    """
    return await time_psql(world.admin_url, statement)
