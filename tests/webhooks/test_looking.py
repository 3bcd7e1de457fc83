"""Looking for a message that did not come: the log by event, type and message, and why an event became none."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from fostr.domains.webhooks.deliveries.events import DELIVERY_EXHAUSTED
from fostr.kernel.events.outbox import record
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.deliveries import deliver, deliveries
from tests.support.receivers import answering, receive
from tests.support.records import create_record, create_recordset, grant
from tests.support.settling import follow
from tests.support.webhooks import PATH, change_permission, create_webhook

FIELDS = [{"name": "Name", "type": "text"}]


async def find_events(client: Client, runtime: Runtime, type_: str) -> list[str]:
    """Return the ids of the events of a type, the oldest first."""
    await follow(runtime)
    page = (await client.get("/api/v1/events", params={"types": type_})).json()
    return [event["id"] for event in page["items"]]


async def explain(client: Client, webhook: dict[str, Any], event_id: str) -> str:
    response = await client.get(f"{PATH}/{webhook['id']}/events/{event_id}")
    assert response.status_code == 200, response.text
    assert response.json()["message"]
    return response.json()["outcome"]


async def test_the_log_is_searched_by_what_people_know(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    async with receive() as receiver:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.*", "team.*"])
        record = await create_record(owner, recordset, {"name": "Moffett"})
        await owner.delete(f"/api/v1/records/{record['id']}")
        await owner.post("/api/v1/teams", json={"name": "Ground crew"})
        await deliver(runtime)

    def types(found: list[dict[str, Any]]) -> list[str]:
        return [one["type"] for one in found]

    assert types(await deliveries(owner, webhook, type="record.*")) == ["record.deleted", "record.created"]
    assert types(await deliveries(owner, webhook, type="team.*")) == ["team.created"]
    [by_message] = await deliveries(owner, webhook, message_id=receiver.ids[0])
    [by_event] = await deliveries(owner, webhook, event_id=by_message["event_id"])
    assert by_message == by_event
    assert await deliveries(owner, webhook, event_id=str(uuid4())) == []
    assert await deliveries(owner, webhook, is_test=True) == []


async def test_an_event_that_becomes_a_message_is_followed(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    async with receive(answering(500)) as receiver:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"])
        await deliver(runtime)
        await create_record(owner, recordset, {"name": "Moffett"})
        [event] = await find_events(owner, runtime, "record.created")
        before = await explain(owner, webhook, event)
        await deliver(runtime)
        after = await explain(owner, webhook, event)
    assert (before, after) == ("not_read_yet", "enqueued")


async def test_why_an_event_became_no_message(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    await change_permission(owner, "member", "can_manage_webhooks", holds=True)
    other = await create_recordset(owner, name="Other", fields=FIELDS)
    hook = "http://127.0.0.1:9/"
    await grant(owner, other, cast.member, "can_view")
    await create_record(owner, recordset, {"name": "Moffett"})
    rows = [{"field_values": {"name": name}} for name in ("One", "Two")]
    await owner.post("/api/v1/records/bulk-create", json={"recordset_id": recordset["id"], "records": rows})
    late = await create_webhook(owner, hook, event_types=["record.created"])
    typed = await create_webhook(owner, hook, event_types=["team.*"])
    scoped = await create_webhook(owner, hook, event_types=["record.*"], recordset_ids=[other["id"]])
    blind = await create_webhook(member, hook, event_types=["record.*"])
    off = await create_webhook(owner, hook, event_types=["record.*"], is_active=False)
    await deliver(runtime)
    single, *_ = await find_events(owner, runtime, "record.created")
    [bulk] = await find_events(owner, runtime, "records.created")
    outcomes = {
        "missed": late,
        "type_not_wanted": typed,
        "recordset_not_wanted": scoped,
        "owner_may_not_see": blind,
        "switched_off": off,
    }
    for event in (single, bulk):
        assert {await explain(owner, webhook, event): webhook for webhook in outcomes.values()} == outcomes


async def test_what_webhooks_are_never_told_of_is_explained(client: Client, cast: Cast, runtime: Runtime) -> None:
    """That one of them takes nothing, lest they be told that they take nothing."""
    owner = client.as_(cast.owner)
    webhook = await create_webhook(owner, "http://127.0.0.1:9/")
    some_id = str(new_id())
    async with runtime.database.unit(cast.acme) as unit:
        event_id = await record(
            unit,
            type=DELIVERY_EXHAUSTED,
            entity="webhook",
            entity_id=UUID(webhook["id"]),
            after={
                "name": "Warehouse",
                "delivery_id": some_id,
                "message_id": some_id,
                "type": "record.created",
                "attempts": 8,
                "status_code": None,
                "error": "timeout",
            },
        )
    assert await explain(owner, webhook, str(event_id)) == "type_never_sent"


async def test_only_events_that_one_may_see_are_explained(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    webhook = await create_webhook(owner, "http://127.0.0.1:9/", event_types=["record.created"])
    await create_record(owner, recordset, {"name": "Moffett"})
    [event] = await find_events(owner, runtime, "record.created")
    path = f"{PATH}/{webhook['id']}/events"
    assert refusal(await member.get(f"{path}/{event}")) == (403, "forbidden")
    await change_permission(owner, "member", "can_manage_webhooks", holds=True)
    assert refusal(await member.get(f"{path}/{event}")) == (404, "event_not_found")
    assert refusal(await owner.get(f"{path}/{uuid4()}")) == (404, "event_not_found")
    assert refusal(await client.as_(cast.stranger).get(f"{path}/{event}")) == (404, "webhook_not_found")
