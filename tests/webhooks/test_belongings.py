"""Whose rights a webhook uses when people come and go, and who is told when it stops."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fostr.domains.webhooks.deliveries.rules import PAUSES
from fostr.domains.webhooks.permissions import MANAGE_WEBHOOKS
from fostr.kernel import clock
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, Person
from tests.support.client import Client, refusal
from tests.support.deliveries import deliver, deliveries, wait
from tests.support.events import event_types
from tests.support.receivers import answering, receive
from tests.support.records import create_record, create_recordset, grant
from tests.support.webhooks import PATH, change_permission, create_webhook

HOOK = "http://127.0.0.1:9/hook"
FIELDS = [{"name": "Name", "type": "text"}]

Settle = Callable[[], Awaitable[None]]


async def hand_over(client: Client, source: Person, target: Person) -> dict[str, Any]:
    body = {"to_member_id": str(target.member_id), "kinds": ["webhook"]}
    response = await client.post(f"/api/v1/members/{source.member_id}/reassign", json=body)
    assert response.status_code == 200, response.text
    return response.json()["reassigned"]


async def get(client: Client, webhook: dict[str, Any]) -> dict[str, Any]:
    return (await client.get(f"{PATH}/{webhook['id']}")).json()


async def test_webhooks_are_listed_before_their_owner_leaves(client: Client, cast: Cast) -> None:
    made = await create_webhook(client.as_(cast.admin), HOOK, name="Warehouse")
    response = await client.as_(cast.owner).get(
        f"/api/v1/members/{cast.admin.member_id}/items", params={"kind": "webhook"}
    )
    [group] = response.json()["groups"]
    assert (group["total"], group["can_reassign"]) == (1, True)
    assert [(item["id"], item["name"]) for item in group["items"]] == [(made["id"], "Warehouse")]


async def test_whoever_takes_a_webhook_over_has_it_at_once(client: Client, cast: Cast, runtime: Runtime) -> None:
    made = await create_webhook(client.as_(cast.admin), HOOK)
    assert await hand_over(client.as_(cast.owner), cast.admin, cast.owner) == {"webhook": 1}
    shown = await get(client.as_(cast.owner), made)
    assert (shown["owner_id"], shown["is_active"]) == (str(cast.owner.member_id), True)
    assert shown["created_by"] == str(cast.admin.member_id)
    assert "webhooks.reassigned" in await event_types(runtime, cast.acme, entity_id=cast.admin.member_id)


async def test_a_webhook_that_is_handed_to_another_waits_for_their_consent(client: Client, cast: Cast) -> None:
    """Else who chose its address would be told whatever the new owner may see."""
    made, off = [await create_webhook(client.as_(cast.admin), HOOK) for _ in range(2)]
    await client.as_(cast.admin).post(f"{PATH}/{off['id']}/toggle")
    await hand_over(client.as_(cast.admin), cast.admin, cast.owner)
    for webhook in (made, off):
        shown = await get(client.as_(cast.admin), webhook)
        assert (shown["owner_id"], shown["is_active"]) == (str(cast.owner.member_id), False)
        assert shown["disabled_reason"] == "handed_over"
        path = f"{PATH}/{webhook['id']}"
        assert refusal(await client.as_(cast.admin).post(f"{path}/toggle")) == (403, "webhook_not_own")
        on = {"is_active": True}
        assert refusal(await client.as_(cast.admin).patch(path, json=on)) == (403, "webhook_not_own")
        agreed = await client.as_(cast.owner).patch(path, json=on)
        assert (agreed.json()["is_active"], agreed.json()["disabled_reason"]) == (True, None)


async def test_one_that_was_handed_over_can_be_taken_over(client: Client, cast: Cast) -> None:
    made = await create_webhook(client.as_(cast.admin), HOOK)
    await hand_over(client.as_(cast.admin), cast.admin, cast.owner)
    path = f"{PATH}/{made['id']}"
    taken = (await client.as_(cast.admin).patch(path, json={"take_over": True})).json()
    assert (taken["owner_id"], taken["is_active"]) == (str(cast.admin.member_id), False)
    assert (taken["disabled_reason"], taken["disabled_at"] is not None) == (None, True)
    assert (await client.as_(cast.owner).post(f"{path}/toggle")).json()["is_active"] is True


async def test_a_webhook_ends_with_its_owner_and_the_others_are_told(
    client: Client, cast: Cast, runtime: Runtime, settle: Settle
) -> None:
    made = await create_webhook(client.as_(cast.admin), HOOK, name="Warehouse")
    removed = await client.as_(cast.owner).delete(f"/api/v1/members/{cast.admin.member_id}")
    assert removed.status_code == 204, removed.text
    shown = await get(client.as_(cast.owner), made)
    assert (shown["is_active"], shown["disabled_reason"]) == (False, "owner_left")
    assert await event_types(runtime, cast.acme, entity_id=made["id"]) == ["webhook.created", "webhook.disabled"]

    refused = await client.as_(cast.owner).post(f"{PATH}/{made['id']}/toggle")
    assert refusal(refused) == (403, "webhook_not_own")
    taken = {"take_over": True, "is_active": True}
    on = (await client.as_(cast.owner).patch(f"{PATH}/{made['id']}", json=taken)).json()
    assert (on["owner_id"], on["is_active"], on["disabled_reason"]) == (str(cast.owner.member_id), True, None)
    await settle()


async def test_administrators_are_told_when_a_webhook_is_handed_over(
    client: Client, cast: Cast, settle: Settle
) -> None:
    await create_webhook(client.as_(cast.admin), HOOK, name="Warehouse")
    await hand_over(client.as_(cast.admin), cast.admin, cast.owner)
    await settle()
    told = (await client.as_(cast.owner).get("/api/v1/notifications/list")).json()["items"]
    assert [one["title"] for one in told if one["type"] == "webhook_disabled"] == [
        "The webhook Warehouse was switched off"
    ]
    for person in (cast.member, cast.viewer):
        others = (await client.as_(person).get("/api/v1/notifications/list")).json()["items"]
        assert not [one for one in others if one["type"] == "webhook_disabled"]


async def test_what_a_person_switches_off_is_told_to_nobody(client: Client, cast: Cast, settle: Settle) -> None:
    made = await create_webhook(client.as_(cast.admin), HOOK)
    await client.as_(cast.admin).post(f"{PATH}/{made['id']}/toggle")
    await settle()
    told = (await client.as_(cast.owner).get("/api/v1/notifications/list")).json()["items"]
    assert not [one for one in told if one["type"] == "webhook_disabled"]


async def test_who_takes_a_webhook_over_is_not_sent_what_waits_for_its_former_owner(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    await change_permission(owner, "member", MANAGE_WEBHOOKS, holds=True)
    secret, shared = [await create_recordset(owner, name=name, fields=FIELDS) for name in ("Secret", "Shared")]
    await grant(owner, shared, cast.member, "can_view")
    async with receive(answering(500)) as receiver, receive() as other:
        made = await create_webhook(owner, receiver.url, event_types=["record.created"])
        await create_record(owner, secret, {"name": "Orinoco"})
        await create_record(owner, shared, {"name": "Moffett"})
        with clock.travel(to=clock.now(), frozen=True):
            await deliver(runtime)
            taken = await member.patch(f"{PATH}/{made['id']}", json={"take_over": True, "url": other.url})
            assert taken.status_code == 200, taken.text
            await wait(runtime, PAUSES[0] * 2)
        statuses = sorted(one["status"] for one in await deliveries(member, made))
    assert len(receiver.deliveries) == 2
    assert [one.told["data"]["name"] for one in other.deliveries] == ["Moffett"]
    assert statuses == ["succeeded", "withheld"]


async def test_who_is_handed_a_webhook_is_sent_what_waits_as_they_may_see_it(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    owner, member, admin = client.as_(cast.owner), client.as_(cast.member), client.as_(cast.admin)
    await change_permission(owner, "member", MANAGE_WEBHOOKS, holds=True)
    recordset = await create_recordset(owner, fields=[*FIELDS, {"name": "Price", "type": "text"}])
    await grant(owner, recordset, cast.member, "can_view")
    hidden = {"fields": [{"key": "price", "hidden_from": ["admin"]}]}
    assert (await owner.patch(f"/api/v1/recordsets/{recordset['slug']}", json=hidden)).status_code == 200
    async with receive(answering(500)) as receiver:
        await create_webhook(member, receiver.url, event_types=["record.created"])
        await create_record(owner, recordset, {"name": "Moffett", "price": "zanzibar"})
        with clock.travel(to=clock.now(), frozen=True):
            await deliver(runtime)
            assert await hand_over(admin, cast.member, cast.admin) == {"webhook": 1}
            receiver.behave = answering(200)
            await wait(runtime, PAUSES[0] * 2)
    before, after = receiver.deliveries
    assert before.id == after.id
    assert (b"zanzibar" in before.body, b"zanzibar" in after.body, b"Moffett" in after.body) == (True, False, True)
