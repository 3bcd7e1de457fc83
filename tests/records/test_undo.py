"""Undoing what somebody did as one thing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.support.airports import RECORDS, create_airports, list_names, list_page
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.records import create_record, create_recordset, grant

CHANGES = f"{RECORDS}/changes"


async def changes(client: Client, recordset: dict[str, Any], **params: Any) -> list[dict[str, Any]]:
    answer = await client.get(CHANGES, params={"recordset_id": recordset["id"], **params})
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def last(client: Client, recordset: dict[str, Any]) -> str:
    return (await changes(client, recordset, limit=1))[0]["id"]


async def undo(client: Client, change_id: str, **options: Any) -> dict[str, Any]:
    answer = await client.post(f"{CHANGES}/{change_id}/undo", json=options)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def bulk(client: Client, verb: str, recordset: dict[str, Any], **body: Any) -> dict[str, Any]:
    answer = await client.post(f"{RECORDS}/{verb}", json={"recordset_id": recordset["id"], **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def values(client: Client, record: dict[str, Any] | str) -> dict[str, Any]:
    record_id = record if isinstance(record, str) else record["id"]
    return (await client.get(f"{RECORDS}/{record_id}")).json()["field_values"]


async def test_a_cell_is_undone_and_the_others_stay(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    record = await create_record(member, airports, {"name": "A", "city": "X", "state": "CA"})
    path = f"{RECORDS}/{record['id']}"
    await member.patch(path, json={"field_values": {"name": "B", "city": None}, "tags": ["t"]})
    mine = await last(member, airports)
    await owner.patch(path, json={"field_values": {"state": "NY", "city": "Z"}})
    dry = await undo(member, mine, dry_run=True)
    assert (dry["undone"], dry["refused"], dry["state"]) == (1, 1, "done")
    assert (await values(member, record))["name"] == "B"

    done = await undo(member, mine)
    assert (done["undone"], done["skipped"], done["refused"], done["state"]) == (1, 0, 1, "partly_undone")
    assert done["conflicts"] == [
        {"record_id": record["id"], "fields": ["city"], "reason": "somebody has changed it since"}
    ]
    assert await values(member, record) == {"name": "A", "city": "Z", "state": "NY"}
    assert (await member.get(path)).json()["tags"] == []
    assert await list_names(member, airports, search="a") == ["A"]
    [newest, *_] = (await member.get(f"{path}/history")).json()["items"]
    assert (newest["cause"]["kind"], newest["changed_by"]["full_name"]) == ("undo", "Member Example")

    forced = await undo(member, mine, force=True)
    assert (forced["undone"], forced["state"]) == (1, "undone")
    assert (await values(member, record))["city"] == "X"
    assert refusal(await member.post(f"{CHANGES}/{mine}/undo", json={})) == (409, "change_undone")
    # What was overwritten can be had again: an undo can be undone.
    await undo(member, forced["undo_id"])
    assert (await values(member, record))["city"] == "Z"


async def test_each_single_write_goes_back_and_forth(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    member = client.as_(cast.member)
    record = await create_record(member, airports, {"name": "A", "lat": 1, "lng": 2})
    path = f"{RECORDS}/{record['id']}"
    created = await last(member, airports)
    await member.patch(path, json={"status": "shut", "owner_id": str(cast.viewer.member_id)})
    changed = await last(member, airports)
    await member.delete(path)
    deleted = await last(member, airports)
    assert (await undo(member, deleted))["undone"] == 1
    assert (await member.get(path)).json()["status"] == "shut"
    assert (await list_page(member, airports))["total"] == 1
    await member.delete(path)
    await member.post(f"{path}/restore")
    restored = await last(member, airports)
    assert (await undo(member, restored))["undone"] == 1
    assert (await member.get(path)).status_code == 404
    again = await undo(member, await last(member, airports))
    assert again["undone"] == 1
    assert (await undo(member, changed))["undone"] == 1
    shown = (await member.get(path)).json()
    assert (shown["status"], shown["owner_id"], shown["geometry_type"]) == ("active", None, "Point")
    done = await undo(member, created)
    assert (await list_page(member, airports))["total"] == 0
    await undo(member, done["undo_id"])
    assert await list_names(member, airports) == ["A"]


async def test_a_record_that_was_changed_since_is_not_taken_away(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    record = await create_record(member, airports, {"name": "A"})
    created = await last(member, airports)
    await owner.patch(f"{RECORDS}/{record['id']}", json={"field_values": {"city": "X", "secret": "s"}})
    done = await undo(member, created)
    assert (done["undone"], done["refused"], done["state"]) == (0, 1, "done")
    # What is hidden from the caller is not named either.
    assert done["conflicts"][0]["fields"] == ["city"]
    await owner.patch(f"{RECORDS}/{record['id']}", json={"field_values": {"city": None, "secret": None}})
    assert (await undo(member, created))["state"] == "undone"


async def test_a_paste_a_bulk_delete_and_an_upsert(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    rows = [{"field_values": {"name": f"R{number:02}", "state": "CA"}} for number in range(20)]
    pasted = await bulk(member, "bulk-create", airports, records=rows)
    ids = [entry["record_id"] for entry in pasted["results"]]
    cells = [{"id": record_id, "field_values": {"city": "X", "state": "NY"}} for record_id in ids]
    changed = await bulk(member, "bulk-update", airports, records=cells)
    await owner.patch(f"{RECORDS}/{ids[0]}", json={"field_values": {"city": "mine"}})
    report = await undo(member, changed["change_id"])
    assert (report["count"], report["undone"], report["refused"]) == (20, 20, 1)
    assert len(await list_names(member, airports, column_filters={"state": "CA"})) == 20
    assert await values(member, ids[0]) == {"name": "R00", "state": "CA", "city": "mine"}

    upserted = await bulk(
        member,
        "upsert",
        airports,
        match_on=["name"],
        records=[{"field_values": {"name": name, "state": "TX"}} for name in ("R01", "R02", "N1", "N2")],
    )
    assert (upserted["created"], upserted["updated"]) == (2, 2)
    back = await undo(member, upserted["change_id"])
    assert (back["undone"], back["refused"]) == (4, 0)
    assert (await list_page(member, airports))["total"] == 20
    await undo(member, back["undo_id"])
    assert sorted(await list_names(member, airports, column_filters={"state": "TX"})) == ["N1", "N2", "R01", "R02"]

    await bulk(member, "bulk-delete", airports, all=True, column_filters={"state": "CA"})
    deleted = await last(member, airports)
    assert (await list_page(member, airports))["total"] == 4
    assert (await undo(member, deleted))["undone"] == 18
    assert (await list_page(member, airports))["total"] == 22
    created = await undo(member, pasted["change_id"])
    # One has another city since, two are of another state.
    assert (created["undone"], created["refused"]) == (17, 3)


async def test_the_list_tells_what_one_did(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    record = await create_record(member, airports, {"name": "A"})
    await owner.patch(f"{RECORDS}/{record['id']}", json={"field_values": {"name": "B"}})
    await bulk(member, "bulk-create", airports, records=[{"field_values": {"name": "C"}}] * 3)
    await create_record(member, await create_airports(client, cast, name="Other"), {"name": "D"})
    listed = await changes(member, airports)
    assert [(entry["type"], entry["count"], entry["record_id"]) for entry in listed] == [
        ("records.created", 3, None),
        ("record.created", 1, record["id"]),
    ]
    assert listed[0]["made_by"]["full_name"] == "Member Example"
    everybody = await changes(owner, airports, mine=False)
    assert [entry["type"] for entry in everybody] == ["records.created", "record.updated", "record.created"]
    first = (await owner.get(CHANGES, params={"recordset_id": airports["id"], "mine": False, "limit": 2})).json()
    rest = await changes(owner, airports, mine=False, before=first["next_before"])
    assert [*first["items"], *rest] == everybody
    await undo(member, listed[0]["id"])
    states = [(entry["type"], entry["state"]) for entry in await changes(member, airports)]
    assert states == [("records.undone", "done"), ("records.created", "undone"), ("record.created", "done")]
    assert refusal(await member.get(CHANGES, params={"recordset_id": airports["id"], "mine": False})) == (
        403,
        "recordset_action_forbidden",
    )


async def test_who_may_undo(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    record = await create_record(owner, airports, {"name": "A"})
    theirs = await last(owner, airports)
    await member.patch(f"{RECORDS}/{record['id']}", json={"field_values": {"name": "B"}})
    mine = await last(member, airports)
    path = f"{CHANGES}/{theirs}"
    assert refusal(await member.post(f"{path}/undo", json={})) == (403, "recordset_action_forbidden")
    assert refusal(await member.get(path)) == (403, "recordset_action_forbidden")
    for who, unknown in ((client.as_(cast.stranger), path), (owner, f"{CHANGES}/{new_id()}")):
        assert refusal(await who.post(f"{unknown}/undo", json={})) == (404, "change_not_found")
    assert refusal(await owner.post(f"{path}/undo", json={"all": True})) == (422, "validation_failed")
    assert (await undo(owner, mine, dry_run=True))["undone"] == 1

    # The rights of now count, not those of then.
    own = await create_recordset(owner, name="Own", fields=[{"key": "name", "name": "N", "type": "text"}])
    await grant(owner, own, cast.member, "can_create", "can_edit")
    made = await create_record(member, own, {"name": "A"})
    created = await last(member, own)
    await member.patch(f"{RECORDS}/{made['id']}", json={"field_values": {"name": "B"}})
    changed = await last(member, own)
    await grant(owner, own, cast.member, "can_view")
    for change in (created, changed):
        refused = await undo(member, change, force=True)
        assert (refused["undone"], refused["refused"]) == (0, 1)
        assert refused["conflicts"][0]["reason"] == "you may not do this to the record"
    assert (await undo(owner, changed))["undone"] == 1
    assert (await get_report(owner, changed))["state"] == "undone"


async def get_report(client: Client, change_id: str) -> dict[str, Any]:
    answer = await client.get(f"{CHANGES}/{change_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_many_by_a_job(
    client: Client, cast: Cast, run_jobs: Callable[[], Awaitable[None]], runtime: Runtime
) -> None:
    airports = await create_airports(client, cast)
    member = client.as_(cast.member)
    rows = [{"field_values": {"name": f"R{number}"}} for number in range(1_500)]
    made = await bulk(member, "bulk-create", airports, records=rows)
    started = await undo(member, made["change_id"])
    assert (started["state"], started["undone"]) == ("undoing", 0)
    again = await undo(member, made["change_id"])
    assert (again["state"], again["job_id"]) == ("undoing", started["job_id"])
    await run_jobs()
    done = await get_report(member, made["change_id"])
    assert (done["state"], done["undone"], done["count"]) == ("undone", 1_500, 1_500)
    assert (await list_page(member, airports, count="exact"))["total"] == 0
    async with runtime.database.unit(cast.acme) as unit:
        told = await unit.rows(
            "select e.after, e.cause from events e where e.workspace_id = :workspace and e.type = 'records.undone'"
        )
    assert [(row["after"]["count"], row["cause"]["count"]) for row in told] == [(1_500, 1_500)]
    await undo(member, done["undo_id"])
    await run_jobs()
    assert (await list_page(member, airports, count="exact"))["total"] == 1_500


@pytest.mark.parametrize("gone", ["field", "record"])
async def test_what_cannot_be_had_again(client: Client, cast: Cast, gone: str) -> None:
    airports = await create_airports(client, cast)
    owner = client.as_(cast.owner)
    record = await create_record(owner, airports, {"name": "A", "city": "X"})
    path = f"{RECORDS}/{record['id']}"
    await owner.patch(path, json={"field_values": {"city": "Y", "elevation": 1}})
    change = await last(owner, airports)
    if gone == "record":
        await owner.delete(path)
        refused = await undo(owner, change)
        assert refused["conflicts"][0]["reason"] == "the record is in the trash"
        assert (refused["undone"], refused["state"]) == (0, "done")
        return
    changed = await owner.patch(f"/api/v1/recordsets/{airports['slug']}", json={"remove_fields": ["city"]})
    assert changed.status_code == 200, changed.text
    done = await undo(owner, change)
    assert (done["undone"], done["refused"]) == (1, 1)
    assert "elevation" not in await values(owner, record)
