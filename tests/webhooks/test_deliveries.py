"""What webhooks are sent: to whom, with whose rights, and what is kept of it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from fostr.domains.webhooks.deliveries.rules import KEPT_FOR, PAUSES
from fostr.domains.webhooks.deliveries.sending import Sender
from fostr.kernel import clock
from fostr.kernel.jobs.context import JobContext
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.jobs.runner import Runner
from fostr.kernel.jobs.transitions import move
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.deliveries import deliver, deliveries, delivery, has_come, wait
from tests.support.events import event_types
from tests.support.receivers import Exchange, Receiver, answering, receive
from tests.support.records import create_record, create_recordset, grant
from tests.support.settling import follow
from tests.support.webhooks import PATH, change_permission, create_webhook

FIELDS = [{"name": "Name", "type": "text"}, {"name": "Price", "type": "number"}]
SOON = PAUSES[0] * 2
PRICE = 71_774_177
"""A number that no id holds by chance."""


@pytest.fixture
async def recordset(client: Client, cast: Cast) -> dict[str, Any]:
    return await create_recordset(client.as_(cast.owner), fields=FIELDS)


def told(receiver: Receiver) -> list[dict[str, Any]]:
    return [one.told for one in receiver.deliveries]


async def hide_price(client: Client, recordset: dict[str, Any], *roles: str) -> None:
    body = {"fields": [{"key": "price", "hidden_from": roles}]}
    response = await client.patch(f"/api/v1/recordsets/{recordset['slug']}", json=body)
    assert response.status_code == 200, response.text


async def find_job(runtime: Runtime, cast: Cast) -> UUID:
    """Bring events to their consumers, and return the job that is to send them."""
    await follow(runtime)
    async with runtime.database.unit(cast.acme) as unit:
        return await unit.value(
            "select id from jobs where workspace_id = :workspace and name = 'webhooks.send' and status = 'queued'"
        )


async def test_what_happens_is_sent_signed_and_kept(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    async with receive(answering(200, content=b"thanks")) as receiver:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.*"], headers={"X-Key": "hush"})
        record = await create_record(owner, recordset, {"name": "Moffett", "price": 5})
        await deliver(runtime)
    [sent] = receiver.deliveries
    [listed] = await deliveries(owner, webhook)
    shown = await delivery(owner, webhook, listed["id"])

    said = sent.verify(webhook["secret"])
    assert said["id"] == sent.id == listed["message_id"] == listed["event_id"]
    assert (said["type"], said["workspace_id"]) == ("record.created", str(cast.acme))
    data = said["data"]
    assert (data["entity"], data["entity_id"], data["scope_id"]) == ("record", record["id"], recordset["id"])
    assert data["after"]["field_values"] == {"name": "Moffett", "price": 5}
    assert data["actor"]["member_id"] == str(cast.owner.member_id)
    assert (listed["status"], listed["attempt_count"], listed["last_status_code"]) == ("succeeded", 1, 200)
    assert shown["body"].encode() == sent.body
    [attempt] = shown["attempts"]
    assert (attempt["number"], attempt["status_code"], attempt["response_body"]) == (1, 200, "thanks")
    assert attempt["request_headers"]["webhook-id"] == sent.id
    assert "webhook-signature" not in attempt["request_headers"]
    assert "hush" not in str(attempt)


async def test_only_what_was_asked_for_is_sent(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    other = await create_recordset(owner, name="Other", fields=FIELDS)
    async with receive() as typed, receive() as scoped, receive() as all_of_it, receive() as foreign:
        await create_webhook(owner, typed.url, event_types=["record.deleted"])
        await create_webhook(owner, scoped.url, event_types=["record.*"], recordset_ids=[other["id"]])
        await create_webhook(owner, all_of_it.url)
        await create_webhook(client.as_(cast.stranger), foreign.url)
        kept = await create_record(owner, recordset, {"name": "Kept"})
        gone = await create_record(owner, other, {"name": "Gone"})
        assert (await owner.delete(f"/api/v1/records/{gone['id']}")).status_code == 204
        await deliver(runtime)

    def things(receiver: Receiver) -> list[tuple[str, str]]:
        return [(one["type"], one["data"]["entity_id"]) for one in told(receiver)]

    assert things(typed) == [("record.deleted", gone["id"])]
    assert sorted(things(scoped)) == [("record.created", gone["id"]), ("record.deleted", gone["id"])]
    records = [one for one in things(all_of_it) if one[0].startswith("record.")]
    assert sorted(records) == sorted([("record.created", kept["id"]), *things(scoped)])
    assert not any(type_.startswith("notification") for type_, _ in things(all_of_it))
    assert {one["workspace_id"] for one in told(foreign)} <= {str(cast.globex)}


async def test_a_bulk_write_is_told_record_by_record_unless_the_whole_is_asked_for(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    async with receive() as each, receive() as whole:
        webhook = await create_webhook(owner, each.url, event_types=["record.created"])
        rows = [{"field_values": {"name": f"No. {number}"}} for number in range(25)]
        body = {"recordset_id": recordset["id"], "records": rows}
        answer = await owner.post("/api/v1/records/bulk-create", json=body)
        assert answer.status_code == 200, answer.text
        async with runtime.database.unit(cast.acme) as unit:
            bulk = await unit.row(
                "select e.id, e.type from events e where e.workspace_id = :workspace and e.cause ->> 'count' = '25'"
            )
        assert bulk is not None
        await create_webhook(owner, whole.url, event_types=[bulk["type"]])
        await owner.post("/api/v1/records/bulk-create", json=body)
        await deliver(runtime)
        listed = await deliveries(owner, webhook, limit=100)

    names = {one["data"]["after"]["field_values"]["name"] for one in told(each)}
    assert names == {f"No. {number}" for number in range(25)}
    assert len(set(each.ids)) == len(each.ids) == 50
    assert {one["type"] for one in told(each)} == {"record.created"}
    assert len({one["event_id"] for one in listed}) == 2
    assert [one["type"] for one in told(whole)] == [bulk["type"]]


async def test_what_its_owner_may_not_see_is_not_sent(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner, admin = client.as_(cast.owner), client.as_(cast.admin)
    await hide_price(owner, recordset, "admin")
    async with receive() as full, receive() as less:
        of_owner = await create_webhook(owner, full.url, event_types=["record.created"])
        await create_webhook(admin, less.url, event_types=["record.created"])
        await create_record(owner, recordset, {"name": "Moffett", "price": PRICE})
        await deliver(runtime)
        [listed] = await deliveries(admin, of_owner)
        hidden = await delivery(admin, of_owner, listed["id"])
        shown = await delivery(owner, of_owner, listed["id"])
    assert str(PRICE).encode() in full.deliveries[0].body
    assert str(PRICE).encode() not in less.deliveries[0].body
    assert b"Moffett" in less.deliveries[0].body
    # Nor does the log tell one administrator what was written for another.
    assert (hidden["body"], hidden["attempts"][0]["response_body"]) == (None, None)
    assert str(PRICE) in shown["body"]


async def test_rights_that_shrink_before_a_retry_shrink_what_it_says(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner, admin = client.as_(cast.owner), client.as_(cast.admin)
    async with receive(answering(500)) as receiver:
        webhook = await create_webhook(admin, receiver.url, event_types=["record.created"])
        await create_record(owner, recordset, {"name": "Moffett", "price": PRICE})
        with clock.travel(to=clock.now(), frozen=True):
            await deliver(runtime)
            await hide_price(owner, recordset, "admin")
            receiver.behave = answering(200)
            await wait(runtime, SOON)
        [listed] = await deliveries(owner, webhook)
    first, second = receiver.deliveries
    assert first.id == second.id
    assert str(PRICE).encode() in first.body
    assert str(PRICE).encode() not in second.body
    second.verify(webhook["secret"])
    assert listed["status"] == "succeeded"


async def test_what_its_owner_may_not_see_at_all_any_more_is_withheld(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    await change_permission(owner, "member", "can_manage_webhooks", holds=True)
    await grant(owner, recordset, cast.member, "can_view")
    secret = await create_recordset(owner, name="Secret", fields=FIELDS)
    async with receive() as receiver:
        webhook = await create_webhook(member, receiver.url, event_types=["record.created"])
        await create_record(owner, secret, {"name": "Hidden"})
        rows = [{"field_values": {"name": name}} for name in ("One", "Two", "Three")]
        await owner.post("/api/v1/records/bulk-create", json={"recordset_id": recordset["id"], "records": rows})
        await create_record(owner, recordset, {"name": "Alone"})
        await deliver(runtime)
        replay = {"since": (clock.now() - timedelta(hours=1)).isoformat(), "status": "all"}
        await owner.post(f"{PATH}/{webhook['id']}/replay", json=replay)
        await deliver(runtime)
        seen = list(receiver.deliveries)
        revoked = await owner.delete(f"/api/v1/recordsets/{recordset['slug']}/access/members/{cast.member.member_id}")
        assert revoked.status_code == 204
        await owner.post(f"{PATH}/{webhook['id']}/replay", json=replay)
        await deliver(runtime)
        withheld = await deliveries(owner, webhook)
        shown = await delivery(owner, webhook, withheld[0]["id"])
    assert len(receiver.deliveries) == len(seen) == 8
    assert {one.id: one.body for one in seen[:4]} == {one.id: one.body for one in seen[4:]}
    assert b"Hidden" not in b"".join(one.body for one in seen)
    assert [one["status"] for one in withheld] == ["withheld"] * 4
    assert shown["body"] is None


async def test_whoever_may_no_longer_manage_webhooks_has_none(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    async with receive(answering(500)) as receiver:
        webhook = await create_webhook(client.as_(cast.admin), receiver.url, event_types=["record.created"])
        await create_record(owner, recordset, {"name": "Before"})
        with clock.travel(to=clock.now(), frozen=True):
            await deliver(runtime)
            await change_permission(owner, "admin", "can_manage_webhooks", holds=False)
            await create_record(owner, recordset, {"name": "After"})
            await wait(runtime, SOON)
    shown = (await owner.get(f"{PATH}/{webhook['id']}")).json()
    assert len(receiver.ids) == 1
    assert (shown["is_active"], shown["disabled_reason"]) == (False, "owner_may_not")
    assert "webhook.disabled" in await event_types(runtime, cast.acme, entity_id=webhook["id"])


async def test_nothing_is_sent_while_it_is_off_and_what_was_waiting_goes_when_it_is_on(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    async with receive(answering(500)) as receiver:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"])
        waiting = await create_record(owner, recordset, {"name": "Waiting"})
        with clock.travel(to=clock.now(), frozen=True):
            await deliver(runtime)
            await owner.post(f"{PATH}/{webhook['id']}/toggle", json={"is_active": False})
            await create_record(owner, recordset, {"name": "Missed"})
            await wait(runtime, SOON)
            assert len(receiver.ids) == 1
            receiver.behave = answering(200)
            await owner.post(f"{PATH}/{webhook['id']}/toggle", json={"is_active": True})
            new = await create_record(owner, recordset, {"name": "New"})
            await deliver(runtime)
    assert {one["data"]["entity_id"] for one in told(receiver)[1:]} == {waiting["id"], new["id"]}


async def test_a_webhook_that_is_switched_off_while_its_job_runs_is_sent_no_more(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner, may_answer = client.as_(cast.owner), asyncio.Event()

    async def hesitate(exchange: Exchange) -> None:
        await may_answer.wait()
        await exchange.answer(200)

    async with receive(hesitate) as receiver:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"])
        for number in range(15):
            await create_record(owner, recordset, {"name": str(number)})
        sending = asyncio.create_task(deliver(runtime))
        await has_come(receiver, 10)
        await owner.delete(f"{PATH}/{webhook['id']}")
        may_answer.set()
        await sending
    assert len(receiver.ids) == 10


async def test_a_job_that_ends_before_it_could_note_what_it_sent_sends_it_again(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner, may_answer = client.as_(cast.owner), asyncio.Event()

    async def take(exchange: Exchange) -> None:
        await may_answer.wait()
        await exchange.answer(200)

    async with receive(take) as receiver:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"])
        await create_record(owner, recordset, {"name": "Moffett"})
        job_id = await find_job(runtime, cast)
        runner = Runner(runtime)
        running = asyncio.create_task(runner.run(job_id))
        await has_come(receiver, 1)
        # The worker stops between the request and its own note of it.
        await runner.give_back(after=0)
        await running
        may_answer.set()
        await deliver(runtime)
        [listed] = await deliveries(owner, webhook)
    first, second = receiver.deliveries
    assert (first.id, first.body) == (second.id, second.body)
    assert (listed["status"], listed["attempt_count"]) == ("succeeded", 1)


async def test_a_job_whose_turn_is_over_leaves_the_rest_to_another(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    async with receive() as receiver:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"])
        await create_record(owner, recordset, {"name": "Moffett"})
        job_id = await find_job(runtime, cast)
        async with runtime.database.unit() as unit:
            started = await move(unit, "start", job_id=job_id)
        assert started is not None
        count = await Sender(JobContext(runtime, started), UUID(webhook["id"]), turn_seconds=0).run()
        other = await find_job(runtime, cast)
        assert (count, receiver.ids) == (0, [])
        assert other not in {None, job_id}
        await deliver(runtime)
    assert len(receiver.ids) == 1


async def test_the_log_is_read_in_pages(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    async with receive() as receiver:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.*"])
        for number in range(5):
            await create_record(owner, recordset, {"name": str(number)})
        await deliver(runtime)
    path = f"{PATH}/{webhook['id']}/deliveries"
    first = (await owner.get(path, params={"limit": 3})).json()
    rest = (await owner.get(path, params={"limit": 3, "before": first["next"]})).json()
    everything = await deliveries(owner, webhook)
    assert (len(first["items"]), first["has_more"], len(rest["items"]), rest["next"]) == (3, True, 2, None)
    assert first["items"] + rest["items"] == everything
    assert [one["id"] for one in everything] == sorted((one["id"] for one in everything), reverse=True)
    assert await deliveries(owner, webhook, status="failed") == []
    assert await deliveries(owner, webhook, type="record.deleted") == []
    later = (clock.now() + timedelta(hours=1)).isoformat()
    assert await deliveries(owner, webhook, since=later) == []
    assert len(await deliveries(owner, webhook, until=later)) == 5


async def test_deliveries_are_forgotten_after_a_month(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    async with receive() as receiver:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"])
        await create_record(owner, recordset, {"name": "Moffett"})
        await deliver(runtime)
    with clock.travel(to=clock.now(), frozen=True):
        for passed, left in ((KEPT_FOR - timedelta(hours=1), 1), (timedelta(hours=2), 0)):
            clock.advance(passed)
            async with runtime.database.unit() as unit:
                await dispatch(unit, "webhooks.prune_deliveries", {}, workspace=None)
            await deliver(runtime)
            assert len(await deliveries(owner, webhook)) == left
    async with runtime.database.unit(cast.acme) as unit:
        assert await unit.value("select count(*) from webhook_attempts a where a.workspace_id = :workspace") == 0


async def test_only_those_who_manage_webhooks_see_what_is_sent(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    async with receive() as receiver:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"])
        await create_record(owner, recordset, {"name": "Moffett"})
        await deliver(runtime)
    [listed] = await deliveries(owner, webhook)
    path = f"{PATH}/{webhook['id']}"
    calls: list[tuple[str, str]] = [
        ("get", f"{path}/deliveries"),
        ("get", f"{path}/deliveries/{listed['id']}"),
        ("get", f"{path}/health"),
        ("post", f"{path}/deliveries/{listed['id']}/replay"),
        ("post", f"{path}/replay"),
    ]
    for method, address in calls:
        body: dict[str, Any] = {"json": {"since": clock.now().isoformat()}} if address.endswith("/replay") else {}
        member = await getattr(client.as_(cast.member), method)(address, **body)
        stranger = await getattr(client.as_(cast.stranger), method)(address, **body)
        assert refusal(member) == (403, "forbidden")
        assert refusal(stranger) == (404, "webhook_not_found")
    unknown = uuid4()
    assert refusal(await owner.get(f"{path}/deliveries/{unknown}")) == (404, "delivery_not_found")
    assert refusal(await owner.post(f"{path}/deliveries/{unknown}/replay")) == (404, "delivery_not_found")
    assert refusal(await owner.get(f"{path}/deliveries", params={"limit": 0})) == (422, "validation_failed")
    other = await create_webhook(owner, "http://127.0.0.1:9/", event_types=["record.created"])
    elsewhere = await owner.get(f"{PATH}/{other['id']}/deliveries/{UUID(listed['id'])}")
    assert refusal(elsewhere) == (404, "delivery_not_found")
