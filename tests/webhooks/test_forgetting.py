"""A webhook that is deleted is sent nothing from that moment; what is kept of it goes soon after, bit by bit."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

from fostr.domains.webhooks.deliveries.rules import KEPT_FOR
from fostr.domains.webhooks.deliveries.tasks import PRUNED_AT_ONCE
from fostr.kernel import clock
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.deliveries import deliver, deliveries, has_come
from tests.support.receivers import Exchange, answering, receive
from tests.support.records import create_record
from tests.support.webhooks import PATH, create_webhook

EVENT = {"event": "record.created"}


async def count_kept(runtime: Runtime, cast: Cast, webhook: dict[str, Any]) -> tuple[int, int, int]:
    """Return how many deliveries, attempts and lanes there are of a webhook."""
    async with runtime.database.unit(cast.acme) as unit:
        kept = await unit.value(
            "select count(*) from webhook_deliveries d where d.workspace_id = :workspace and d.webhook_id = :id",
            id=UUID(webhook["id"]),
        )
        attempts = await unit.value("select count(*) from webhook_attempts a where a.workspace_id = :workspace")
    async with runtime.database.unit() as unit:
        lanes = await unit.value(
            "select count(*) from webhook_lanes l where l.webhook_id = :id", id=UUID(webhook["id"])
        )
    return kept, attempts, lanes


async def add_deliveries(runtime: Runtime, cast: Cast, webhook: dict[str, Any], count: int) -> None:
    async with runtime.database.unit(cast.acme) as unit:
        await unit.run(
            """
            insert into webhook_deliveries (workspace_id, id, webhook_id, message_id, event_id, type, body, seq, status)
            select :workspace, gen_random_uuid(), :webhook_id, gen_random_uuid(), gen_random_uuid(), 'record.created',
                   '{}', 0, 'succeeded'
            from generate_series(1, :count)
            """,
            webhook_id=UUID(webhook["id"]),
            count=count,
        )


async def test_what_a_deleted_webhook_was_sent_is_forgotten_by_a_job(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    many = PRUNED_AT_ONCE + 10
    async with receive(answering(500)) as receiver:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"])
        await create_record(owner, recordset, {"name": "Moffett"})
        with clock.travel(to=clock.now(), frozen=True):
            await deliver(runtime)
            await add_deliveries(runtime, cast, webhook, many)
            assert (await owner.delete(f"{PATH}/{webhook['id']}")).status_code == 204
            # The request left them where they are.
            assert await count_kept(runtime, cast, webhook) == (many + 1, 1, 1)
            for path in ("", "/deliveries", "/health"):
                assert refusal(await owner.get(f"{PATH}/{webhook['id']}{path}")) == (404, "webhook_not_found")
            await create_record(owner, recordset, {"name": "Later"})
            await deliver(runtime)
    assert await count_kept(runtime, cast, webhook) == (0, 0, 0)
    assert len(receiver.ids) == 1


async def test_a_job_that_enqueues_for_it_at_that_moment_leaves_nothing(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner, is_deleted = client.as_(cast.owner), asyncio.Event()

    async def hesitate(exchange: Exchange) -> None:
        await is_deleted.wait()
        await exchange.answer(200)

    async with receive(hesitate) as receiver:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"])
        rows = [{"field_values": {"name": str(number)}} for number in range(30)]
        body = {"recordset_id": recordset["id"], "records": rows}
        assert (await owner.post("/api/v1/records/bulk-create", json=body)).status_code == 200
        sending = asyncio.create_task(deliver(runtime))
        await has_come(receiver, 10)
        assert (await owner.delete(f"{PATH}/{webhook['id']}")).status_code == 204
        is_deleted.set()
        await sending
        await deliver(runtime)
    assert await count_kept(runtime, cast, webhook) == (0, 0, 0)
    assert len(receiver.ids) == 10


async def test_a_test_whose_webhook_is_deleted_meanwhile_leaves_nothing(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    owner = client.as_(cast.owner)

    async def leave(exchange: Exchange) -> None:
        assert (await owner.delete(f"{PATH}/{webhook['id']}")).status_code == 204
        await exchange.answer(200)

    async with receive(leave) as receiver:
        webhook = await create_webhook(owner, receiver.url)
        tested = await owner.post(f"{PATH}/{webhook['id']}/test", json=EVENT)
        await deliver(runtime)
    assert (tested.status_code, tested.json()["success"], tested.json()["delivery_id"]) == (200, True, None)
    assert await count_kept(runtime, cast, webhook) == (0, 0, 0)


async def test_what_no_job_forgot_is_forgotten_with_age(client: Client, cast: Cast, runtime: Runtime) -> None:
    """In a workspace that has no webhook any more."""
    owner = client.as_(cast.owner)
    webhook = await create_webhook(owner, "http://127.0.0.1:9/", event_types=["record.created"])
    assert (await owner.delete(f"{PATH}/{webhook['id']}")).status_code == 204
    await deliver(runtime)
    await add_deliveries(runtime, cast, webhook, 3)
    with clock.travel(to=clock.now() + KEPT_FOR + timedelta(hours=1), frozen=True):
        async with runtime.database.unit() as unit:
            await dispatch(unit, "webhooks.prune_deliveries", {}, workspace=None)
        await deliver(runtime)
    assert await count_kept(runtime, cast, webhook) == (0, 0, 0)


async def test_deleting_one_leaves_the_others_theirs(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    async with receive() as receiver:
        kept, gone = [await create_webhook(owner, receiver.url, event_types=["record.created"]) for _ in range(2)]
        await create_record(owner, recordset, {"name": "Moffett"})
        await deliver(runtime)
        await owner.delete(f"{PATH}/{gone['id']}")
        await deliver(runtime)
    assert len(await deliveries(owner, kept)) == 1
