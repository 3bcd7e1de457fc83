"""An import whose worker is killed in the middle: the next one goes on, and every row is in exactly once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client
from tests.support.imports import start_import, upload
from tests.support.workers import Worker

pytestmark = pytest.mark.slow

ROWS = 80_000
BAD = 7
"""Every so many thousand rows, one has a size that is no number."""
PATIENCE = 120
"""Seconds until something that must happen counts as not happening; the machine may be busy."""


class Watch:
    """Follows an import and remembers everything that it ever told."""

    def __init__(self, client: Client, started: dict[str, Any]) -> None:
        self.client = client
        self.path = started["status_url"]
        self.progress: list[int] = []
        self.rows: list[int] = []

    async def until(self, holds: Callable[[dict[str, Any]], bool], worker: Worker) -> dict[str, Any]:
        """Return the job as soon as something holds of it; the worker is held there, to be killed."""
        deadline = time.monotonic() + PATIENCE
        while True:
            worker.hold()
            job = (await self.client.get(self.path)).json()
            self.progress.append(job["progress"])
            self.rows.append(job["imported_rows"])
            if holds(job):
                return job
            assert job["status"] in {"queued", "running"}, job
            assert worker.process.poll() is None, worker.said.read_text()
            assert time.monotonic() < deadline, f"{job}\n{worker.said.read_text()}"
            worker.go_on()
            await asyncio.sleep(0.05)


def make_table() -> str:
    lines = [f"{n},name {n},{'bad' if n % (BAD * 1000) == 0 else n / 4}\n" for n in range(1, ROWS + 1)]
    return "n,name,size\n" + "".join(lines)


async def test_a_killed_worker_loses_and_repeats_nothing(
    client: Client, cast: Cast, runtime: Runtime, tmp_path: Path
) -> None:
    member = client.as_(cast.member)
    fields = [{"column": "n"}, {"column": "name"}, {"column": "size", "type": "number"}]
    found = await upload(member, "table.csv", make_table())
    started = await start_import(member, found, fields=fields)
    watch, said = Watch(member, started), tmp_path / "said.txt"

    worker = Worker(runtime, said)
    try:
        await watch.until(lambda job: job["imported_rows"] >= ROWS // 4, worker)
        worker.kill()
        job = (await member.get(watch.path)).json()
        assert ROWS // 4 <= job["imported_rows"] < ROWS, "it died half way"
        await check_rows(runtime, cast, started, job)

        worker = Worker(runtime, said)
        await watch.until(lambda job: job["step"] == "search", worker)
        worker.kill()

        worker = Worker(runtime, said)
        job = await watch.until(lambda job: job["status"] == "completed" and job["is_settled"], worker)
    finally:
        worker.stop()

    assert watch.progress == sorted(watch.progress), "progress never goes backwards"
    assert watch.rows == sorted(watch.rows)
    bad = ROWS // (BAD * 1000)
    assert (job["imported_rows"], job["failed_rows"]) == (ROWS - bad, bad)
    await check_rows(runtime, cast, started, job)
    async with runtime.database.unit(cast.acme) as unit:
        searchable = await unit.value(
            "select count(*) from record_search x where x.workspace_id = :workspace and x.recordset_id = :id",
            id=UUID(started["recordset_id"]),
        )
        events = await unit.value(
            """
            select count(*) from events e
            where e.workspace_id = :workspace and e.type = 'record.imported' and e.entity_id = :id
            """,
            id=UUID(started["recordset_id"]),
        )
    assert (searchable, events) == (ROWS - bad, 1)


async def check_rows(runtime: Runtime, cast: Cast, started: dict[str, Any], job: dict[str, Any]) -> None:
    """Hold what is stored against the file, row by row, as far as the import says that it has come."""
    async with runtime.database.unit(cast.acme) as unit:
        rows = await unit.rows(
            """
            select r.import_row, (r.field_values->>'n')::integer as n from records r
            where r.workspace_id = :workspace and r.recordset_id = :id order by r.import_row
            """,
            id=UUID(started["recordset_id"]),
        )
        faults = await unit.rows(
            """
            select e.row from import_faults e where e.workspace_id = :workspace and e.import_id = :id order by e.row
            """,
            id=UUID(started["import_id"]),
        )
        count = await unit.value(
            """
            select sum(n.count) from recordset_counts n where n.workspace_id = :workspace and n.recordset_id = :id
            """,
            id=UUID(started["recordset_id"]),
        )
    passed = job["imported_rows"] + job["failed_rows"]
    good = [n for n in range(1, passed + 1) if n % (BAD * 1000)]
    assert [(row["import_row"], row["n"]) for row in rows] == [(n, n) for n in good]
    assert [row["row"] for row in faults] == [n for n in range(1, passed + 1) if n % (BAD * 1000) == 0]
    assert count == len(good) == job["imported_rows"]
