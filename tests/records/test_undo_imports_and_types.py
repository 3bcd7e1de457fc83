"""Undoing an import, and the change of a field's type."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from tests.support.airports import RECORDS, create_airports, list_names, list_page
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.records import create_record

CHANGES = f"{RECORDS}/changes"


async def last(client: Client, recordset: dict[str, Any]) -> dict[str, Any]:
    answer = await client.get(CHANGES, params={"recordset_id": recordset["id"], "limit": 1})
    assert answer.status_code == 200, answer.text
    return answer.json()["items"][0]


async def undo(client: Client, change_id: str, **options: Any) -> dict[str, Any]:
    answer = await client.post(f"{CHANGES}/{change_id}/undo", json=options)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_an_import_is_undone_whole(client: Client, cast: Cast, run_jobs: Callable[[], Awaitable[None]]) -> None:
    airports = await create_airports(client, cast)
    owner = client.as_(cast.owner)
    await create_record(owner, airports, {"name": "before"})
    content = "name,city\n" + "".join(f"R{number},X\n" for number in range(5))
    upload = await owner.post("/api/v1/import/upload", files={"file": ("a.csv", content, "text/csv")})
    assert upload.status_code == 200, upload.text
    started = await owner.post(
        f"/api/v1/import/recordsets/{airports['id']}",
        json={"file_uri": upload.json()["file_uri"], "field_mappings": {"name": "name", "city": "city"}},
    )
    assert started.status_code == 200, started.text
    await run_jobs()
    assert (await list_page(owner, airports))["total"] == 6
    change = await last(owner, airports)
    assert (change["type"], change["count"]) == ("record.imported", 5)
    touched = (await list_page(owner, airports, search="r3"))["items"][0]["id"]
    await owner.patch(f"{RECORDS}/{touched}", json={"field_values": {"city": "mine"}})
    done = await undo(owner, change["id"])
    assert (done["undone"], done["refused"]) == (4, 1)
    assert done["conflicts"][0]["record_id"] == touched
    assert sorted(await list_names(owner, airports)) == ["R3", "before"]
    await undo(owner, done["undo_id"])
    assert (await list_page(owner, airports))["total"] == 6


async def test_a_type_change_is_undone_with_the_values_that_it_lost(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    owner = client.as_(cast.owner)
    path = f"/api/v1/recordsets/{airports['slug']}"
    records = [await create_record(owner, airports, {"name": "A", "city": city}) for city in ("12", "many", "013")]

    async def cities() -> list[Any]:
        shown = [(await owner.get(f"{RECORDS}/{record['id']}")).json() for record in records]
        return [record["field_values"].get("city") for record in shown]

    change = {"fields": [{"key": "city", "type": "number", "accept_loss": True}]}
    changed = await owner.patch(path, json=change)
    assert changed.status_code == 200, changed.text
    assert await cities() == [12, None, 13]
    done = await last(owner, airports)
    assert done["type"] == "recordset.field_retyped"
    await owner.patch(f"{RECORDS}/{records[0]['id']}", json={"field_values": {"city": 14}})
    dry = await undo(owner, done["id"], dry_run=True)
    assert (dry["undone"], dry["refused"]) == (2, 0)
    assert await cities() == [14, None, 13]
    back = await undo(owner, done["id"])
    assert (back["undone"], back["refused"], back["state"]) == (2, 0, "undone")
    # What was set since is converted; the others have what they had, and not what a conversion back would make.
    assert await cities() == ["14", "many", "013"]
    assert refusal(await owner.post(f"{CHANGES}/{done['id']}/undo", json={})) == (409, "change_undone")
    await undo(owner, back["undo_id"])
    assert await cities() == [14, None, 13]


async def test_an_import_that_also_changed_records_is_undone_with_them(
    client: Client, cast: Cast, run_jobs: Callable[[], Awaitable[None]]
) -> None:
    airports = await create_airports(client, cast)
    owner = client.as_(cast.owner)
    kept = await create_record(owner, airports, {"name": "A", "city": "old"})
    touched = await create_record(owner, airports, {"name": "B", "city": "old"})
    upload = await owner.post("/api/v1/import/upload", files={"file": ("a.csv", "name,city\nA,new\nB,new\nC,new\n")})
    body = {
        "file_uri": upload.json()["file_uri"],
        "field_mappings": {"name": "name", "city": "city"},
        "match_on": ["name"],
    }
    started = await owner.post(f"/api/v1/import/recordsets/{airports['id']}", json=body)
    assert started.status_code == 200, started.text
    await run_jobs()
    await owner.patch(f"{RECORDS}/{touched['id']}", json={"field_values": {"city": "mine"}})
    change = await last(owner, airports)
    if change["type"] != "record.imported":
        listed = (await owner.get(CHANGES, params={"recordset_id": airports["id"]})).json()["items"]
        change = next(entry for entry in listed if entry["type"] == "record.imported")
    done = await undo(owner, change["id"])
    assert (done["undone"], done["refused"]) == (2, 1), done
    assert done["conflicts"] == [
        {"record_id": touched["id"], "fields": ["city"], "reason": done["conflicts"][0]["reason"]}
    ]
    shown = {item["title"]: item["field_values"]["city"] for item in (await list_page(owner, airports))["items"]}
    assert shown == {"A": "old", "B": "mine"}
    history = (await owner.get(f"{RECORDS}/{kept['id']}/history")).json()["items"]
    assert [entry["cause"]["kind"] for entry in history[:2]] == ["undo", "import"]
