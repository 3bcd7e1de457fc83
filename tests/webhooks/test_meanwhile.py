"""What is done to a webhook, or to a message, while the message waits or is on its way."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from fostr.domains.webhooks.deliveries.rules import LAST, PAUSES
from fostr.kernel import clock
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.deliveries import deliver, deliveries, delivery, has_come, wait
from tests.support.events import event_types
from tests.support.receivers import Exchange, answering, receive
from tests.support.records import create_record
from tests.support.webhooks import PATH, create_webhook

SOON = PAUSES[0] * 2


def names(told: list[dict[str, Any]]) -> list[str]:
    return [one["data"]["name"] for one in told]


async def test_what_waits_goes_to_the_new_address_signed_by_the_new_secret(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    async with receive(answering(500)) as receiver, receive() as moved:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"], headers={"X-Key": "old"})
        path = f"{PATH}/{webhook['id']}"
        await create_record(owner, recordset, {"name": "Moffett"})
        with clock.travel(to=clock.now(), frozen=True):
            await deliver(runtime)
            secret = (await owner.post(f"{path}/regenerate-secret", json={"overlap_seconds": 0})).json()["secret"]
            await owner.patch(path, json={"url": moved.url, "headers": {"X-Key": "new"}})
            await wait(runtime, SOON)
    [sent], [again] = receiver.deliveries, moved.deliveries
    assert (again.id, again.body) == (sent.id, sent.body)
    assert (sent.headers["x-key"], again.headers["x-key"]) == ("old", "new")
    # The library wants the time of the wall, which is not that of the test.
    assert sent.headers["webhook-signature"] != again.headers["webhook-signature"]
    assert len(again.headers["webhook-signature"].split(" ")) == 1
    assert secret != webhook["secret"]


async def test_what_is_enqueued_is_sent_though_the_filters_are_narrowed(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    async with receive(answering(500)) as receiver:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"])
        await create_record(owner, recordset, {"name": "Before"})
        with clock.travel(to=clock.now(), frozen=True):
            await deliver(runtime)
            await owner.patch(f"{PATH}/{webhook['id']}", json={"event_types": ["record.deleted"]})
            await create_record(owner, recordset, {"name": "After"})
            receiver.behave = answering(200)
            await wait(runtime, SOON)
        listed = await deliveries(owner, webhook)
    assert names([one.told for one in receiver.deliveries]) == ["Before", "Before"]
    assert [one["status"] for one in listed] == ["succeeded"]


async def test_a_message_that_is_replayed_on_its_way_is_sent_once_more(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    """It is the last attempt, and its failure must not end what the replay began."""
    owner, has_asked = client.as_(cast.owner), asyncio.Event()

    async def hesitate(exchange: Exchange) -> None:
        await has_asked.wait()
        await exchange.answer(500)

    async with receive(answering(500)) as receiver:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"])
        await create_record(owner, recordset, {"name": "Moffett"})
        with clock.travel(to=clock.now(), frozen=True):
            await deliver(runtime)
            [waiting] = await deliveries(owner, webhook)
            async with runtime.database.unit(cast.acme) as unit:
                await unit.run(
                    "update webhook_deliveries d set tries = :tries where d.workspace_id = :workspace and d.id = :id",
                    tries=LAST - 1,
                    id=UUID(waiting["id"]),
                )
            receiver.behave = hesitate
            sending = asyncio.create_task(wait(runtime, SOON))
            await has_come(receiver, 2)
            asked = await owner.post(f"{PATH}/{webhook['id']}/deliveries/{waiting['id']}/replay")
            receiver.behave = answering(200)
            has_asked.set()
            await sending
            await deliver(runtime)
        shown = await delivery(owner, webhook, waiting["id"])
    assert asked.status_code == 202
    assert (shown["status"], [one["status_code"] for one in shown["attempts"]]) == ("succeeded", [500, 500, 200])
    assert "webhook.delivery_exhausted" not in await event_types(runtime, cast.acme, entity_id=webhook["id"])


@pytest.mark.parametrize(("status", "ends"), [(500, "aborted"), (200, "succeeded")])
async def test_a_message_that_is_given_up_on_its_way_is_not_tried_again(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any], status: int, ends: str
) -> None:
    owner, has_asked = client.as_(cast.owner), asyncio.Event()

    async def hesitate(exchange: Exchange) -> None:
        await has_asked.wait()
        await exchange.answer(status)

    async with receive(hesitate) as receiver:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"])
        await create_record(owner, recordset, {"name": "Moffett"})
        with clock.travel(to=clock.now(), frozen=True):
            sending = asyncio.create_task(deliver(runtime))
            await has_come(receiver, 1)
            [under_way] = await deliveries(owner, webhook)
            await owner.post(f"{PATH}/{webhook['id']}/deliveries/{under_way['id']}/cancel")
            has_asked.set()
            await sending
            await wait(runtime, timedelta(days=1))
        [ended] = await deliveries(owner, webhook)
    assert len(receiver.ids) == 1
    assert (ended["status"], ended["attempt_count"], ended["last_status_code"]) == (ends, 1, status)


async def test_a_message_that_holds_up_the_others_can_be_given_up(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)

    async def choke(exchange: Exchange) -> None:
        await exchange.answer(500 if exchange.delivery.told["data"]["name"] == "Poison" else 200)

    async with receive(choke) as receiver:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"], is_ordered=True)
        path = f"{PATH}/{webhook['id']}/deliveries"
        for name in ("First", "Poison", "Second", "Third"):
            await create_record(owner, recordset, {"name": name})
        with clock.travel(to=clock.now(), frozen=True):
            await deliver(runtime)
            await wait(runtime, SOON)
            stuck = [one for one in await deliveries(owner, webhook) if one["attempt_count"] == 2]
            assert names([one.told for one in receiver.deliveries]) == ["First", "Poison", "Poison"]
            given_up = await owner.post(f"{path}/{stuck[0]['id']}/cancel")
            await deliver(runtime)
            again = await owner.post(f"{path}/{stuck[0]['id']}/cancel")
            assert names([one.told for one in receiver.deliveries])[3:] == ["Second", "Third"]
            await owner.post(f"{path}/{stuck[0]['id']}/replay")
            await deliver(runtime)
    assert (given_up.status_code, given_up.json()["status"]) == (200, "aborted")
    assert refusal(again) == (409, "delivery_not_pending")
    assert names([one.told for one in receiver.deliveries])[5:] == ["Poison"]
    assert "webhook.delivery_cancelled" in await event_types(runtime, cast.acme, entity_id=webhook["id"])
    for person, refused in ((cast.member, (403, "forbidden")), (cast.stranger, (404, "webhook_not_found"))):
        assert refusal(await client.as_(person).post(f"{path}/{stuck[0]['id']}/cancel")) == refused
    unknown = UUID(int=1)
    assert refusal(await owner.post(f"{path}/{unknown}/cancel")) == (404, "delivery_not_found")
