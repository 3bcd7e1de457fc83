"""Workers killed while they deliver: every message arrives, with one id, and the log tells what came of it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from fostr.domains.webhooks.deliveries.sending import AT_ONCE
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client
from tests.support.deliveries import deliveries, delivery
from tests.support.receivers import Behaviour, Exchange, Receiver, receive
from tests.support.records import create_record, create_recordset
from tests.support.webhooks import PATH, create_webhook
from tests.support.workers import Worker

pytestmark = pytest.mark.slow

RECORDS = 120
KILLS = ((0.3, 0.0), (0.0, 0.6))
"""When so many of the messages have come in any order and in theirs, as shares, the worker is killed."""
REFUSED = 5
"""Messages that the receiver does not take at first."""
PATIENCE = 120
"""Seconds until something that must happen counts as not happening; the machine may be busy."""


async def until(holds: Callable[[], Awaitable[bool]], worker: Worker) -> None:
    """Return as soon as something holds."""
    deadline = time.monotonic() + PATIENCE
    while not await holds():
        assert worker.process.poll() is None, worker.said.read_text()
        assert time.monotonic() < deadline, worker.said.read_text()
        await asyncio.sleep(0.02)


def taking_time(seconds: float, *, refusing: int, refused: set[str]) -> Behaviour:
    """Return the behaviour of a receiver that always has messages on their way, and refuses some of them once."""

    async def behave(exchange: Exchange) -> None:
        await asyncio.sleep(seconds)
        is_refused = len(refused) < refusing and exchange.delivery.id not in refused
        if is_refused:
            refused.add(exchange.delivery.id)
        await exchange.answer(503 if is_refused else 200)

    return behave


async def count_taken(runtime: Runtime, cast: Cast) -> int:
    """Return how many messages the log says were taken."""
    async with runtime.database.unit(cast.acme) as unit:
        return await unit.value(
            "select count(*) from webhook_deliveries d where d.workspace_id = :workspace and d.status = 'succeeded'"
        )


async def is_idle(runtime: Runtime, cast: Cast) -> bool:
    """Say whether no job sends for any webhook of acme."""
    async with runtime.database.unit() as unit:
        return await unit.value(
            """
            select not exists (select from webhook_lanes l where l.workspace_id = :acme and l.job_id is not null)
            """,
            acme=cast.acme,
        )


def check_arrivals(receiver: Receiver, webhook: dict[str, Any], records: list[dict[str, Any]]) -> None:
    """Hold what came against what happened: of each record one message, at least once, the same each time."""
    said: dict[str, set[bytes]] = {}
    for sent in receiver.deliveries:
        sent.verify(webhook["secret"])
        said.setdefault(sent.id, set()).add(sent.body)
    assert all(len(bodies) == 1 for bodies in said.values())
    about = [sent.told["data"]["entity_id"] for sent in receiver.deliveries]
    assert sorted(set(about)) == sorted(record["id"] for record in records)
    assert len(said) == len(records)


async def check_log(client: Client, webhook: dict[str, Any], receiver: Receiver, *, most_lost: int) -> None:
    """Hold the log against what came: what it tells of was seen, and what it does not tell of died with a worker."""
    came = Counter(receiver.ids)
    listed = await deliveries(client, webhook, limit=RECORDS)
    assert {one["message_id"] for one in listed} == came.keys()
    assert {one["status"] for one in listed} == {"succeeded"}
    lost = 0
    for one in listed:
        attempts = (await delivery(client, webhook, one["id"]))["attempts"]
        assert [attempt["number"] for attempt in attempts] == list(range(1, one["attempt_count"] + 1))
        assert attempts[-1]["status_code"] == one["last_status_code"] == 200
        assert all(attempt["status_code"] in {200, 503} for attempt in attempts)
        assert attempts[-1]["request_headers"]["webhook-id"] == one["message_id"]
        assert len(attempts) <= came[one["message_id"]]
        lost += came[one["message_id"]] - len(attempts)
    assert lost <= most_lost


async def test_a_killed_worker_loses_nothing(client: Client, cast: Cast, runtime: Runtime, tmp_path: Path) -> None:
    owner, said, refused = client.as_(cast.owner), tmp_path / "said.txt", set[str]()
    with_some = taking_time(0.1, refusing=REFUSED, refused=refused)
    with_all = taking_time(0.01, refusing=0, refused=set())
    recordset = await create_recordset(owner, fields=[{"name": "Name", "type": "text"}])
    async with receive(with_some) as any_order, receive(with_all) as in_order:
        free = await create_webhook(owner, any_order.url, event_types=["record.created"])
        kept = await create_webhook(owner, in_order.url, event_types=["record.created"], is_ordered=True)
        records = [await create_record(owner, recordset, {"name": str(number)}) for number in range(RECORDS)]

        async def have_come(*shares: float) -> bool:
            counts = [len(set(receiver.ids)) for receiver in (any_order, in_order)]
            return all(count >= RECORDS * share for count, share in zip(counts, shares, strict=True))

        async def all_is_taken() -> bool:
            return await count_taken(runtime, cast) == 2 * RECORDS and await is_idle(runtime, cast)

        worker = Worker(runtime, said)
        try:
            for shares in KILLS:
                await until(lambda shares=shares: have_come(*shares), worker)
                worker.kill()
                assert await count_taken(runtime, cast) < 2 * RECORDS, "it died half way"
                worker = Worker(runtime, said)
            await until(all_is_taken, worker)
        finally:
            worker.stop()

    check_arrivals(any_order, free, records)
    check_arrivals(in_order, kept, records)
    assert len(refused) == REFUSED
    first_told = dict.fromkeys(sent.told["data"]["entity_id"] for sent in in_order.deliveries)
    assert list(first_told) == [record["id"] for record in records]
    await check_log(owner, free, any_order, most_lost=len(KILLS) * AT_ONCE)
    await check_log(owner, kept, in_order, most_lost=len(KILLS))
    for webhook in (free, kept):
        health = (await owner.get(f"{PATH}/{UUID(webhook['id'])}/health")).json()
        assert (health["pending"], health["failures"], health["next_attempt_at"]) == (0, 0, None)
