"""An import of many rows by the real job, beside COPY of the same rows as jsonb into a plain table."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from bench.data import COLUMNS, LARGE, VALUES, settle_tables
from bench.processes import ProcessFailed, watch_memory
from bench.report import Row, compare_rates

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from bench.processes import Process
    from bench.world import World

LARGEST_MB: Final = 300.0
PATIENCE_SECONDS: Final = 600.0
POLL_SECONDS: Final = 0.1

_DOCUMENT: Final = ", ".join(f"'{key}', v.{key}" for key in VALUES)


@dataclass(frozen=True, slots=True)
class _Ended:
    """How an import went.

    Attributes:
        loaded: seconds from its start until every row was in.
        finished: seconds until the job had ended, with everything searchable.
    """

    loaded: float
    finished: float


async def measure_import(world: World) -> list[Row]:
    """Compare the rows a second, from the start of the job to its end, with those of COPY."""
    table, documents = world.folder / "orders.csv", world.folder / "documents.txt"
    await _write_files(world, table, documents)
    copied = [await _copy(world, documents)]
    api = await world.api()
    async with world.worker() as worker, watch_memory(api, worker) as memory:
        analysis = await _upload(world, table)
        started = await world.call(
            world.owner, "POST", "/api/v1/import", json={"file_uri": analysis["file_uri"], "name": "Imported"}
        )
        ended = await _follow(world, started["job_id"], worker)
    copied.append(await _copy(world, documents))
    await _clear(world, started["recordset_id"], table, documents)
    mean_copy = sum(copied) / len(copied)
    peak = sum(entry.peak for entry in memory)
    shares = [LARGE / seconds for seconds in (ended.loaded, ended.finished)]
    return [
        compare_rates(
            "import",
            value=shares[0],
            baseline=LARGE / mean_copy,
            unit="rows/s",
            least=0.5,
            also=peak < LARGEST_MB,
            detail=f"{LARGE:,} rows of ten columns into a new recordset, all of them in and listed after "
            f"{ended.loaded:.1f} s; found by their words, too, after {ended.finished:.1f} s ({shares[1]:,.0f} rows/s, "
            f"{shares[1] * mean_copy / LARGE:.2f} of COPY); COPY took "
            + " and ".join(f"{s:.1f}" for s in copied)
            + " s; "
            f"peak memory {memory[0].peak:.0f} MB of the API and {memory[1].peak:.0f} MB of the worker, {peak:.0f} of "
            f"{LARGEST_MB:.0f} MB",
        )
    ]


async def _write_files(world: World, table: Path, documents: Path) -> None:
    """Write the same rows as a CSV file, and as identifiers with JSON the way COPY takes them."""
    connection = await world.connect()
    try:
        rows = f"(select {COLUMNS} from generate_series(1, {LARGE}) n) v"
        await connection.copy_from_query(f"select v.* from {rows}", output=table, format="csv", header=True)
        await connection.copy_from_query(
            f"select uuidv7(), jsonb_build_object({_DOCUMENT}) from {rows}", output=documents
        )
    finally:
        await connection.close()


async def _copy(world: World, documents: Path) -> float:
    """Return the seconds that COPY takes into an empty plain table."""
    connection = await world.connect()
    try:
        await connection.execute("create schema if not exists bench")
        await connection.execute("create table bench.copied (id uuid primary key, document jsonb not null)")
        started = time.perf_counter()
        await connection.copy_to_table("copied", schema_name="bench", source=documents)
        seconds = time.perf_counter() - started
        await connection.execute("drop table bench.copied")
        await connection.execute("checkpoint")
    finally:
        await connection.close()
    return seconds


async def _clear(world: World, recordset_id: str, *files: Path) -> None:
    """Remove what only this measurement needed."""
    for file in files:
        file.unlink()
    connection = await world.connect()
    try:
        for table in ("record_search", "records", "recordset_counts"):
            await connection.execute(f"delete from data.{table} where recordset_id = $1", UUID(recordset_id))
        await settle_tables(connection)
    finally:
        await connection.close()


async def _upload(world: World, table: Path) -> Any:
    """Send the file to a signed address, as a browser does, and have it looked through."""
    import httpx2

    signed = await world.call(world.owner, "POST", "/api/v1/import/upload/signed-url", json={"filename": "orders.csv"})
    api = await world.api()
    path = signed["upload_url"].partition("/api/")[2]

    async def parts() -> AsyncGenerator[bytes]:
        with table.open("rb") as file:
            while part := file.read(1 << 20):
                yield part

    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{api.port}", timeout=600) as client:
        response = await client.put(f"/api/{path}", content=parts())
        response.raise_for_status()
    return await world.call(world.owner, "POST", "/api/v1/import/upload/analyze", json={"file_uri": signed["file_uri"]})


async def _follow(world: World, job_id: str, worker: Process) -> _Ended:
    loaded: float | None = None
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        job = await world.call(world.owner, "GET", f"/api/v1/import/jobs/{job_id}")
        if job["status"] == "failed" or job["failed_rows"]:
            raise ProcessFailed(f"The import failed: {job['error']} {job['faults']}\n{worker.said.read_text()[-3000:]}")
        if loaded is None and job["imported_rows"] == LARGE:
            loaded = (datetime.now().astimezone() - datetime.fromisoformat(job["started_at"])).total_seconds()
        if job["status"] == "completed" and loaded is not None:
            ended = datetime.fromisoformat(job["finished_at"]) - datetime.fromisoformat(job["started_at"])
            return _Ended(min(loaded, ended.total_seconds()), ended.total_seconds())
        worker.check_alive()
        await asyncio.sleep(POLL_SECONDS)
    raise ProcessFailed(f"The import does not end.\n{worker.said.read_text()[-3000:]}")
