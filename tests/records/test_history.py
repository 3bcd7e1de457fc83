"""The history of a record: what changed, by whom and why; and going back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.support.airports import RECORDS, create_airports
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.inspection import StatementInspector
from tests.support.records import create_record, create_recordset, grant


async def entries(client: Client, record: dict[str, Any], **params: Any) -> list[dict[str, Any]]:
    response = await client.get(f"{RECORDS}/{record['id']}/history", params=params)
    assert response.status_code == 200, response.text
    return response.json()["items"]


async def test_every_change_is_told_the_newest_first(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    owner, member, viewer = (client.as_(person) for person in (cast.owner, cast.member, cast.viewer))
    record = await create_record(member, airports, {"name": "A", "state": "CA", "city": "X"})
    path = f"{RECORDS}/{record['id']}"
    request_id = "the-request-4711"
    await owner.patch(
        path,
        json={"field_values": {"state": "NY", "city": None, "elevation": 3}, "tags": ["t"]},
        headers={"X-Request-Id": request_id},
    )
    await member.patch(path, json={"status": "shut", "owner_id": str(cast.viewer.member_id)})
    await member.delete(path)
    await member.post(f"{path}/restore")

    told = await entries(viewer, record)
    assert [(entry["version"], entry["operation"]) for entry in told] == [
        (5, "restore"),
        (4, "delete"),
        (3, "update"),
        (2, "update"),
        (1, "create"),
    ]
    assert (told[0]["before"], told[0]["after"]) == ({"status": "deleted"}, {"status": "shut"})
    assert (told[1]["before"], told[1]["after"]) == ({"status": "shut"}, {"status": "deleted"})
    assert told[2]["before"] == {"status": "active", "owner_id": None}
    assert told[2]["after"] == {"status": "shut", "owner_id": str(cast.viewer.member_id)}
    assert told[2]["changed_fields"] == ["status", "owner_id"]
    assert told[3]["before"] == {"field_values": {"state": "CA", "city": "X", "elevation": None}, "tags": []}
    assert told[3]["after"] == {"field_values": {"state": "NY", "city": None, "elevation": 3}, "tags": ["t"]}
    assert sorted(told[3]["changed_fields"]) == ["city", "elevation", "state", "tags"]
    assert told[3]["cause"] == {"kind": "request", "id": request_id}
    assert (told[3]["changed_by"]["id"], told[3]["changed_by"]["full_name"]) == (
        str(cast.owner.member_id),
        "Owner Example",
    )
    # The creation is made up from the record as it was then.
    created = told[4]
    assert (created["id"], created["before"], created["cause"]) == (record["id"], None, None)
    assert created["after"] == {"field_values": {"name": "A", "state": "CA", "city": "X"}}
    assert created["changed_by"]["full_name"] == "Member Example"
    assert datetime.fromisoformat(created["changed_at"]) == datetime.fromisoformat(record["created_at"])


async def test_pages_put_together_are_the_whole(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    owner = client.as_(cast.owner)
    record = await create_record(owner, airports, {"name": "0"})
    for number in range(1, 6):
        await owner.patch(f"{RECORDS}/{record['id']}", json={"field_values": {"name": str(number)}})
    whole = await entries(owner, record)
    for size in (1, 2, 3, 4):
        pages = [await entries(owner, record, page=page, page_size=size) for page in range(1, 8)]
        assert [entry for page in pages for entry in page] == whole
    answer = (await owner.get(f"{RECORDS}/{record['id']}/history", params={"page_size": 4})).json()
    assert (answer["total"], answer["has_more"]) == (6, True)


async def test_going_back_is_a_new_version(client: Client, cast: Cast, runtime: Runtime) -> None:
    airports = await create_airports(client, cast)
    owner = client.as_(cast.owner)
    record = await create_record(owner, airports, {"name": "A", "state": "CA", "lat": 1, "lng": 2})
    path = f"{RECORDS}/{record['id']}"
    await owner.patch(path, json={"field_values": {"name": "B", "elevation": 1}, "tags": ["kept"]})
    await owner.patch(path, json={"field_values": {"name": "C", "lat": None, "elevation": 2}})
    history = {entry["version"]: entry["id"] for entry in await entries(owner, record)}

    second = await owner.post(f"{path}/history/{history[2]}/restore")
    assert second.status_code == 200, second.text
    assert second.json()["field_values"] == {"name": "B", "state": "CA", "lat": 1, "lng": 2, "elevation": 1}
    assert (second.json()["version"], second.json()["tags"], second.json()["title"]) == (4, ["kept"], "B")
    assert second.json()["geometry_type"] == "Point"

    first = await owner.post(f"{path}/history/{history[1]}/restore")
    assert first.json()["field_values"] == record["field_values"]
    told = await entries(owner, record)
    assert [entry["operation"] for entry in told] == ["restore", "restore", "update", "update", "create"]
    assert told[0]["after"] == {"field_values": {"name": "A", "elevation": None}}
    # Back to where it is: nothing happens.
    latest = await owner.post(f"{path}/history/{told[0]['id']}/restore")
    assert latest.json() == first.json()
    async with runtime.database.unit(cast.acme) as unit:
        number = await unit.value(
            "select r.number_1 from records r where r.workspace_id = :workspace and r.id = :id", id=record["id"]
        )
    assert number is None


async def test_what_no_longer_fits_is_refused(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    owner = client.as_(cast.owner)
    record = await create_record(owner, airports, {"name": "A", "state": "CA"})
    path = f"{RECORDS}/{record['id']}"
    await owner.patch(path, json={"field_values": {"state": "NY"}})
    changed = await owner.patch(
        f"/api/v1/recordsets/{airports['slug']}",
        json={"fields": [{"key": "state", "options": {"choices": ["NY", "TX"]}}]},
    )
    assert changed.status_code == 200, changed.text
    back = await owner.post(f"{path}/history/{record['id']}/restore")
    assert refusal(back) == (422, "field_values_invalid")
    assert (await owner.get(path)).json()["version"] == 2


async def test_who_may_look_may_not_go_back(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    owner = client.as_(cast.owner)
    record = await create_record(owner, airports, {"name": "A"})
    other = await create_record(owner, airports, {"name": "B"})
    await owner.patch(f"{RECORDS}/{other['id']}", json={"field_values": {"name": "C"}})
    foreign = (await entries(owner, other))[0]["id"]
    path = f"{RECORDS}/{record['id']}/history"
    viewer = await client.as_(cast.viewer).post(f"{path}/{record['id']}/restore")
    assert refusal(viewer) == (403, "recordset_action_forbidden")
    for entry in (new_id(), foreign, other["id"]):
        answer = await owner.post(f"{path}/{entry}/restore")
        assert refusal(answer) == (404, "history_entry_not_found")
    assert refusal(await owner.post(f"{path}/first/restore")) == (422, "validation_failed")
    stranger = client.as_(cast.stranger)
    assert refusal(await stranger.get(path)) == (404, "record_not_found")
    assert refusal(await stranger.post(f"{path}/{record['id']}/restore")) == (404, "record_not_found")


async def test_as_many_statements_for_one_as_for_fifty(
    client: Client, cast: Cast, inspector: StatementInspector
) -> None:
    airports = await create_airports(client, cast)
    owner = client.as_(cast.owner)
    record = await create_record(owner, airports, {"name": "A"})
    counts: list[int] = []
    for changes in (1, 40):
        for number in range(changes):
            await owner.patch(f"{RECORDS}/{record['id']}", json={"field_values": {"name": f"{changes}.{number}"}})
        before = inspector.count
        told = await entries(owner, record)
        counts.append(inspector.count - before)
    assert len(told) == 42
    assert counts[0] == counts[1]


async def test_a_history_outlives_its_authors_and_follows_into_the_trash(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    record = await create_record(member, airports, {"name": "A"})
    await member.patch(f"{RECORDS}/{record['id']}", json={"field_values": {"name": "B"}})
    removed = await owner.delete(f"/api/v1/workspaces/{cast.acme}/members/{cast.member.member_id}")
    assert removed.status_code == 200, removed.text
    told = await entries(owner, record)
    # By whom stays; what they were called is forgotten with them.
    authors = {(entry["changed_by"]["id"], entry["changed_by"]["full_name"]) for entry in told}
    assert authors == {(str(cast.member.member_id), "Former member")}
    await owner.delete(f"{RECORDS}/{record['id']}")
    assert [entry["operation"] for entry in await entries(owner, record)] == ["delete", "update", "create"]
    unseen = await client.as_(cast.viewer).get(f"{RECORDS}/{record['id']}/history")
    assert refusal(unseen) == (403, "recordset_action_forbidden")


async def test_values_of_a_removed_field_are_in_no_history(
    client: Client, cast: Cast, run_jobs: Callable[[], Awaitable[None]]
) -> None:
    owner = client.as_(cast.owner)
    fields = [{"name": "Name", "type": "text"}, {"name": "Price", "type": "text", "hidden_from": ["viewer"]}]
    recordset = await create_recordset(owner, name="Flats", fields=fields)
    await grant(owner, recordset, cast.viewer, "can_view")
    record = await create_record(owner, recordset, {"name": "A", "price": "a fortune"})
    path = f"/api/v1/records/{record['id']}"
    assert (await owner.patch(path, json={"field_values": {"price": "a song"}})).status_code == 200
    assert "a song" in (await owner.get(f"{path}/history")).text
    removed = await owner.patch(f"/api/v1/recordsets/{recordset['id']}", json={"remove_fields": ["price"]})
    assert removed.status_code == 200, removed.text
    await run_jobs()
    for person in (cast.owner, cast.viewer):
        told = (await client.as_(person).get(f"{path}/history")).text
        assert "a song" not in told
        assert "a fortune" not in told
