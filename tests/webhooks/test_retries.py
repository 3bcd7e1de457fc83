"""What fails is tried again, for a day and some hours; receivers say how long to wait, or that it is enough."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from fostr.domains.webhooks.deliveries.rules import (
    HELD_AFTER,
    JITTER,
    LONGEST_ASKED,
    PAUSES,
    PROBE_EVERY,
    read_retry_after,
)
from fostr.domains.webhooks.webhooks.rules import list_sent_types
from fostr.kernel import clock
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client
from tests.support.deliveries import deliver, deliveries, delivery, has_come, wait
from tests.support.events import event_types
from tests.support.receivers import Behaviour, Exchange, answering, closing, failing_in_turns, receive
from tests.support.records import create_record
from tests.support.webhooks import PATH, create_webhook

MOMENT = timedelta(seconds=1)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def longest(pause: timedelta) -> timedelta:
    return pause * (1 + JITTER) + MOMENT


async def test_a_message_is_tried_eight_times_in_a_day(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    async with receive(answering(500, content=b"no")) as receiver, receive() as other:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"])
        await create_webhook(owner, other.url, event_types=["webhook.*"])
        await create_record(owner, recordset, {"name": "Moffett"})
        with clock.travel(to=clock.now(), frozen=True):
            await deliver(runtime)
            for made, pause in enumerate(PAUSES, start=1):
                [waiting] = await deliveries(owner, webhook)
                assert (waiting["status"], waiting["attempt_count"]) == ("pending", made)
                await wait(runtime, pause - MOMENT)
                assert len(receiver.ids) == made, "too early"
                await wait(runtime, longest(pause) - pause + MOMENT)
                assert len(receiver.ids) == made + 1
            [failed] = await deliveries(owner, webhook)
            await wait(runtime, timedelta(days=2))
        shown = await delivery(owner, webhook, failed["id"])

    assert (failed["status"], failed["attempt_count"], failed["next_attempt_at"]) == ("failed", 8, None)
    assert (failed["last_status_code"], failed["last_error"]) == (500, "status")
    assert len(receiver.ids) == len(PAUSES) + 1
    assert set(receiver.ids) == {failed["message_id"]}
    assert len({one.body for one in receiver.deliveries}) == 1
    assert [attempt["number"] for attempt in shown["attempts"]] == list(range(1, 9))
    assert {attempt["response_body"] for attempt in shown["attempts"]} == {"no"}
    assert "webhook.delivery_exhausted" in await event_types(runtime, cast.acme, entity_id=webhook["id"])
    assert "webhook.delivery_exhausted" not in {one.told["type"] for one in other.deliveries}
    assert "webhook.delivery_exhausted" not in list_sent_types()


async def test_a_receiver_that_fails_every_other_time_gets_everything(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    async with receive(failing_in_turns()) as receiver:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"])
        made = [await create_record(owner, recordset, {"name": str(number)}) for number in range(12)]
        with clock.travel(to=clock.now(), frozen=True):
            await deliver(runtime)
            for pause in PAUSES:
                await wait(runtime, longest(pause))
        told = {one.told["data"]["entity_id"] for one in receiver.deliveries}
        statuses = {one["status"] for one in await deliveries(owner, webhook)}
    assert told == {record["id"] for record in made}
    assert statuses == {"succeeded"}
    assert len(receiver.ids) == 24


@pytest.mark.parametrize(
    ("behave", "error"),
    [
        (closing, "connection_failed"),
        (answering(302, headers={"Location": "/elsewhere"}), "redirect"),
        (answering(404), "status"),
    ],
)
async def test_whatever_is_not_success_is_tried_again(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any], behave: Behaviour, error: str
) -> None:
    owner = client.as_(cast.owner)
    async with receive(behave) as receiver:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"])
        await create_record(owner, recordset, {"name": "Moffett"})
        with clock.travel(to=clock.now(), frozen=True):
            await deliver(runtime)
            [failed] = await deliveries(owner, webhook)
            receiver.behave = answering(200)
            await wait(runtime, longest(PAUSES[0]))
            [taken] = await deliveries(owner, webhook)
    assert failed["status"] == "pending"
    assert failed["last_error"] in {error, "response_invalid"}
    assert (taken["status"], taken["attempt_count"]) == ("succeeded", 2)
    assert {one.path for one in receiver.deliveries} == {"/hook"}, "a redirect was followed"


async def test_a_receiver_may_refuse_a_message_for_good(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    async with receive(answering(400, headers={"webhook-delivery": "abort-message"})) as receiver:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"])
        await create_record(owner, recordset, {"name": "Moffett"})
        with clock.travel(to=clock.now(), frozen=True):
            await deliver(runtime)
            await wait(runtime, timedelta(days=1))
        [aborted] = await deliveries(owner, webhook, status="aborted")
        health = (await owner.get(f"{PATH}/{webhook['id']}/health")).json()
    assert len(receiver.ids) == aborted["attempt_count"] == 1
    assert (health["failures"], health["pending"]) == (0, 0)


async def test_a_receiver_says_how_long_to_wait(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    async with receive(answering(503, headers={"Retry-After": "3600"})) as receiver:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"])
        await create_record(owner, recordset, {"name": "Moffett"})
        with clock.travel(to=clock.now(), frozen=True):
            await deliver(runtime)
            await wait(runtime, longest(PAUSES[0]))
            assert len(receiver.ids) == 1
            receiver.behave = answering(429, headers={"Retry-After": "99999999"})
            await wait(runtime, timedelta(hours=1))
            assert len(receiver.ids) == 2
            [waiting] = await deliveries(owner, webhook)
            asked = datetime.fromisoformat(waiting["next_attempt_at"]) - clock.now()
    assert timedelta(hours=9) < asked <= LONGEST_ASKED


@pytest.mark.parametrize(
    ("value", "pause"),
    [
        (None, 0),
        ("120", 120),
        (" 5 ", 5),
        ("soon", 0),
        ("-5", 0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0),
        ("", 0),
    ],
)
def test_retry_after_is_read(value: str | None, pause: float) -> None:
    assert read_retry_after(value, now=NOW) == timedelta(seconds=pause)


async def test_a_slow_receiver_does_not_hold_up_another(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner, is_over = client.as_(cast.owner), asyncio.Event()

    async def dawdle(exchange: Exchange) -> None:
        await is_over.wait()
        await exchange.answer(200)

    async with receive(dawdle) as slow, receive() as quick:
        for receiver in (slow, quick):
            await create_webhook(owner, receiver.url, event_types=["record.created"])
        for number in range(30):
            await create_record(owner, recordset, {"name": str(number)})
        sending = asyncio.create_task(deliver(runtime))
        await has_come(quick, 30)
        assert 0 < len(slow.ids) <= 10, "more are on their way than may be"
        is_over.set()
        await sending
    assert len(slow.ids) == len(set(slow.ids)) == 30


async def test_a_receiver_that_is_down_is_spared_what_is_new_until_it_takes_something(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    async with receive(answering(500)) as receiver:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"])
        with clock.travel(to=clock.now(), frozen=True):
            for number in range(HELD_AFTER):
                await create_record(owner, recordset, {"name": str(number)})
            await deliver(runtime)
            held = (await owner.get(f"{PATH}/{webhook['id']}/health")).json()
            rows = [{"field_values": {"name": f"Later {number}"}} for number in range(5)]
            await owner.post("/api/v1/records/bulk-create", json={"recordset_id": recordset["id"], "records": rows})
            await deliver(runtime)
            tried = len(set(receiver.ids))
            receiver.behave = answering(200)
            await wait(runtime, PROBE_EVERY)
            await deliver(runtime)
            released = (await owner.get(f"{PATH}/{webhook['id']}/health")).json()
    assert (held["is_held"], held["failures"]) == (True, HELD_AFTER)
    assert tried == HELD_AFTER + 1
    assert len(set(receiver.ids)) == HELD_AFTER + 5
    assert (released["is_held"], released["failures"]) == (False, 0)
