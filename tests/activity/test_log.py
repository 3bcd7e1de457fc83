"""The log of what happened, read from where one has come, and only as far as one may see it."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest

from fostr.domains.activity.log import service
from fostr.kernel.db.unit import observe_statements
from fostr.kernel.events.catalogue import list_event_types
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, create_token
from tests.support.client import Client, refusal
from tests.support.records import create_record, create_recordset, grant

PATH = "/api/v1/events"


@pytest.fixture
async def recordset(client: Client, cast: Cast) -> dict[str, Any]:
    """A recordset of the owner's, which the member may see too."""
    made = await create_recordset(client.as_(cast.owner), fields=[{"name": "Name", "type": "text"}])
    await grant(client.as_(cast.owner), made, cast.member, "can_view")
    return made


async def read(client: Client, **params: Any) -> dict[str, Any]:
    response = await client.get(PATH, params=params)
    assert response.status_code == 200, response.text
    return response.json()


async def read_all(client: Client, **params: Any) -> list[dict[str, Any]]:
    """Follow the pages to the end."""
    items: list[dict[str, Any]] = []
    while True:
        page = await read(client, **params)
        items += page["items"]
        if not page["has_more"]:
            return items
        params["after"] = page["next"]


async def test_what_happened_is_read_in_its_order_from_page_to_page(
    client: Client, cast: Cast, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    records = [await create_record(owner, recordset, {"name": str(number)}) for number in range(5)]
    whole = await read_all(owner)
    assert [item["entity_id"] for item in whole if item["type"] == "record.created"] == [r["id"] for r in records]
    assert await read_all(owner, limit=2) == whole
    assert len({item["id"] for item in whole}) == len(whole)


async def test_an_event_tells_who_did_what_to_which_thing(
    client: Client, cast: Cast, recordset: dict[str, Any]
) -> None:
    record = await create_record(client.as_(cast.owner), recordset, {"name": "Moffett"})
    [item] = await read_all(client.as_(cast.owner), types="record.created")
    assert (item["entity"], item["entity_id"], item["record_id"]) == ("record", record["id"], record["id"])
    assert (item["name"], item["scope_id"], item["scope_name"]) == ("Moffett", recordset["id"], recordset["name"])
    assert item["actor"] == {
        "member_id": str(cast.owner.member_id),
        "user_id": str(cast.owner.user_id),
        "kind": "pat",
        "acting_as": None,
    }
    assert item["cause"]["kind"] == "request"
    assert item["before"] is None
    assert item["after"]["field_values"] == {"name": "Moffett"}
    [shown] = await read_all(client.as_(cast.member), types="record.created")
    assert shown["actor"]["member_id"] == str(cast.owner.member_id)
    assert shown["actor"]["user_id"] is None


async def test_a_caller_goes_on_from_the_last_event_that_they_have(
    client: Client, cast: Cast, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    end = await read(owner, after="latest")
    assert (end["items"], end["has_more"]) == ([], False)
    assert await read(owner, after=end["next"]) == end, "nothing has happened since"
    record = await create_record(owner, recordset, {"name": "New"})
    page = await read(owner, after=end["next"])
    assert [item["entity_id"] for item in page["items"]] == [record["id"]]
    assert page["next"] == page["items"][-1]["id"]


async def test_nobody_reads_what_they_may_not_see_and_the_cursor_goes_on(
    client: Client, cast: Cast, recordset: dict[str, Any]
) -> None:
    owner, viewer = client.as_(cast.owner), client.as_(cast.viewer)
    start = (await read(viewer, after="latest"))["next"]
    for number in range(3):
        await create_record(owner, recordset, {"name": str(number)})
    assert len((await read(client.as_(cast.member), after=start))["items"]) == 3
    hidden = await read(viewer, after=start)
    assert (hidden["items"], hidden["has_more"]) == ([], False)
    assert hidden["next"] == (await read(owner, after="latest"))["next"]


async def test_a_request_looks_at_no_more_than_its_share(client: Client, cast: Cast, recordset: dict[str, Any]) -> None:
    owner, viewer = client.as_(cast.owner), client.as_(cast.viewer)
    start = (await read(viewer, after="latest"))["next"]
    rows = [{"recordset_id": recordset["id"], "field_values": {"name": str(n)}} for n in range(3)]
    for number in range(service.LEAST_LOOKED_AT + 10):
        await create_record(owner, recordset, rows[number % 3]["field_values"])
    page = await read(viewer, after=start, limit=1)
    assert (page["items"], page["has_more"]) == ([], True)
    rest = await read(viewer, after=page["next"], limit=1)
    assert (rest["items"], rest["has_more"]) == ([], False)
    found = await read_all(owner, after=start, limit=7, types="record.created")
    assert len(found) == service.LEAST_LOOKED_AT + 10


async def test_the_number_of_statements_is_constant(client: Client, cast: Cast, recordset: dict[str, Any]) -> None:
    owner = client.as_(cast.owner)
    await create_record(owner, recordset, {"name": "0"})
    few = await count_statements(owner, entity="record")
    for number in range(10):
        await create_record(owner, recordset, {"name": str(number)})
    assert await count_statements(owner, entity="record") == few


async def count_statements(client: Client, **params: Any) -> int:
    seen: list[str] = []
    end = observe_statements(lambda text, _: seen.append(text))
    await read(client, **params)
    end()
    return len(seen)


async def test_the_log_is_filtered(client: Client, cast: Cast, recordset: dict[str, Any]) -> None:
    owner = client.as_(cast.owner)
    other = await create_recordset(owner, fields=[{"name": "Name", "type": "text"}])
    here = await create_record(owner, recordset, {"name": "here"})
    there = await create_record(owner, other, {"name": "there"})
    made = {"here": here["id"], "there": there["id"]}

    async def found(**params: Any) -> set[str]:
        items = await read_all(owner, **params)
        return {name for name, record_id in made.items() if record_id in [item["entity_id"] for item in items]}

    assert await found(types="record.created") == {"here", "there"}
    assert await found(types="record.*, comment.created") == {"here", "there"}
    assert await found(types="record.updated") == set()
    assert await found(entity="record") == {"here", "there"}
    assert await found(entity="record", types="recordset.*") == set()
    assert await found(recordset_id=recordset["id"]) == {"here"}
    kinds = {item["entity"] for item in await read_all(owner, entity="recordset")}
    assert kinds == {"recordset"}


async def test_rare_types_are_found_across_the_whole_log(
    client: Client, cast: Cast, recordset: dict[str, Any], runtime: Runtime
) -> None:
    owner = client.as_(cast.owner)
    await insert_noise(runtime, cast, count=service.SCANNED + 10)
    record = await create_record(owner, recordset, {"name": "rare"})
    start = (await read_all(owner, types="recordset.created"))[0]["id"]
    page = await read(owner, after=start, types="record.created")
    assert (page["items"], page["has_more"]) == ([], True), "it gives up in between"
    found = await read_all(owner, after=start, types="record.created")
    assert [item["entity_id"] for item in found] == [record["id"]]


async def insert_noise(runtime: Runtime, cast: Cast, *, count: int) -> None:
    async with runtime.database.unit(cast.acme) as unit:
        await unit.run_many(
            """
            insert into events (workspace_id, id, type, version, entity, entity_id)
            values (:workspace, :id, 'workspace.updated', 1, 'workspace', :workspace)
            """,
            [{"id": new_id()} for _ in range(count)],
        )


async def test_what_is_left_empty_is_not_asked_for(client: Client, cast: Cast, recordset: dict[str, Any]) -> None:
    owner = client.as_(cast.owner)
    everything = await read(owner)
    assert recordset["id"] in {item["entity_id"] for item in everything["items"]}
    assert await read(owner, after="", types="", entity="") == everything


async def test_what_cannot_be_read_is_refused(client: Client, cast: Cast, recordset: dict[str, Any]) -> None:
    owner = client.as_(cast.owner)
    gone = await owner.get(PATH, params={"after": str(new_id())})
    assert refusal(gone) == (410, "events_gone")
    unknown = await owner.get(PATH, params={"types": "record.created,record.sung"})
    assert refusal(unknown) == (422, "event_type_unknown")
    assert unknown.json()["types"] == ["record.sung"]
    assert refusal(await owner.get(PATH, params={"entity": "unicorn"})) == (422, "event_type_unknown")
    for wrong in ({"after": "yesterday"}, {"limit": 0}, {"limit": 1000}, {"recordset_id": "x"}):
        assert refusal(await owner.get(PATH, params=wrong)) == (422, "validation_failed")


async def test_an_event_of_another_workspace_is_none_to_go_on_from(
    client: Client, cast: Cast, recordset: dict[str, Any]
) -> None:
    foreign = (await read(client.as_(cast.owner), after="latest"))["next"]
    assert refusal(await client.as_(cast.stranger).get(PATH, params={"after": foreign})) == (410, "events_gone")
    stranger = client.as_(cast.stranger, workspace=cast.acme)
    assert (await stranger.get(PATH)).status_code == 404
    assert (await stranger.get(f"{PATH}/types")).status_code == 404


async def test_a_token_that_may_only_read_reads_it(client: Client, cast: Cast, runtime: Runtime) -> None:
    token = await create_token(runtime, cast.member.user_id, scope="read")
    assert (await client.with_token(token, workspace=cast.acme).get(PATH)).status_code == 200


async def test_every_type_is_explained_and_has_a_schema_that_holds(
    client: Client, cast: Cast, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    await create_record(owner, recordset, {"name": "x"})
    listed = {one["name"]: one for one in (await client.as_(cast.viewer).get(f"{PATH}/types")).json()["items"]}
    ours = {one.name for one in list_event_types() if one.schema and one.schema.__module__.startswith("fostr.")}
    assert listed.keys() >= ours
    assert [name for name in ours if not listed[name]["summary"]] == []
    assert listed["record.created"]["is_sent_to_webhooks"]
    assert not listed["notification.read"]["is_sent_to_webhooks"]
    assert (listed["record.created"]["category"], listed["notification.read"]["category"]) == ("record", None)
    for item in await read_all(owner):
        schema = listed[item["type"]]["payload_schema"]
        for payload in filter(None, (item["before"], item["after"])):
            jsonschema_rs.validate(schema, payload)
