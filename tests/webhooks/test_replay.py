"""Sending once more: one message, those of a span of time, and what was never sent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from fostr.domains.webhooks.deliveries.replaying import REPLAYED_AT_ONCE, REPLAYS
from fostr.domains.webhooks.deliveries.rules import PAUSES
from fostr.kernel import clock
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client, Response, refusal
from tests.support.deliveries import deliver, deliveries, wait
from tests.support.events import event_types
from tests.support.receivers import answering, receive
from tests.support.records import create_record, create_recordset
from tests.support.webhooks import PATH, create_webhook


async def replay(client: Client, webhook: dict[str, Any], **asked: Any) -> Response:
    asked.setdefault("since", (clock.now() - timedelta(hours=1)).isoformat())
    return await client.post(f"{PATH}/{webhook['id']}/replay", json=asked)


async def test_one_message_is_sent_once_more(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    async with receive() as receiver:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"])
        await create_record(owner, recordset, {"name": "Moffett"})
        await deliver(runtime)
        [sent] = await deliveries(owner, webhook)
        asked = await owner.post(f"{PATH}/{webhook['id']}/deliveries/{sent['id']}/replay")
        await deliver(runtime)
        [again] = await deliveries(owner, webhook)
    assert asked.status_code == 202
    assert asked.json()["status"] == "pending"
    first, second = receiver.deliveries
    assert (first.id, first.body) == (second.id, second.body)
    assert (again["status"], again["attempt_count"]) == ("succeeded", 2)
    assert "webhook.deliveries_replayed" in await event_types(runtime, cast.acme, entity_id=webhook["id"])


async def test_what_its_owner_may_not_see_any_more_is_not_sent_once_more(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    owner, admin = client.as_(cast.owner), client.as_(cast.admin)
    recordset = await create_recordset(owner, fields=[{"name": "Name", "type": "text"}])
    async with receive() as receiver:
        webhook = await create_webhook(admin, receiver.url, event_types=["role.*", "member.*", "record.created"])
        await create_record(owner, recordset, {"name": "Moffett"})
        await deliver(runtime)
        count = len(receiver.ids)
        hidden = {"fields": [{"key": "name", "hidden_from": ["admin"]}]}
        await owner.patch(f"/api/v1/recordsets/{recordset['slug']}", json=hidden)
        await replay(admin, webhook, status="all")
        await deliver(runtime)
    assert count == 1
    assert b"Moffett" in receiver.deliveries[0].body
    assert len(receiver.ids) == 2
    assert b"Moffett" not in receiver.deliveries[1].body


async def test_failed_ones_are_sent_once_more_or_all(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    async with receive() as receiver:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"])
        taken = await create_record(owner, recordset, {"name": "Taken"})
        await deliver(runtime)
        receiver.behave = answering(500)
        lost = await create_record(owner, recordset, {"name": "Lost"})
        with clock.travel(to=clock.now(), frozen=True):
            await deliver(runtime)
            for pause in PAUSES:
                await wait(runtime, pause * 1.2)
            waits = await create_record(owner, recordset, {"name": "Waits"})
            await deliver(runtime)
            receiver.behave, before = answering(200), len(receiver.ids)
            since = (clock.now() - timedelta(days=3)).isoformat()
            failed = await replay(owner, webhook, since=since)
            await deliver(runtime)
            assert {one.told["data"]["entity_id"] for one in receiver.deliveries[before:]} == {lost["id"], waits["id"]}
            before = len(receiver.ids)
            everything = await replay(owner, webhook, since=since, status="all")
            await deliver(runtime)
            assert {one.told["data"]["entity_id"] for one in receiver.deliveries[before:]} == {
                taken["id"],
                lost["id"],
                waits["id"],
            }
            nothing = await replay(owner, webhook, since=since, until=(clock.now() - timedelta(days=2)).isoformat())
    assert (failed.status_code, failed.json()) == (202, {"count": 2})
    assert (everything.status_code, everything.json()) == (202, {"count": 3})
    assert (nothing.status_code, nothing.json()) == (202, {"count": 0})


async def test_what_was_missed_is_read_from_the_log(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    async with receive() as receiver:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"])
        first = await create_record(owner, recordset, {"name": "First"})
        await deliver(runtime)
        await owner.post(f"{PATH}/{webhook['id']}/toggle", json={"is_active": False})
        missed = [await create_record(owner, recordset, {"name": f"Missed {number}"}) for number in range(3)]
        await deliver(runtime)
        assert refusal(await replay(owner, webhook, status="missed")) == (409, "webhook_inactive")
        await owner.post(f"{PATH}/{webhook['id']}/toggle", json={"is_active": True})
        await deliver(runtime)
        assert len(receiver.ids) == 1
        asked = await replay(owner, webhook, status="missed")
        await deliver(runtime)
        await replay(owner, webhook, status="missed")
        await deliver(runtime)
    assert (asked.status_code, asked.json()) == (202, {"count": None})
    told = [one.told["data"]["entity_id"] for one in receiver.deliveries]
    assert sorted(told) == sorted([first["id"], *(record["id"] for record in missed)])


async def test_a_replay_of_many_goes_on_in_parts(client: Client, cast: Cast, runtime: Runtime) -> None:
    """What they tell of is not in the log, so that each is looked at and none is sent."""
    owner, many = client.as_(cast.owner), 2 * REPLAYED_AT_ONCE + 7
    webhook = await create_webhook(owner, "http://127.0.0.1:9/", event_types=["team.created"])
    await deliver(runtime)
    async with runtime.database.unit(cast.acme) as unit:
        await unit.run(
            """
            insert into webhook_deliveries (workspace_id, id, webhook_id, message_id, event_id, type, body, seq, status,
                                            attempts, created_at)
            select :workspace, gen_random_uuid(), :webhook_id, gen_random_uuid(), gen_random_uuid(), 'team.created',
                   '{}', n.n, 'failed', 8, :now::timestamptz - n.n * interval '1 second'
            from generate_series(1, :count) n (n)
            """,
            webhook_id=UUID(webhook["id"]),
            count=many,
            now=clock.now(),
        )
    with clock.travel(to=clock.now(), frozen=True):
        since, until = (clock.now() - timedelta(seconds=passed) for passed in (many + 1, 5.5))
        asked = await replay(owner, webhook, since=since.isoformat(), until=until.isoformat())
        await deliver(runtime)
    async with runtime.database.unit(cast.acme) as unit:
        rows = await unit.rows(
            "select d.status, count(*) from webhook_deliveries d where d.workspace_id = :workspace group by d.status"
        )
    assert (asked.status_code, asked.json()) == (202, {"count": None})
    assert {row["status"]: row["count"] for row in rows} == {"withheld": many - 5, "failed": 5}


async def test_replays_are_limited_for_each_webhook(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    webhook, other = [await create_webhook(owner, "http://127.0.0.1:9/") for _ in range(2)]
    for _ in range(REPLAYS.most):
        assert (await replay(owner, webhook)).status_code == 202
    refused = await replay(owner, webhook)
    assert refusal(refused) == (429, "webhook_replay_throttled")
    assert int(refused.headers["Retry-After"]) <= 60
    assert (await replay(owner, other)).status_code == 202


async def test_what_is_not_in_the_log_any_more_is_withheld(
    client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]
) -> None:
    """Nobody can tell any more who may see it."""
    owner = client.as_(cast.owner)
    async with receive() as receiver:
        webhook = await create_webhook(owner, receiver.url, event_types=["record.created"])
        await create_record(owner, recordset, {"name": "Moffett"})
        await deliver(runtime)
        [sent] = await deliveries(owner, webhook)
        async with runtime.database.unit(cast.acme) as unit:
            await unit.run(
                "delete from events e where e.workspace_id = :workspace and e.id = :id", id=UUID(sent["event_id"])
            )
        await replay(owner, webhook, status="all")
        await deliver(runtime)
        [withheld] = await deliveries(owner, webhook)
    assert (len(receiver.ids), withheld["status"], withheld["attempt_count"]) == (1, "withheld", 1)


async def test_only_a_span_that_can_be_replayed_is(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    webhook = await create_webhook(owner, "http://127.0.0.1:9/", event_types=["record.created"])
    now = clock.now()
    old = await replay(owner, webhook, since=(now - timedelta(days=31)).isoformat())
    backwards = await replay(owner, webhook, until=(now - timedelta(hours=2)).isoformat())
    ended = await replay(owner, webhook, until=now.isoformat(), status="missed")
    for refused in (old, backwards, ended):
        assert refusal(refused) == (422, "replay_invalid")
    for body in ({"since": "yesterday"}, {"since": "2026-03-01T00:00:00"}, {"status": "odd"}, {"more": 1}):
        assert refusal(await replay(owner, webhook, **body)) == (422, "validation_failed")
    await owner.post(f"{PATH}/{webhook['id']}/toggle", json={"is_active": False})
    assert refusal(await replay(owner, webhook)) == (409, "webhook_inactive")
