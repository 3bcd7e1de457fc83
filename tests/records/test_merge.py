"""Making one record of several that stand for the same thing."""

from __future__ import annotations

from typing import Any

from fostr.kernel.ids import new_id
from tests.support.airports import RECORDS, create_airports, list_names, list_page
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.records import create_record, create_recordset, grant
from tests.support.rules import create_rule, leaf

MERGE, DUPLICATES = f"{RECORDS}/merge", f"{RECORDS}/duplicates"


async def merge(client: Client, recordset: dict[str, Any], target: Any, *sources: Any, **more: Any) -> dict[str, Any]:
    body = {
        "recordset_id": recordset["id"],
        "target_id": target["id"],
        "source_ids": [source["id"] for source in sources],
        **more,
    }
    answer = await client.post(MERGE, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def comments(client: Client, record: dict[str, Any]) -> list[str]:
    answer = await client.get(f"{RECORDS}/{record['id']}/comments")
    assert answer.status_code == 200, answer.text
    return [entry["text"] for entry in answer.json()["items"]]


async def undo(client: Client, change_id: str) -> dict[str, Any]:
    answer = await client.post(f"{RECORDS}/changes/{change_id}/undo", json={})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_values_tags_and_comments_come_together(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    member = client.as_(cast.member)
    kept = await create_record(member, airports, {"name": "A", "state": "CA"})
    first = await create_record(member, airports, {"name": "B", "city": "X", "elevation": 1})
    second = await create_record(member, airports, {"name": "C", "city": "Y", "runways": 2})
    for record, text in ((kept, "on A"), (first, "on B"), (second, "on C")):
        await member.post(f"{RECORDS}/{record['id']}/comments", json={"text": text})
    await member.patch(f"{RECORDS}/{first['id']}", json={"tags": ["t"]})
    chosen = {"name": "merged", "elevation": None}
    dry = await merge(member, airports, kept, first, second, field_values=chosen, dry_run=True)
    assert dry["record"]["field_values"] == {"name": "merged", "state": "CA", "city": "X", "runways": 2}
    assert (dry["change_id"], (await list_page(member, airports))["total"]) == (None, 3)

    done = await merge(member, airports, kept, first, second, field_values=chosen)
    assert done["record"]["field_values"] == dry["record"]["field_values"]
    shown = (await member.get(f"{RECORDS}/{kept['id']}")).json()
    assert {**shown, "created_at": None, "updated_at": None} == {
        **done["record"],
        "created_at": None,
        "updated_at": None,
    }
    assert (shown["tags"], shown["version"], shown["title"]) == (["t"], 2, "merged")
    assert await list_names(member, airports) == ["merged"]
    assert await comments(member, kept) == ["on A", "on B", "on C"]
    [entry, _] = (await member.get(f"{RECORDS}/{kept['id']}/history")).json()["items"]
    assert entry["cause"]["merged_ids"] == [first["id"], second["id"]]
    gone = (await member.get(f"{RECORDS}/{first['id']}/history")).json()["items"]
    assert (gone[0]["operation"], gone[0]["cause"]["merged_into"]) == ("delete", kept["id"])

    back = await undo(member, done["change_id"])
    assert (back["undone"], back["refused"]) == (3, 0)
    assert sorted(await list_names(member, airports)) == ["A", "B", "C"]
    assert [await comments(member, record) for record in (kept, first, second)] == [["on A"], ["on B"], ["on C"]]
    assert (await member.get(f"{RECORDS}/{kept['id']}")).json()["tags"] == []
    await undo(member, back["undo_id"])
    assert await comments(member, kept) == ["on A", "on B", "on C"]
    assert await list_names(member, airports) == ["merged"]


async def test_links_lead_to_the_record_that_stays(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    airports = await create_airports(client, cast)
    fields = [
        {"key": "name", "name": "Name", "type": "text"},
        {"key": "stops", "name": "Stops", "type": "link", "options": {"recordset": airports["id"]}},
    ]
    routes = await create_recordset(owner, name="Routes", fields=fields)
    kept, gone, other = [await create_record(owner, airports, {"name": name}) for name in "ABC"]
    route = await create_record(owner, routes, {"name": "R", "stops": [gone["id"], other["id"]]})
    both = await create_record(owner, routes, {"name": "S", "stops": [kept["id"], gone["id"]]})
    # Who merges need not see what links to the records.
    done = await merge(client.as_(cast.member), airports, kept, gone)
    assert done["relinked"] == 2

    async def stops(record: dict[str, Any]) -> list[str]:
        return (await owner.get(f"{RECORDS}/{record['id']}")).json()["field_values"]["stops"]

    assert (await stops(route), await stops(both)) == ([kept["id"], other["id"]], [kept["id"]])
    back = await undo(owner, done["change_id"])
    assert (back["undone"], back["refused"]) == (3, 0)
    assert (await stops(route), await stops(both)) == ([gone["id"], other["id"]], [kept["id"], gone["id"]])


async def test_who_may_merge(client: Client, cast: Cast) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    own = await create_recordset(owner, name="Own", fields=[{"key": "name", "name": "N", "type": "text"}])
    await grant(owner, own, cast.member, "can_create", "can_edit", "can_delete_own")
    theirs, mine = await create_record(owner, own, {"name": "A"}), await create_record(member, own, {"name": "B"})
    body = {"recordset_id": own["id"], "target_id": mine["id"], "source_ids": [theirs["id"]]}
    assert refusal(await member.post(MERGE, json=body)) == (403, "recordset_action_forbidden")
    assert refusal(await client.as_(cast.stranger).post(MERGE, json=body)) == (404, "recordset_not_found")
    for unknown in ({"source_ids": [str(new_id())]}, {"target_id": str(new_id())}):
        assert refusal(await owner.post(MERGE, json={**body, **unknown})) == (404, "record_not_found")
    itself = {**body, "source_ids": [mine["id"]]}
    assert refusal(await owner.post(MERGE, json=itself)) == (422, "merge_invalid")
    bad = {**body, "field_values": {"nothing": 1}}
    assert refusal(await owner.post(MERGE, json=bad)) == (422, "field_values_invalid")
    assert refusal(await owner.post(MERGE, json={**body, "source_ids": []})) == (422, "validation_failed")
    swapped = {**body, "target_id": theirs["id"], "source_ids": [mine["id"]]}
    assert (await member.post(MERGE, json=swapped)).status_code == 200
    assert refusal(await owner.post(MERGE, json=body)) == (404, "record_not_found")


async def test_duplicates_are_found(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    member = client.as_(cast.member)
    made: dict[str, list[str]] = {}
    for name, state in [("A", "CA"), ("a ", "CA"), ("A", "NY"), ("B", "CA"), ("B", "CA"), ("B", "CA"), ("C", None)]:
        record = await create_record(member, airports, {"name": name, "state": state})
        made.setdefault(name.strip().upper(), []).append(record["id"])
    gone = await create_record(member, airports, {"name": "C"})
    await member.delete(f"{RECORDS}/{gone['id']}")

    async def find(**body: Any) -> dict[str, Any]:
        answer = await member.post(DUPLICATES, json={"recordset_id": airports["slug"], **body})
        assert answer.status_code == 200, answer.text
        return answer.json()

    by_name = await find(match_on=["name"])
    assert by_name["total"] == 2
    assert [(group["count"], group["record_ids"]) for group in by_name["items"]] == [(3, made["A"]), (3, made["B"])]
    assert by_name["items"][0]["values"] == {"name": "A"}
    exact = await find(match_on=["name"], ignore_case=False)
    assert [group["values"]["name"] for group in exact["items"]] == ["B", "A"]
    by_both = await find(match_on=["name", "state"], page_size=1)
    assert (by_both["total"], by_both["has_more"], by_both["items"][0]["count"]) == (2, True, 3)
    narrowed = await find(match_on=["name"], column_filters={"state": "NY"})
    assert narrowed == {"items": [], "total": 0, "has_more": False}
    body = {"recordset_id": airports["id"], "match_on": ["secret"]}
    assert refusal(await member.post(DUPLICATES, json=body)) == (422, "match_on_invalid")
    assert refusal(await client.as_(cast.stranger).post(DUPLICATES, json=body)) == (404, "recordset_not_found")


async def test_the_history_names_only_merged_records_that_the_reader_may_see(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    owner = client.as_(cast.owner)
    kept, open_one = [await create_record(owner, airports, {"name": name, "state": "CA"}) for name in ("A", "B")]
    hidden = await create_record(owner, airports, {"name": "C", "state": "TX"})
    await create_rule(owner, airports, leaf("state", "eq", "CA"), member_ids=[str(cast.member.member_id)])
    await merge(owner, airports, kept, open_one, hidden)

    async def merged(reader: Client) -> list[str]:
        history = await reader.get(f"{RECORDS}/{kept['id']}/history")
        assert history.status_code == 200, history.text
        return history.json()["items"][0]["cause"]["merged_ids"]

    assert await merged(owner) == [open_one["id"], hidden["id"]]
    assert await merged(client.as_(cast.member)) == [open_one["id"]]
