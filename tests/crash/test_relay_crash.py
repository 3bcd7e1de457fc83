"""Workers killed in the middle of relaying: the next one goes on, and everything follows from an event once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from fostr.kernel.events.visibility import category_of
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client
from tests.support.records import create_record, create_recordset, grant
from tests.support.workers import Worker

pytestmark = pytest.mark.slow

COMMENTS = 40
OTHERS = 60
"""Events of another kind that come with each comment."""
PATIENCE = 120
"""Seconds until something that must happen counts as not happening; the machine may be busy."""


async def until(holds: Callable[[], Awaitable[bool]], worker: Worker) -> None:
    """Return as soon as something holds; the worker is held there, to be killed."""
    deadline = time.monotonic() + PATIENCE
    worker.hold()
    while not await holds():
        assert worker.process.poll() is None, worker.said.read_text()
        assert time.monotonic() < deadline, worker.said.read_text()
        worker.go_on()
        await asyncio.sleep(0.05)
        worker.hold()


class Log:
    """What happened in acme, and what followed from it."""

    def __init__(self, runtime: Runtime, cast: Cast) -> None:
        self.runtime = runtime
        self.cast = cast

    async def write(self, member: Client, record: dict[str, Any]) -> None:
        """Comment on the record many times, with much else happening in between."""
        for number in range(COMMENTS):
            response = await member.post(f"/api/v1/records/{record['id']}/comments", json={"text": f"No. {number}"})
            assert response.status_code == 201, response.text
            async with self.runtime.database.unit(self.cast.acme) as unit:
                await unit.run_many(
                    """
                    insert into events (workspace_id, id, type, version, entity, entity_id, actor)
                    values (:workspace, :id, 'workspace.updated', 1, 'workspace', :workspace, '{"kind": "system"}')
                    """,
                    [{"id": new_id()} for _ in range(OTHERS)],
                )

    async def count(self, statement: str) -> int:
        """Return a count of things in acme."""
        async with self.runtime.database.unit(self.cast.acme) as unit:
            return await unit.value(statement)

    async def count_activities(self) -> int:
        """Return how far the feed has come."""
        return await self.count("select count(*) from activities a where a.workspace_id = :workspace")

    async def count_notifications(self) -> int:
        """Return how many notifications of comments there are."""
        return await self.count(
            """
            select count(*) from notifications n
            where n.workspace_id = :workspace and n.type = 'record_commented'
            """
        )

    async def check_feed(self) -> None:
        """Hold the feed against the log: every event is in it that belongs there, and no other."""
        async with self.runtime.database.unit(self.cast.acme) as unit:
            events = await unit.rows("select e.id, e.entity from events e where e.workspace_id = :workspace")
            kept = await unit.rows("select a.id from activities a where a.workspace_id = :workspace")
        wanted = [row["id"] for row in events if category_of(row["entity"]) is not None]
        assert sorted(row["id"] for row in kept) == sorted(wanted)

    async def check_notifications(self) -> None:
        """Hold what the owner was told against the comments: of each, once; nothing here forbids a second time."""
        async with self.runtime.database.unit(self.cast.acme) as unit:
            comments = await unit.rows(
                "select e.id from events e where e.workspace_id = :workspace and e.type = 'comment.created'"
            )
            told = await unit.rows(
                """
                select (e.after->>'source_event_id')::uuid as source from events e
                where e.workspace_id = :workspace and e.type = 'notification.created'
                """
            )
            asked = await unit.rows(
                """
                select (j.input->>'event_id')::uuid as source from jobs j
                where j.workspace_id = :workspace and j.name = 'notifications.tell'
                """
            )
        sources = sorted(row["id"] for row in comments)
        assert len(sources) == COMMENTS
        assert sorted(row["source"] for row in told if row["source"] in sources) == sources
        assert sorted(row["source"] for row in asked if row["source"] in sources) == sources


async def test_a_killed_worker_loses_and_repeats_nothing(
    client: Client, cast: Cast, runtime: Runtime, tmp_path: Path, settle: Callable[[], Awaitable[None]]
) -> None:
    owner = client.as_(cast.owner)
    recordset = await create_recordset(owner, fields=[{"name": "Name", "type": "text"}])
    await grant(owner, recordset, cast.member, "can_view")
    record = await create_record(owner, recordset, {"name": "Moffett"})
    await settle()
    log, said = Log(runtime, cast), tmp_path / "said.txt"
    before = await log.count_activities()
    await log.write(client.as_(cast.member), record)
    whole = COMMENTS * (OTHERS + 1)

    async def feed_has(share: float) -> bool:
        return await log.count_activities() >= before + whole * share

    async def all_is_told() -> bool:
        return await feed_has(1.0) and await log.count_notifications() >= COMMENTS

    worker = Worker(runtime, said)
    try:
        for share in (0.2, 0.5):
            await until(lambda share=share: feed_has(share), worker)
            worker.kill()
            assert await log.count_activities() < before + whole, "it died half way"
            worker = Worker(runtime, said)
        await until(all_is_told, worker)
    finally:
        worker.stop()
    await settle()
    await log.check_feed()
    await log.check_notifications()
