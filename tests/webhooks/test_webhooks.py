"""Webhooks: made, shown, changed, switched and deleted; by whom, and with whose rights."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from fostr.domains.webhooks.errors import HttpsRequired
from fostr.domains.webhooks.webhooks.rules import MOST_WEBHOOKS, check_scheme, listens_to, mask_url
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.support.records import create_recordset, grant
from tests.support.webhooks import PATH, change_permission, create_webhook

HOOK = "http://127.0.0.1:9/hook"


async def test_a_webhook_is_made_and_shown(client: Client, cast: Cast, runtime: Runtime) -> None:
    recordset = await create_recordset(client.as_(cast.admin))
    made = await create_webhook(
        client.as_(cast.admin),
        HOOK,
        name="Warehouse",
        description="Keeps the stock.",
        event_types=["record.*", "comment.created"],
        recordset_ids=[recordset["id"]],
        payload="thin",
        is_ordered=True,
        headers={"Authorization": "Bearer 123"},
    )
    assert (made["name"], made["url"], made["payload"], made["is_ordered"]) == ("Warehouse", HOOK, "thin", True)
    assert made["event_types"] == ["record.*", "comment.created"]
    assert made["recordset_ids"] == [recordset["id"]]
    assert made["header_names"] == ["Authorization"]
    assert (made["is_active"], made["version"], made["disabled_reason"]) == (True, 1, None)
    assert made["owner_id"] == made["created_by"] == str(cast.admin.member_id)

    shown = (await client.as_(cast.owner).get(f"{PATH}/{made['id']}")).json()

    assert shown == {**made, "secret": shown["secret"]}
    assert await event_types(runtime, cast.acme, entity_id=made["id"]) == ["webhook.created"]


async def test_what_is_left_out_means_everything(client: Client, cast: Cast) -> None:
    made = await create_webhook(client.as_(cast.owner), HOOK)
    assert (made["name"], made["event_types"], made["recordset_ids"]) == ("127.0.0.1", [], [])
    assert (made["payload"], made["is_ordered"], made["header_names"]) == ("full", False, [])


async def test_webhooks_are_listed_and_counted(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    first, second, third = [await create_webhook(owner, HOOK, name=name) for name in ("One", "Two", "Three")]
    await owner.post(f"{PATH}/{second['id']}/toggle")

    page = (await owner.get(PATH, params={"limit": 2})).json()
    assert [item["id"] for item in page["items"]] == [third["id"], second["id"]]
    assert (page["total"], page["has_more"]) == (3, True)
    rest = (await owner.get(PATH, params={"limit": 2, "skip": 2})).json()
    assert ([item["id"] for item in rest["items"]], rest["has_more"]) == ([first["id"]], False)
    off = (await owner.get(PATH, params={"is_active": "false"})).json()
    assert [item["id"] for item in off["items"]] == [second["id"]]
    counts = [
        (await owner.get(f"{PATH}/count", params=params)).json()["count"]
        for params in ({}, {"is_active": "true"}, {"is_active": "false"})
    ]
    assert counts == [3, 2, 1]


async def test_who_may_not_manage_webhooks_learns_nothing_of_them(client: Client, cast: Cast) -> None:
    path = f"{PATH}/{(await create_webhook(client.as_(cast.owner), HOOK))['id']}"
    calls: list[tuple[str, str, Any]] = [
        ("GET", PATH, None),
        ("GET", f"{PATH}/count", None),
        ("POST", PATH, {"url": HOOK}),
        ("GET", path, None),
        ("PATCH", path, {"name": "Mine"}),
        ("DELETE", path, None),
        ("POST", f"{path}/toggle", None),
        ("POST", f"{path}/regenerate-secret", None),
        ("POST", f"{path}/test", {"event": "record.created"}),
    ]
    for method, where, body in calls:
        for person in (cast.member, cast.viewer):
            assert refusal(await client.as_(person).request(method, where, json=body)) == (403, "forbidden")
        foreign = await client.as_(cast.stranger, workspace=cast.acme).request(method, where, json=body)
        assert refusal(foreign) == (404, "not_found")
        assert refusal(await client.anonymous().request(method, where, json=body)) == (401, "unauthorized")
        if where.startswith(path):
            own = await client.as_(cast.stranger).request(method, where, json=body)
            assert refusal(own) == (404, "webhook_not_found")
    assert (await client.as_(cast.stranger).get(PATH)).json()["total"] == 0
    assert (await client.as_(cast.owner).get(path)).json()["version"] == 1


async def test_a_role_can_be_given_the_permission(client: Client, cast: Cast) -> None:
    await change_permission(client.as_(cast.owner), "member", "can_manage_webhooks", holds=True)
    made = await create_webhook(client.as_(cast.member), HOOK)
    assert made["owner_id"] == str(cast.member.member_id)
    assert (await client.as_(cast.member).delete(f"{PATH}/{made['id']}")).status_code == 204


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "validation_failed"),
        ({"url": "ftp://example.com/"}, 422, "validation_failed"),
        ({"url": "https://example.com/" + "x" * 2000}, 422, "validation_failed"),
        ({"url": HOOK, "colour": "red"}, 422, "validation_failed"),
        ({"url": HOOK, "payload": "fat"}, 422, "validation_failed"),
        ({"url": HOOK, "name": "  "}, 422, "validation_failed"),
        ({"url": "http://name:word@127.0.0.1:9/"}, 422, "address_not_allowed"),
        ({"url": "http://169.254.169.254/latest/meta-data"}, 422, "address_not_allowed"),
        ({"url": "http://[::ffff:169.254.169.254]/"}, 422, "address_not_allowed"),
        ({"url": "http://nowhere.invalid/"}, 422, "address_not_allowed"),
        ({"url": HOOK, "event_types": ["record.created", "record.sung"]}, 422, "event_types_unknown"),
        ({"url": HOOK, "event_types": ["song.*"]}, 422, "event_types_unknown"),
        ({"url": HOOK, "event_types": ["*"]}, 422, "event_types_unknown"),
        ({"url": HOOK, "recordset_ids": [str(uuid4())]}, 422, "webhook_recordsets_unknown"),
        ({"url": HOOK, "headers": {"Host": "elsewhere"}}, 422, "webhook_headers_invalid"),
        ({"url": HOOK, "headers": {"Webhook-Id": "1"}}, 422, "webhook_headers_invalid"),
        ({"url": HOOK, "headers": {"X Y": "1"}}, 422, "webhook_headers_invalid"),
        ({"url": HOOK, "headers": {"X-Y": "1\r\nHost: elsewhere"}}, 422, "webhook_headers_invalid"),
        ({"url": HOOK, "headers": {"X-Y": "1", "x-y": "2"}}, 422, "webhook_headers_invalid"),
        ({"url": HOOK, "headers": {f"X-{number}": "1" for number in range(21)}}, 422, "validation_failed"),
    ],
)
async def test_bad_input_is_refused_and_nothing_kept(
    client: Client, cast: Cast, body: dict[str, Any], status: int, code: str
) -> None:
    owner = client.as_(cast.owner)
    assert refusal(await owner.post(PATH, json=body)) == (status, code)
    assert (await owner.get(f"{PATH}/count")).json() == {"count": 0}
    made = await create_webhook(owner, HOOK)
    if body:
        assert refusal(await owner.patch(f"{PATH}/{made['id']}", json=body)) == (status, code)
        assert (await owner.get(f"{PATH}/{made['id']}")).json()["version"] == 1


async def test_a_refusal_names_what_is_unknown(client: Client, cast: Cast) -> None:
    body = {"url": HOOK, "event_types": ["record.sung", "record.created", "song.*"]}
    refused = await client.as_(cast.owner).post(PATH, json=body)
    assert refused.json()["event_types"] == ["record.sung", "song.*"]


def test_addresses_are_encrypted_where_strangers_may_sign_up(runtime: Runtime) -> None:
    public = runtime.settings.model_copy(update={"allow_private_addresses": False})
    check_scheme("https://example.com/", public)
    check_scheme("http://10.0.0.1/", runtime.settings)
    with pytest.raises(HttpsRequired):
        check_scheme("http://example.com/", public)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ([], ["record.created", "recordset.created", "webhook.tested"]),
        (["record.*"], ["record.created"]),
        (["record.created", "webhook.*"], ["record.created", "webhook.tested"]),
        (["recordset.updated"], []),
    ],
)
def test_a_webhook_listens_to_types_and_groups(asked: list[str], told: list[str]) -> None:
    names = ["record.created", "recordset.created", "webhook.tested"]
    assert [name for name in names if listens_to(asked, name)] == told


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://hooks.example.com/services/T0/B0/secret", "https://hooks.example.com/…cret"),
        ("https://example.com:8443/?key=secret", "https://example.com:8443/…cret"),
        ("https://example.com/", "https://example.com/"),
    ],
)
def test_events_do_not_tell_the_secret_part_of_an_address(url: str, told: str) -> None:
    assert mask_url(url) == told


async def test_who_may_not_manage_webhooks_is_told_nothing_of_them(client: Client, cast: Cast) -> None:
    made = await create_webhook(client.as_(cast.owner), HOOK, name="Warehouse")
    params = {"types": "webhook.created"}
    seen = [(await client.as_(person).get("/api/v1/events", params=params)).json()["items"] for person in cast.people()]
    assert [[event["entity_id"] for event in events] for events in seen] == [[made["id"]], [made["id"]], [], []]
    assert seen[0][0]["after"]["url"] == "http://127.0.0.1:9/…hook"


async def test_recordsets_must_be_seen_by_the_caller(client: Client, cast: Cast) -> None:
    await change_permission(client.as_(cast.owner), "member", "can_manage_webhooks", holds=True)
    recordset = await create_recordset(client.as_(cast.owner), fields=[{"name": "Name", "type": "text"}])
    foreign = await create_recordset(client.as_(cast.stranger), name="Elsewhere")
    body = {"url": HOOK, "recordset_ids": [recordset["id"], foreign["id"]]}
    refused = await client.as_(cast.member).post(PATH, json=body)
    assert refusal(refused) == (422, "webhook_recordsets_unknown")
    assert refused.json()["recordset_ids"] == sorted([recordset["id"], foreign["id"]])

    await grant(client.as_(cast.owner), recordset, cast.member, "can_view")
    made = await create_webhook(client.as_(cast.member), HOOK, recordset_ids=[recordset["id"]])
    path = f"{PATH}/{made['id']}"
    assert refusal(await client.as_(cast.member).patch(path, json={"recordset_ids": [foreign["id"]]}))[0] == 422
    assert (await client.as_(cast.member).patch(path, json={"recordset_ids": []})).json()["recordset_ids"] == []


async def test_a_webhook_is_changed_in_parts(client: Client, cast: Cast, runtime: Runtime) -> None:
    owner = client.as_(cast.owner)
    made = await create_webhook(owner, HOOK, headers={"X-Key": "1"}, event_types=["team.*"])
    path = f"{PATH}/{made['id']}"

    changed = (await owner.patch(path, json={"name": "Other", "headers": {"X-Word": "2", "A": "b"}})).json()

    assert (changed["name"], changed["header_names"], changed["version"]) == ("Other", ["A", "X-Word"], 2)
    assert (changed["url"], changed["event_types"]) == (HOOK, ["team.*"])
    same = (await owner.patch(path, json={"name": "Other", "headers": {"X-Word": "2", "A": "b"}})).json()
    assert same == changed
    both = (await owner.patch(path, json={"is_active": False, "headers": {}})).json()
    assert (both["is_active"], both["header_names"], both["version"]) == (False, [], 3)
    told = await event_types(runtime, cast.acme, entity_id=made["id"])
    assert told == ["webhook.created", "webhook.updated", "webhook.updated", "webhook.disabled"]


async def test_a_change_of_an_older_version_is_refused(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    path = f"{PATH}/{(await create_webhook(owner, HOOK))['id']}"
    assert (await owner.patch(path, json={"name": "Two"}, headers={"If-Match": '"1"'})).status_code == 200
    stale = await owner.patch(path, json={"name": "Three"}, headers={"If-Match": '"1"'})
    assert refusal(stale) == (409, "stale_update")
    assert (stale.json()["expected_version"], stale.json()["current_version"]) == (1, 2)


async def test_a_webhook_is_switched(client: Client, cast: Cast, runtime: Runtime) -> None:
    owner = client.as_(cast.owner)
    made = await create_webhook(owner, HOOK)
    toggle = f"{PATH}/{made['id']}/toggle"

    off = (await owner.post(toggle)).json()
    assert (off["is_active"], off["disabled_reason"], off["disabled_at"] is not None) == (False, None, True)
    assert (await owner.post(toggle, json={"is_active": False})).json() == off
    on = (await owner.post(toggle)).json()
    assert (on["is_active"], on["disabled_at"], on["version"]) == (True, None, 3)

    told = await event_types(runtime, cast.acme, entity_id=made["id"])
    assert told == ["webhook.created", "webhook.disabled", "webhook.enabled"]


async def test_a_webhook_is_deleted(client: Client, cast: Cast, runtime: Runtime) -> None:
    owner = client.as_(cast.owner)
    made = await create_webhook(owner, HOOK)
    path = f"{PATH}/{made['id']}"
    assert (await owner.delete(path)).status_code == 204
    assert refusal(await owner.delete(path)) == (404, "webhook_not_found")
    assert refusal(await owner.get(path)) == (404, "webhook_not_found")
    assert await event_types(runtime, cast.acme, entity_id=made["id"]) == ["webhook.created", "webhook.deleted"]


async def test_a_workspace_has_a_bounded_number(client: Client, cast: Cast, runtime: Runtime) -> None:
    made = await create_webhook(client.as_(cast.owner), HOOK)
    async with runtime.database.unit(cast.acme) as unit:
        await unit.run_many(
            """
            insert into webhooks (workspace_id, id, name, url, secret, secret_hint, owner_id)
            select w.workspace_id, :id, w.name, w.url, w.secret, w.secret_hint, w.owner_id
            from webhooks w where w.workspace_id = :workspace and w.id = :copied
            """,
            [{"id": new_id(), "copied": made["id"]} for _ in range(MOST_WEBHOOKS - 1)],
        )
    refused = await client.as_(cast.owner).post(PATH, json={"url": HOOK})
    assert (refusal(refused), refused.json()["most"]) == ((409, "webhooks_too_many"), MOST_WEBHOOKS)
    await create_webhook(client.as_(cast.stranger), HOOK)


@pytest.mark.parametrize(
    "change",
    [
        {"url": "http://127.0.0.1:10/"},
        {"headers": {"X-Key": "2"}},
        {"event_types": []},
        {"recordset_ids": []},
        {"payload": "full"},
    ],
)
async def test_nobody_has_the_data_of_another_sent_elsewhere(
    client: Client, cast: Cast, change: dict[str, Any]
) -> None:
    recordset = await create_recordset(client.as_(cast.owner))
    told: dict[str, Any] = {"event_types": ["record.*"], "recordset_ids": [recordset["id"]], "payload": "thin"}
    made = await create_webhook(client.as_(cast.owner), HOOK, **told)
    path = f"{PATH}/{made['id']}"
    admin = client.as_(cast.admin)

    refused = await admin.patch(path, json=change)
    assert (refusal(refused), refused.json()["owner_id"]) == ((403, "webhook_not_own"), str(cast.owner.member_id))
    renamed = (await admin.patch(path, json={"name": "Renamed", "is_ordered": True})).json()
    assert (renamed["name"], renamed["owner_id"]) == ("Renamed", str(cast.owner.member_id))
    assert [(await admin.post(f"{path}/toggle")).status_code for _ in range(2)] == [200, 200]

    taken = (await admin.patch(path, json={**change, "take_over": True})).json()
    assert (taken["owner_id"], taken["created_by"]) == (str(cast.admin.member_id), str(cast.owner.member_id))
    assert refusal(await client.as_(cast.owner).patch(path, json={"url": HOOK + "/x"})) == (403, "webhook_not_own")
