"""Whatever ends a job, and wherever: each message arrives, with the same id and the same bytes each time."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import replace
from uuid import UUID

import pytest

from fostr.domains.webhooks.deliveries.waking import dispatch_due
from fostr.kernel.db.database import open_database
from fostr.kernel.db.unit import LOST
from fostr.kernel.jobs.runner import Runner
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client
from tests.support.deliveries import deliveries, sweep
from tests.support.faults import Faults, FaultyDatabase, Killed
from tests.support.receivers import receive
from tests.support.records import create_record, create_recordset
from tests.support.settling import follow
from tests.support.webhooks import create_webhook

MESSAGES = 12
ROUNDS = 15


async def list_open_jobs(runtime: Runtime, cast: Cast, webhook_id: UUID) -> list[UUID]:
    """Return the jobs that may send, one more among them: as a sweep adds it that finds the others lost."""
    async with runtime.database.unit(cast.acme) as unit:
        await dispatch_due(unit, webhook_id)
        rows = await unit.rows(
            """
            select id from jobs where workspace_id = :workspace and name = 'webhooks.send'
              and status in ('queued', 'running')
            """
        )
    return [row["id"] for row in rows]


@pytest.mark.parametrize(("seed", "is_ordered"), [(1, False), (2, False), (3, True)])
async def test_every_message_arrives(
    client: Client, cast: Cast, runtime: Runtime, seed: int, *, is_ordered: bool
) -> None:
    owner, faults = client.as_(cast.owner), Faults(seed, 0.03)
    recordset = await create_recordset(owner, fields=[{"name": "Name", "type": "text"}])
    async with receive() as receiver:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"], is_ordered=is_ordered)
        made = [await create_record(owner, recordset, {"name": str(number)}) for number in range(MESSAGES)]
        await follow(runtime)
        pool = await open_database(runtime.database.url, min_size=0, max_size=4)
        try:
            faulty = replace(runtime, database=FaultyDatabase(runtime.database, pool, faults))
            for _ in range(ROUNDS):
                for job_id in await list_open_jobs(runtime, cast, UUID(webhook["id"])):
                    with suppress(Killed, *LOST):
                        await Runner(faulty).run(job_id)
            faults.stop()
            # A job that ended its worker too often is given up, and the next sweep puts another in its place.
            for _ in range(2):
                await sweep(runtime)
        finally:
            await pool.close()
        listed = await deliveries(owner, webhook)

    assert sum(faults.struck.values()) > 0
    assert {one["status"] for one in listed} == {"succeeded"}
    bodies: defaultdict[str, set[bytes]] = defaultdict(set)
    for sent in receiver.deliveries:
        bodies[sent.id].add(sent.body)
    assert set(bodies) == {one["message_id"] for one in listed}
    assert {len(said) for said in bodies.values()} == {1}
    told = list(dict.fromkeys(one.told["data"]["entity_id"] for one in receiver.deliveries))
    assert sorted(told) == sorted(record["id"] for record in made)
    if is_ordered:
        assert told == [record["id"] for record in made]
