"""Single records: created, read, changed, deleted, restored, and refused."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.support.airports import RECORDS, create_airports, list_names, list_page
from tests.support.cast import Cast, create_token
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.support.records import create_record, create_recordset, grant


def path(record: dict[str, Any]) -> str:
    return f"{RECORDS}/{record['id']}"


async def test_a_record_is_kept_as_its_fields_say(client: Client, cast: Cast, runtime: Runtime) -> None:
    airports = await create_airports(client, cast)
    member = client.as_(cast.member)
    values = {
        "name": "  Livingston ",
        "state": "TX",
        "elevation": "1,151.5",
        "opened": "1961-07-01",
        "checked": "2026-01-31T12:00:00+02:00",
        "is_open": "yes",
        "uses": ["cargo", "mail"],
        "lat": 30.68,
        "lng": -95.02,
        "city": "",
        "extra": {"a": [1, None]},
    }
    response = await member.post(
        RECORDS, json={"recordset_id": airports["slug"], "field_values": values, "tags": ["small", "small", "old"]}
    )
    assert response.status_code == 201, response.text
    record = response.json()
    assert response.headers["etag"] == '"1"'
    assert record["field_values"] == {
        "name": "  Livingston ",
        "state": "TX",
        "elevation": 1151.5,
        "opened": "1961-07-01",
        "checked": "2026-01-31T10:00:00Z",
        "is_open": True,
        "uses": ["cargo", "mail"],
        "lat": 30.68,
        "lng": -95.02,
        "extra": {"a": [1, None]},
    }
    assert (record["status"], record["tags"], record["version"]) == ("active", ["small", "old"], 1)
    assert (record["geometry_type"], record["owner_id"]) == ("Point", None)
    assert record["recordset_id"] == airports["id"]
    assert record["created_by"] == record["updated_by"] == str(cast.member.member_id)

    assert (await member.get(path(record))).json() == record
    assert (await list_page(member, airports))["items"] == [record]
    assert await event_types(runtime, cast.acme, entity_id=UUID(record["id"])) == ["record.created"]
    shown = (await client.as_(cast.owner).get(f"/api/v1/recordsets/{airports['id']}")).json()
    assert shown["record_count"] == 1


@pytest.mark.parametrize(
    ("values", "faults"),
    [
        ({}, {"name": "is required"}),
        ({"name": None}, {"name": "is required"}),
        ({"name": "A", "nothing": 1}, {"nothing": "there is no such field"}),
        ({"name": "A", "OPEN": True}, {"OPEN": "there is no such field; OPEN is the name of is_open"}),
        ({"name": "A", "state": "XX"}, {"state": "is not one of the choices"}),
        ({"name": "A", "elevation": 10**400}, {"elevation": "is not a finite number"}),
        ({"name": "A", "elevation": "1e400"}, {"elevation": "is not a finite number"}),
        (
            {"name": "A", "elevation": True, "opened": "soon"},
            {"elevation": "is not a number", "opened": "is not a date"},
        ),
        ({"name": "A\x00B"}, {"name": "holds a NUL character"}),
        ({"name": "A", "uses": ["a\x00"]}, {"uses": "holds a NUL character"}),
        ({"name": "A", "extra": {"a": {"\x00": 1}}}, {"extra": "holds a NUL character"}),
        ({"name": "A", "extra": {"a": 10**30}}, {"extra": "is not JSON"}),
        ({"name": "A", "'; drop table records; --": 1}, {"'; drop table records; --": "there is no such field"}),
    ],
)
async def test_values_that_do_not_fit_are_named(
    client: Client, cast: Cast, values: dict[str, Any], faults: dict[str, str]
) -> None:
    airports = await create_airports(client, cast)
    response = await client.as_(cast.owner).post(RECORDS, json={"recordset_id": airports["id"], "field_values": values})
    assert refusal(response) == (422, "field_values_invalid")
    told = {error["field"]: error["reason"] for error in response.json()["errors"]}
    assert told.keys() == faults.keys()
    assert all(told[key].startswith(reason) for key, reason in faults.items())
    assert (await list_page(client.as_(cast.owner), airports))["total"] == 0


async def test_an_integer_of_any_size_is_kept_as_a_number(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    record = await create_record(client.as_(cast.owner), airports, {"name": "A", "elevation": 10**30, "runways": 2**53})
    assert record["field_values"] == {"name": "A", "elevation": 1e30, "runways": 2**53}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"status": "deleted"}, "status_reserved"),
        ({"status": "No Word"}, "validation_failed"),
        ({"tags": ["a,b"]}, "validation_failed"),
        ({"tags": ["a\x00b"]}, "validation_failed"),
        ({"owner_id": str(new_id())}, "owner_unknown"),
        ({"owner_id": "nobody"}, "validation_failed"),
        ({"title": "Mine"}, "validation_failed"),
    ],
)
async def test_attributes_that_do_not_fit_are_refused(
    client: Client, cast: Cast, change: dict[str, Any], code: str
) -> None:
    airports = await create_airports(client, cast)
    owner = client.as_(cast.owner)
    record = await create_record(owner, airports, {"name": "A"})
    body = {"recordset_id": airports["id"], "field_values": {"name": "B"}, **change}
    assert refusal(await owner.post(RECORDS, json=body)) == (422, code)
    assert refusal(await owner.patch(path(record), json=change)) == (422, code)
    assert (await owner.get(path(record))).json() == record


async def test_a_member_of_another_workspace_cannot_own_a_record(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    owner = client.as_(cast.owner)
    record = await create_record(owner, airports, {"name": "A"})
    stranger = await owner.patch(path(record), json={"owner_id": str(cast.stranger.member_id)})
    assert refusal(stranger) == (422, "owner_unknown")
    given = await owner.patch(path(record), json={"owner_id": str(cast.viewer.member_id)})
    assert given.json()["owner_id"] == str(cast.viewer.member_id)
    taken = await owner.patch(path(record), json={"owner_id": None})
    assert (taken.json()["owner_id"], taken.json()["version"]) == (None, 3)


async def test_a_change_merges_and_null_clears(client: Client, cast: Cast, runtime: Runtime) -> None:
    airports = await create_airports(client, cast)
    member = client.as_(cast.member)
    record = await create_record(member, airports, {"name": "Old", "state": "TX", "lat": 30, "lng": -95, "city": "X"})
    response = await member.patch(path(record), json={"field_values": {"name": "New", "lat": None, "elevation": 5}})
    changed = response.json()
    assert changed["field_values"] == {"name": "New", "state": "TX", "lng": -95, "city": "X", "elevation": 5}
    assert (changed["version"], changed["geometry_type"]) == (2, None)
    assert response.headers["etag"] == '"2"'
    assert (await member.get(path(record))).json() == changed
    # It is found, filtered and sorted by what it holds now.
    assert await list_names(member, airports, search="new") == ["New"]
    assert await list_names(member, airports, search="old") == []
    assert await list_names(member, airports, numeric_filters={"elevation": 5}) == ["New"]
    assert await event_types(runtime, cast.acme, entity_id=UUID(record["id"])) == ["record.created", "record.updated"]


async def test_a_change_of_nothing_makes_no_version(client: Client, cast: Cast, runtime: Runtime) -> None:
    airports = await create_airports(client, cast)
    member = client.as_(cast.member)
    record = await create_record(member, airports, {"name": "Same", "state": "TX"})
    bodies: list[dict[str, Any]] = [
        {},
        {"field_values": {"name": "Same", "city": None}},
        {"tags": [], "status": "active"},
    ]
    for body in bodies:
        assert (await member.patch(path(record), json=body)).json() == record
    assert await event_types(runtime, cast.acme, entity_id=UUID(record["id"])) == ["record.created"]


async def test_a_required_value_cannot_be_cleared(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    owner = client.as_(cast.owner)
    record = await create_record(owner, airports, {"name": "A"})
    for nothing in (None, "", "  "):
        response = await owner.patch(path(record), json={"field_values": {"name": nothing}})
        assert refusal(response) == (422, "field_values_invalid")


async def test_deleted_records_lie_in_the_trash_and_come_back(client: Client, cast: Cast, runtime: Runtime) -> None:
    airports = await create_airports(client, cast)
    member = client.as_(cast.member)
    record = await create_record(member, airports, {"name": "Gone", "state": "CA"})
    kept = await create_record(member, airports, {"name": "Kept"})
    await member.patch(path(record), json={"status": "closed"})

    assert (await member.delete(path(record))).status_code == 204
    assert await list_names(member, airports) == ["Kept"]
    for answer in (
        await member.get(path(record)),
        await member.delete(path(record)),
        await member.patch(path(record), json={"field_values": {"name": "X"}}),
        await member.get(f"{path(record)}/comments"),
        await member.post(f"{path(kept)}/restore"),
    ):
        assert refusal(answer) == (404, "record_not_found")
    # Whoever may take a record out of the trash may know what it was.
    versions = (await member.get(f"{path(record)}/history")).json()["items"]
    assert [entry["operation"] for entry in versions] == ["delete", "update", "create"]
    trash = await list_page(member, airports, status="deleted", search="gone", column_filters={"state": "CA"})
    assert [(item["id"], item["status"], item["version"]) for item in trash["items"]] == [(record["id"], "deleted", 3)]
    assert (trash["total"], trash["total_is_exact"]) == (1, True)

    restored = await member.post(f"{path(record)}/restore")
    assert (restored.json()["status"], restored.json()["version"]) == ("closed", 4)
    assert await list_names(member, airports) == ["Gone", "Kept"]
    assert (await list_page(member, airports))["total"] == 2
    assert (await list_page(member, airports, status="deleted"))["total"] == 0
    assert await event_types(runtime, cast.acme, entity_id=UUID(record["id"])) == [
        "record.created",
        "record.updated",
        "record.deleted",
        "record.restored",
    ]


async def test_who_may_look_may_not_write(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    record = await create_record(client.as_(cast.member), airports, {"name": "A"})
    viewer = client.as_(cast.viewer)
    assert (await viewer.get(path(record))).status_code == 200
    for answer in (
        await viewer.post(RECORDS, json={"recordset_id": airports["id"], "field_values": {"name": "B"}}),
        await viewer.patch(path(record), json={"field_values": {"name": "B"}}),
        await viewer.delete(path(record)),
        await viewer.get(RECORDS, params={"recordset_id": airports["id"], "status": "deleted"}),
    ):
        assert refusal(answer) == (403, "recordset_action_forbidden")
        assert answer.json()["reason"]


async def test_a_scope_that_is_too_small_says_so(client: Client, cast: Cast, runtime: Runtime) -> None:
    airports = await create_airports(client, cast)
    record = await create_record(client.as_(cast.owner), airports, {"name": "A"})
    token = await create_token(runtime, cast.owner.user_id, scope="read")
    reader = client.with_token(token, workspace=cast.acme)
    assert (await reader.get(path(record))).status_code == 200
    assert refusal(await reader.patch(path(record), json={})) == (403, "pat_scope_insufficient")
    assert refusal(await reader.delete(path(record))) == (403, "pat_scope_insufficient")


async def test_ones_own_records_are_those_made_or_owned(client: Client, cast: Cast) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    airports = await create_recordset(owner, fields=[{"key": "name", "name": "Name", "type": "text"}])
    await grant(owner, airports, cast.member, "can_create", "can_edit_own", "can_delete_own")
    made = await create_record(member, airports, {"name": "made"})
    foreign = await create_record(owner, airports, {"name": "foreign"})
    given = await create_record(owner, airports, {"name": "given"})
    await owner.patch(path(given), json={"owner_id": str(cast.member.member_id)})

    for mine in (made, given):
        assert (await member.patch(path(mine), json={"field_values": {"name": "mine"}})).status_code == 200
    refused = await member.patch(path(foreign), json={"field_values": {"name": "mine"}})
    assert refusal(refused) == (403, "recordset_action_forbidden")
    assert refusal(await member.delete(path(foreign))) == (403, "recordset_action_forbidden")

    await owner.delete(path(foreign))
    assert (await member.delete(path(made))).status_code == 204
    # Whose trash it is decides who sees it.
    assert [item["id"] for item in (await list_page(member, airports, status="deleted"))["items"]] == [made["id"]]
    assert (await list_page(owner, airports, status="deleted"))["total"] == 2
    assert [item["id"] for item in (await list_page(member, None, status="deleted"))["items"]] == [made["id"]]
    assert refusal(await member.post(f"{path(foreign)}/restore")) == (403, "recordset_action_forbidden")
    assert (await member.post(f"{path(made)}/restore")).status_code == 200


async def test_nobody_else_knows_of_a_record(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    private = await create_recordset(owner, fields=[{"key": "name", "name": "Name", "type": "text"}])
    record = await create_record(owner, private, {"name": "A"})
    outsiders = [
        client.as_(cast.member),
        client.as_(cast.stranger),
        client.as_(cast.stranger, workspace=cast.acme),
    ]
    for outsider in outsiders:
        for answer in (
            await outsider.get(path(record)),
            await outsider.patch(path(record), json={"field_values": {"name": "B"}}),
            await outsider.delete(path(record)),
            await outsider.post(f"{path(record)}/restore"),
            await outsider.get(RECORDS, params={"recordset_id": private["id"]}),
            await outsider.get(f"{RECORDS}/map", params={"recordset_id": private["id"]}),
            await outsider.post(RECORDS, json={"recordset_id": private["id"], "field_values": {}}),
        ):
            assert answer.status_code == 404, answer.text
    for outsider in outsiders[:2]:
        assert (await list_page(outsider, None))["items"] == []
    assert (await owner.get(path(record))).json() == record
    assert (await owner.get(f"{RECORDS}/{new_id()}")).status_code == 404


async def test_records_of_a_deleted_recordset_are_out_of_reach(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    owner = client.as_(cast.owner)
    record = await create_record(owner, airports, {"name": "A"})
    assert (await owner.delete(f"/api/v1/recordsets/{airports['slug']}")).status_code == 204
    assert refusal(await owner.get(path(record))) == (404, "record_not_found")
    assert (await list_page(owner, None))["items"] == []
    created = await owner.post(RECORDS, json={"recordset_id": airports["id"], "field_values": {"name": "B"}})
    assert refusal(created) == (404, "recordset_not_found")
    named = await owner.post(f"{RECORDS}/bulk-delete", json={"record_ids": [record["id"]]})
    assert named.json()["results"] == [{"record_id": record["id"], "result": "not_found"}]


async def test_only_the_fields_that_were_asked_for(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    viewer = client.as_(cast.viewer)
    record = await create_record(client.as_(cast.owner), airports, {"name": "A", "state": "CA", "secret": "s"})
    narrow = await viewer.get(path(record), params={"fields": "state,city"})
    assert narrow.json()["field_values"] == {"state": "CA"}
    page = await list_page(viewer, airports, fields=" state , name ")
    assert page["items"][0]["field_values"] == {"state": "CA", "name": "A"}
    for unknown in ("nothing", "secret", "state,", "na'me", "*"):
        assert refusal(await viewer.get(path(record), params={"fields": unknown})) == (422, "fields_invalid")
        listed = await viewer.get(RECORDS, params={"recordset_id": airports["id"], "fields": unknown})
        assert refusal(listed) == (422, "fields_invalid")
