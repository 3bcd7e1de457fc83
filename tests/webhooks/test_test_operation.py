"""The test operation: one signed message at once, marked as a test, and what the receiver said to it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from fostr.domains.webhooks.examples import make_example
from fostr.domains.webhooks.webhooks.rules import TESTS, list_sent_types
from fostr.kernel import clock
from fostr.kernel.events.catalogue import check_payload, get_event_type, list_event_types
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.deliveries import deliver, deliveries, delivery, wait
from tests.support.events import event_types
from tests.support.receivers import Exchange, answering, closing, receive
from tests.support.transactions import none_stays_open
from tests.support.webhooks import PATH, create_webhook

EVENT = {"event": "record.created"}


async def try_out(client: Client, webhook: dict[str, Any], **body: Any) -> dict[str, Any]:
    response = await client.post(f"{PATH}/{webhook['id']}/test", json={**EVENT, **body})
    assert response.status_code == 200, response.text
    return response.json()


async def test_a_test_looks_like_its_event_and_says_that_it_is_none(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    async with receive() as receiver:
        made = await create_webhook(client.as_(cast.owner), receiver.url)
        answer = await try_out(client.as_(cast.admin), made)
    [delivery] = receiver.deliveries
    told = delivery.verify(made["secret"])
    assert (answer["success"], answer["status_code"], answer["message"]) == (True, 200, "Delivered.")
    assert (answer["duration_ms"] >= 0, answer["response_body"]) == (True, "")
    assert (told["type"], told["is_test"], told["workspace_id"]) == ("record.created", True, str(cast.acme))
    assert (told["id"], told["data"]["entity"]) == (delivery.id, "record")
    assert told["data"]["before"] is None
    assert told["data"]["actor"] == {"member_id": str(cast.admin.member_id), "kind": "pat"}
    check_payload(get_event_type("record.created"), told["data"]["after"])
    assert await event_types(runtime, cast.acme, entity_id=made["id"]) == ["webhook.created", "webhook.tested"]


async def test_tests_stand_in_the_log_and_count_for_nothing(client: Client, cast: Cast, runtime: Runtime) -> None:
    owner = client.as_(cast.owner)
    async with receive(answering(503, content=b"zanzibar", headers={"Retry-After": "60"})) as receiver:
        made = await create_webhook(owner, receiver.url, event_types=["team.created"])
        refused = await try_out(client.as_(cast.admin), made, payload={"colour": "red"})
        receiver.behave = answering(400, headers={"webhook-delivery": "abort-message"})
        aborted = await try_out(owner, made)
        receiver.behave = answering(410)
        await try_out(owner, made)
        receiver.behave = answering(200)
        taken = await try_out(owner, made)
        listed = await deliveries(owner, made, is_test=True)
        shown = await delivery(owner, made, refused["delivery_id"])
        with clock.travel(to=clock.now(), frozen=True):
            await deliver(runtime)
            await wait(runtime, timedelta(days=1))
            health = (await owner.get(f"{PATH}/{made['id']}/health")).json()
            webhook = (await owner.get(f"{PATH}/{made['id']}")).json()

    assert [one["status"] for one in listed] == ["succeeded", "failed", "aborted", "failed"]
    assert [listed[number]["id"] for number in (0, 2, 3)] == [one["delivery_id"] for one in (taken, aborted, refused)]
    assert all((one["is_test"], one["attempt_count"], one["next_attempt_at"]) == (True, 1, None) for one in listed)
    assert await deliveries(owner, made, is_test=False) == []
    [attempt] = shown["attempts"]
    sent = receiver.deliveries[0]
    assert (shown["body"].encode(), shown["message_id"]) == (sent.body, sent.id)
    assert (attempt["url"], attempt["status_code"], attempt["error"]) == (receiver.url, 503, "status")
    assert attempt["response_body"] == "zanzibar"
    assert attempt["request_headers"]["webhook-id"] == sent.id
    assert "webhook-signature" not in attempt["request_headers"]
    # Neither sent again, nor a reason to spare, pause or switch off the webhook.
    assert len(receiver.deliveries) == 4
    assert (health["failures"], health["pending"], health["paused_until"]) == (0, 0, None)
    assert (health["last_success_at"], health["last_failure_at"]) == (None, None)
    assert (webhook["is_active"], webhook["failing_since"]) == (True, None)


async def test_tests_are_not_sent_once_more(client: Client, cast: Cast, runtime: Runtime) -> None:
    owner = client.as_(cast.owner)
    async with receive(answering(500)) as receiver:
        made = await create_webhook(owner, receiver.url, event_types=["team.created"])
        tested = await try_out(owner, made)
        path = f"{PATH}/{made['id']}"
        since = (clock.now() - timedelta(hours=1)).isoformat()
        counts = [
            (await owner.post(f"{path}/replay", json={"since": since, "status": status})).json()["count"]
            for status in ("failed", "all")
        ]
        one = await owner.post(f"{path}/deliveries/{tested['delivery_id']}/replay")
        cancelled = await owner.post(f"{path}/deliveries/{tested['delivery_id']}/cancel")
        await deliver(runtime)
    assert counts == [0, 0]
    assert refusal(one) == (409, "delivery_is_test")
    assert refusal(cancelled) == (409, "delivery_not_pending")
    assert len(receiver.deliveries) == 1


async def test_a_payload_can_be_given(client: Client, cast: Cast) -> None:
    async with receive() as receiver:
        made = await create_webhook(client.as_(cast.owner), receiver.url)
        await try_out(client.as_(cast.owner), made, payload={"colour": "red"})
    told = receiver.deliveries[0].verify(made["secret"])
    assert (told["data"], told["is_test"], told["type"]) == ({"colour": "red"}, True, "record.created")


async def test_a_thin_webhook_is_tested_with_little(client: Client, cast: Cast) -> None:
    async with receive() as receiver:
        made = await create_webhook(client.as_(cast.owner), receiver.url, payload="thin")
        await try_out(client.as_(cast.owner), made)
    assert set(receiver.deliveries[0].told["data"]) == {"entity", "entity_id", "scope_id", "record_id"}


async def test_what_went_wrong_is_said(client: Client, cast: Cast, runtime: Runtime) -> None:
    owner = client.as_(cast.owner)
    async with receive(answering(503, content=b"zanzibar")) as receiver:
        made = await create_webhook(owner, receiver.url)
        refused = await try_out(owner, made)
        receiver.behave = closing
        broken = await try_out(owner, made)
    assert (refused["success"], refused["status_code"], "503" in refused["message"]) == (False, 503, True)
    assert (broken["success"], broken["status_code"], broken["message"] != "") == (False, None, True)
    assert (refused["response_body"], broken["response_body"]) == ("zanzibar", "")
    assert len(receiver.deliveries) == 2
    told = await event_types(runtime, cast.acme, entity_id=made["id"])
    assert told == ["webhook.created", "webhook.tested", "webhook.tested"]


async def test_one_that_is_off_can_be_tested(client: Client, cast: Cast) -> None:
    async with receive() as receiver:
        made = await create_webhook(client.as_(cast.owner), receiver.url, is_active=False, event_types=["team.*"])
        assert (await try_out(client.as_(cast.owner), made))["success"]
    assert (await client.as_(cast.owner).get(f"{PATH}/{made['id']}")).json()["is_active"] is False


async def test_nothing_is_held_while_the_receiver_is_asked(client: Client, cast: Cast, runtime: Runtime) -> None:
    """Neither a transaction of the request nor its connection: the receiver asks PostgreSQL."""
    free = asyncio.Event()

    async def look(exchange: Exchange) -> None:
        # What the request holds, it holds for as long as it is not answered.
        await none_stays_open(runtime)
        free.set()
        await exchange.answer(200)

    async with receive(look) as receiver:
        made = await create_webhook(client.as_(cast.owner), receiver.url)
        assert (await try_out(client.as_(cast.owner), made))["success"]
    assert free.is_set()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "validation_failed"),
        ({"event": "record.sung"}, "event_types_unknown"),
        ({"event": "record.*"}, "event_types_unknown"),
        ({"event": "record.created", "payload": []}, "validation_failed"),
        ({"event": "record.created", "more": 1}, "validation_failed"),
    ],
)
async def test_bad_input_is_refused_and_nothing_sent(
    client: Client, cast: Cast, body: dict[str, Any], code: str
) -> None:
    async with receive() as receiver:
        made = await create_webhook(client.as_(cast.owner), receiver.url)
        refused = await client.as_(cast.owner).post(f"{PATH}/{made['id']}/test", json=body)
    assert (refusal(refused), receiver.deliveries) == ((422, code), [])


async def test_tests_are_limited_for_each_webhook(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    async with receive() as receiver:
        made, other = [await create_webhook(owner, receiver.url) for _ in range(2)]
        for _ in range(TESTS.most):
            await try_out(owner, made)
        refused = await owner.post(f"{PATH}/{made['id']}/test", json=EVENT)
        assert refusal(refused) == (429, "webhook_test_throttled")
        assert int(refused.headers["Retry-After"]) <= 60
        await try_out(owner, other)
        with clock.travel(to=clock.now() + TESTS.window + timedelta(seconds=1)):
            await try_out(owner, made)
    assert len(receiver.deliveries) == TESTS.most + 2


def test_every_type_has_an_example_that_fits() -> None:
    with_schema = [one for one in list_event_types() if one.schema is not None]
    assert len(with_schema) > 50
    for one in with_schema:
        assert one.schema is not None
        check_payload(one, make_example(one.schema.model_json_schema()))


def test_what_is_told_to_single_members_is_not_sent() -> None:
    sent = list_sent_types()
    assert "webhook.tested" in sent
    assert "record.created" in sent
    assert not [name for name in sent if name.startswith("notification.")]
    assert "webhook.delivery_exhausted" not in sent


def test_examples_come_to_an_end() -> None:
    loop: dict[str, Any] = {"properties": {"child": {"$ref": "#/$defs/Node"}}, "type": "object"}
    optional = {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}
    node = {"type": "object", "properties": {"next": optional, "ids": {"type": "array", "items": {"format": "uuid"}}}}
    made = make_example({**loop, "$defs": {"Node": node}})
    assert UUID(make_example({"type": "string", "format": "uuid"}))
    assert made["child"]["next"] is not None
