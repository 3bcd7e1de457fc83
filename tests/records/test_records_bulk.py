"""Deleting many records at once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.support.airports import RECORDS, create_airports, list_names, list_page
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.support.inspection import StatementInspector
from tests.support.records import create_record, create_recordset, grant

BULK = f"{RECORDS}/bulk-delete"


async def make(client: Client, recordset: dict[str, Any], *names: str) -> list[str]:
    return [(await create_record(client, recordset, {"name": name}))["id"] for name in names]


async def causes(runtime: Runtime, workspace: UUID) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return what the bulk events of a workspace tell: after and cause."""
    async with runtime.database.unit(workspace) as unit:
        rows = await unit.rows(
            """
            select e.after, e.cause from events e
            where e.workspace_id = :workspace and e.type = 'records.deleted' order by e.position
            """
        )
    return [(row["after"], row["cause"]) for row in rows]


async def test_each_id_is_answered_by_itself(client: Client, cast: Cast, runtime: Runtime) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    open_set = await create_airports(client, cast)
    own_only = await create_recordset(owner, name="Own", fields=[{"key": "name", "name": "N", "type": "text"}])
    await grant(owner, own_only, cast.member, "can_create", "can_delete_own")
    private = await create_recordset(owner, name="Private", fields=[{"key": "name", "name": "N", "type": "text"}])
    [anybodys] = await make(owner, open_set, "A")
    [mine] = await make(member, own_only, "B")
    [given, foreign] = await make(owner, own_only, "C", "D")
    [unseen] = await make(owner, private, "E")
    await owner.patch(f"{RECORDS}/{given}", json={"owner_id": str(cast.member.member_id)})
    nothing = str(new_id())
    ids = [foreign, anybodys, mine, nothing, given, unseen, mine]
    expected = ["forbidden", "deleted", "deleted", "not_found", "deleted", "not_found", "deleted"]

    dry = (await member.post(BULK, json={"record_ids": ids, "dry_run": True})).json()
    assert (dry["matched"], dry["deleted"], dry["dry_run"]) == (3, 0, True)
    assert [r["result"] for r in dry["results"]] == [e.replace("deleted", "would_be_deleted") for e in expected]
    assert (await list_page(owner, None))["total"] == 5

    done = (await member.post(BULK, json={"record_ids": ids})).json()
    assert (done["matched"], done["deleted"]) == (3, 3)
    assert [(r["record_id"], r["result"]) for r in done["results"]] == list(zip(ids, expected, strict=True))
    again = (await member.post(BULK, json={"record_ids": ids})).json()
    assert (again["deleted"], {r["result"] for r in again["results"]}) == (0, {"forbidden", "not_found"})

    left = {item["id"] for item in (await list_page(owner, None))["items"]}
    assert left == {foreign, unseen}
    assert (await list_page(owner, None))["total"] == 2
    # One event for each recordset names its records by the cause that their versions carry.
    events = await causes(runtime, cast.acme)
    assert {after["recordset_id"]: after["count"] for after, _ in events} == {open_set["id"]: 1, own_only["id"]: 2}
    assert len({cause["id"] for _, cause in events}) == 1
    async with runtime.database.unit(cast.acme) as unit:
        named = await unit.value(
            """
            select array_agg(v.record_id::text order by v.record_id) from record_versions v
            where v.workspace_id = :workspace and v.operation = 'delete' and v.cause->>'id' = :cause
            """,
            cause=events[0][1]["id"],
        )
    assert named == sorted([anybodys, mine, given])
    assert await event_types(runtime, cast.acme, entity_id=UUID(mine)) == ["record.created"]


async def test_all_that_the_filters_select(client: Client, cast: Cast, runtime: Runtime) -> None:
    airports = await create_airports(client, cast)
    member = client.as_(cast.member)
    for number in range(30):
        state = "CA" if number % 3 == 0 else "NY"
        await create_record(member, airports, {"name": f"R{number:02}", "state": state, "elevation": number})
    body: dict[str, Any] = {
        "recordset_id": airports["slug"],
        "all": True,
        "column_filters": {"state": "CA"},
        "numeric_filters": {"elevation": {"min": 10}},
        "search": "r",
    }
    dry = (await member.post(BULK, json={**body, "dry_run": True})).json()
    assert dry == {"dry_run": True, "matched": 6, "deleted": 0, "results": []}
    done = (await member.post(BULK, json=body)).json()
    assert done == {"dry_run": False, "matched": 6, "deleted": 6, "results": []}
    assert (await list_page(member, airports))["total"] == 24
    assert await list_names(member, airports, column_filters={"state": "CA"}) == ["R00", "R03", "R06", "R09"]
    history = (await member.get(RECORDS, params={"recordset_id": airports["id"], "status": "deleted"})).json()
    assert {item["version"] for item in history["items"]} == {2}

    everything = (await member.post(BULK, json={"recordset_id": airports["id"], "all": True})).json()
    assert everything["deleted"] == 24
    nothing = (await member.post(BULK, json={"recordset_id": airports["id"], "all": True})).json()
    assert nothing["deleted"] == 0
    assert (await list_page(member, airports))["total"] == 0
    assert (await list_page(member, airports, status="deleted"))["total"] == 30
    assert [after["count"] for after, _ in await causes(runtime, cast.acme)] == [6, 24]
    # Each version of so many has an id of its own, and each record can still be told and restored by itself.
    gone = (await list_page(member, airports, status="deleted", page_size=1))["items"][0]["id"]
    assert (await member.post(f"{RECORDS}/{gone}/restore")).status_code == 200
    entries = (await member.get(f"{RECORDS}/{gone}/history")).json()["items"]
    assert [entry["operation"] for entry in entries] == ["restore", "delete", "create"]


async def test_who_may_not_delete(client: Client, cast: Cast) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    airports = await create_airports(client, cast)
    [record] = await make(owner, airports, "A")
    everything = {"recordset_id": airports["id"], "all": True}
    viewer = client.as_(cast.viewer)
    assert refusal(await viewer.post(BULK, json=everything)) == (403, "recordset_action_forbidden")
    named = await viewer.post(BULK, json={"record_ids": [record]})
    assert named.json()["results"] == [{"record_id": record, "result": "forbidden"}]

    own_only = await create_recordset(owner, name="Own", fields=[{"key": "name", "name": "N", "type": "text"}])
    await grant(owner, own_only, cast.member, "can_create", "can_delete_own")
    refused = await member.post(BULK, json={"recordset_id": own_only["id"], "all": True})
    assert refusal(refused) == (403, "recordset_action_forbidden")
    stranger = client.as_(cast.stranger)
    assert refusal(await stranger.post(BULK, json=everything)) == (404, "recordset_not_found")
    unseen = await stranger.post(BULK, json={"record_ids": [record]})
    assert unseen.json()["results"] == [{"record_id": record, "result": "not_found"}]
    assert (await list_page(owner, airports))["total"] == 1


async def test_a_recordset_narrows_ids(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    one, other = await create_airports(client, cast), await create_airports(client, cast, name="Other")
    [a], [b] = await make(owner, one, "A"), await make(owner, other, "B")
    done = (await owner.post(BULK, json={"recordset_id": one["id"], "record_ids": [a, b]})).json()
    assert [result["result"] for result in done["results"]] == ["deleted", "not_found"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "validation_failed"),
        ({"all": True}, "validation_failed"),
        ({"record_ids": []}, "validation_failed"),
        ({"record_ids": ["x"]}, "validation_failed"),
        ({"all": True, "record_ids": [str(new_id())], "recordset_id": "here"}, "validation_failed"),
        ({"record_ids": [str(new_id())], "column_filters": {}}, "validation_failed"),
        ({"record_ids": [str(new_id())], "search": "x"}, "validation_failed"),
        ({"all": True, "recordset_id": "here", "column_filters": {"nothing": 1}}, "filter_invalid"),
        ({"all": True, "recordset_id": "here", "numeric_filters": {"elevation": 10**30}, "search": "x"}, None),
        ({"all": True, "recordset_id": "here", "column_filters": {"extra": "x"}}, "filter_invalid"),
        ({"all": True, "recordset_id": "here", "status": "deleted"}, "status_reserved"),
    ],
)
async def test_what_cannot_be_meant(client: Client, cast: Cast, body: dict[str, Any], code: str | None) -> None:
    airports = await create_airports(client, cast)
    [_] = await make(client.as_(cast.owner), airports, "A")
    sent = {**body, "recordset_id": airports["id"]} if body.get("recordset_id") else body
    answer = await client.as_(cast.owner).post(BULK, json=sent)
    if code is None:
        assert refusal(answer) == (422, "filter_invalid")
    else:
        assert refusal(answer) == (422, code)
    assert (await list_page(client.as_(cast.owner), airports))["total"] == 1


async def test_as_many_statements_for_one_as_for_fifty(
    client: Client, cast: Cast, inspector: StatementInspector
) -> None:
    airports = await create_airports(client, cast)
    owner = client.as_(cast.owner)
    counts: list[int] = []
    for wanted in (1, 50):
        ids = await make(owner, airports, *(f"R{number}" for number in range(wanted)))
        before = inspector.count
        assert (await owner.post(BULK, json={"record_ids": ids})).json()["deleted"] == wanted
        counts.append(inspector.count - before)
    assert counts[0] == counts[1]
