"""Records and recordsets as whole objects."""

from __future__ import annotations

from typing import Any

import pytest

from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.support.records import create_record, create_recordset, grant

FIELDS = [{"name": "Name", "type": "text"}, {"name": "Size", "type": "number"}, {"name": "Note", "type": "text"}]
RECORDS = "/api/v1/crud/records"
RECORDSETS = "/api/v1/crud/recordsets"


@pytest.fixture
async def recordset(client: Client, cast: Cast) -> dict[str, Any]:
    response = await client.as_(cast.owner).post(RECORDSETS, json={"name": "Airports", "fields": FIELDS})
    assert response.status_code == 201, response.text
    made = response.json()
    await grant(client.as_(cast.owner), made, cast.member, "can_view", "can_create", "can_edit", "can_delete")
    await grant(client.as_(cast.owner), made, cast.viewer, "can_view")
    return made


async def test_a_record_is_replaced_as_a_whole(client: Client, cast: Cast, recordset: dict[str, Any]) -> None:
    member = client.as_(cast.member)
    body = {"recordset_id": recordset["id"], "field_values": {"name": "A", "size": 1, "note": "x"}, "tags": ["t"]}
    created = await member.post(RECORDS, json=body)
    assert created.status_code == 201, created.text
    path = f"{RECORDS}/{created.json()['id']}"
    replaced = await member.put(path, json={"field_values": {"name": "B", "size": 2}})
    assert (replaced.status_code, replaced.json()["version"]) == (200, 2)
    assert (replaced.json()["field_values"], replaced.json()["tags"]) == ({"name": "B", "size": 2}, [])
    patched = await member.patch(path, json={"field_values": {"note": "y"}}, headers={"If-Match": '"2"'})
    assert patched.json()["field_values"] == {"name": "B", "size": 2, "note": "y"}
    assert (await member.get(path)).json() == patched.json()
    stale = await member.put(path, json={"field_values": {}, "expected_version": 2})
    assert refusal(stale) == (409, "stale_update")
    assert (await member.delete(path)).status_code == 204
    assert refusal(await member.get(path)) == (404, "record_not_found")


async def test_what_the_caller_may_not_see_or_change_is_not_replaced(
    client: Client, cast: Cast, recordset: dict[str, Any]
) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    record = await create_record(owner, recordset, {"name": "A", "size": 1, "note": "secret"})
    fields = [{"key": "note", "hidden_from": ["member"]}, {"key": "size", "read_only_for": ["member"]}]
    assert (await owner.patch(f"{RECORDSETS}/{recordset['id']}", json={"fields": fields})).status_code == 200
    replaced = await member.put(f"{RECORDS}/{record['id']}", json={"field_values": {"name": "B"}})
    assert replaced.json()["field_values"] == {"name": "B", "size": 1}
    assert (await owner.get(f"{RECORDS}/{record['id']}")).json()["field_values"]["note"] == "secret"


async def test_records_are_listed(client: Client, cast: Cast, recordset: dict[str, Any]) -> None:
    for name in ("Alpha", "Beta"):
        await create_record(client.as_(cast.owner), recordset, {"name": name})
    params = {"recordset_id": recordset["id"], "page_size": 1, "page": 2}
    listed = (await client.as_(cast.viewer).get(RECORDS, params=params)).json()
    assert ([item["title"] for item in listed["items"]], listed["total"], listed["has_more"]) == (["Beta"], 2, False)
    found = (await client.as_(cast.viewer).get(RECORDS, params={"search": "alp"})).json()
    assert [item["title"] for item in found["items"]] == ["Alpha"]
    assert (await client.as_(cast.stranger).get(RECORDS)).json()["total"] == 0


async def test_who_may_not_is_refused(client: Client, cast: Cast, recordset: dict[str, Any]) -> None:
    record = await create_record(client.as_(cast.owner), recordset, {"name": "A"})
    path, values = f"{RECORDS}/{record['id']}", {"field_values": {"name": "B"}}
    viewer, stranger = client.as_(cast.viewer), client.as_(cast.stranger)
    body = {"recordset_id": recordset["id"], **values}
    for response in (
        await viewer.post(RECORDS, json=body),
        await viewer.put(path, json=values),
        await viewer.patch(path, json=values),
        await viewer.delete(path),
    ):
        assert refusal(response) == (403, "recordset_action_forbidden")
    for response in (await stranger.get(path), await stranger.put(path, json=values), await stranger.delete(path)):
        assert refusal(response) == (404, "record_not_found")
    refused = await client.as_(cast.member).put(path, json={"field_values": {"size": "many"}})
    assert refusal(refused) == (422, "field_values_invalid")
    assert (await client.as_(cast.owner).get(path)).json()["version"] == 1


async def test_a_recordset_is_replaced_as_a_whole(client: Client, cast: Cast, recordset: dict[str, Any]) -> None:
    owner, path = client.as_(cast.owner), f"{RECORDSETS}/{recordset['id']}"
    record = await create_record(owner, recordset, {"name": "A", "size": 1, "note": "x"})
    fields = [{"key": "size"}, {"key": "name", "name": "Title"}, {"name": "Opened", "type": "date"}]
    replaced = await owner.put(path, json={"name": "Fields", "fields": fields})
    assert replaced.status_code == 200, replaced.text
    shown = replaced.json()
    assert [field["key"] for field in shown["fields"]] == ["size", "name", "opened"]
    assert (shown["name"], shown["slug"], shown["record_count"]) == ("Fields", "airports", 1)
    assert (await owner.get(path)).json()["version"] == shown["version"]
    assert (await owner.get(f"{RECORDS}/{record['id']}")).json()["field_values"] == {"name": "A", "size": 1}
    assert refusal(await client.as_(cast.member).put(path, json={"name": "X", "fields": []}))[0] == 403
    assert refusal(await client.as_(cast.stranger).put(path, json={"name": "X", "fields": []}))[0] == 404


async def test_a_deleted_recordset_takes_its_records_along(
    client: Client, cast: Cast, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    record = await create_record(owner, recordset, {"name": "A"})
    assert refusal(await client.as_(cast.member).delete(f"{RECORDSETS}/{recordset['id']}"))[0] == 403
    assert (await owner.delete(f"{RECORDSETS}/{recordset['id']}")).status_code == 204
    assert refusal(await owner.get(f"{RECORDS}/{record['id']}")) == (404, "record_not_found")
    assert (await owner.get(RECORDSETS)).json()["total"] == 0
    assert (await owner.get("/api/v1/recordsets/trash")).json()["total"] == 1


async def test_counts_are_mended(client: Client, cast: Cast, runtime: Runtime, recordset: dict[str, Any]) -> None:
    owner = client.as_(cast.owner)
    for name in ("A", "B"):
        await create_record(owner, recordset, {"name": name})
    other = await create_recordset(owner, name="Other", fields=FIELDS)
    assert (await owner.post(f"{RECORDSETS}/sync-counts")).json() == {"recordsets": 2, "corrected": 0}
    async with runtime.database.unit(cast.acme) as unit:
        await unit.run("update recordset_counts n set count = n.count + 5 where n.workspace_id = :workspace")
    assert (await owner.get(f"{RECORDSETS}/{recordset['id']}")).json()["record_count"] > 2
    assert (await client.as_(cast.admin).post(f"{RECORDSETS}/sync-counts")).json()["corrected"] >= 1
    assert (await owner.get(f"{RECORDSETS}/{recordset['id']}")).json()["record_count"] == 2
    assert (await owner.get(f"{RECORDSETS}/{other['id']}")).json()["record_count"] == 0
    assert refusal(await client.as_(cast.member).post(f"{RECORDSETS}/sync-counts"))[0] == 403
    assert "recordsets.counted" in await event_types(runtime, cast.acme, entity_id=cast.acme)
