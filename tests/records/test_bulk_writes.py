"""Creating and changing many records at once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.support.airports import RECORDS, create_airports, list_names, list_page
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.support.inspection import StatementInspector
from tests.support.records import create_record, create_recordset, grant

CREATE, UPDATE = f"{RECORDS}/bulk-create", f"{RECORDS}/bulk-update"


def rows(*names: str, **values: Any) -> list[dict[str, Any]]:
    return [{"field_values": {"name": name, **values}} for name in names]


async def bulk_create(
    client: Client, recordset: dict[str, Any], records: list[dict[str, Any]], **options: Any
) -> dict[str, Any]:
    answer = await client.post(CREATE, json={"recordset_id": recordset["id"], "records": records, **options})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def bulk_update(
    client: Client, recordset: dict[str, Any], records: list[dict[str, Any]] | None = None, **options: Any
) -> dict[str, Any]:
    body = {"recordset_id": recordset["slug"], **options} | ({} if records is None else {"records": records})
    answer = await client.post(UPDATE, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def results(answer: dict[str, Any]) -> list[str]:
    return [entry["result"] for entry in answer["results"]]


async def test_good_rows_are_created_and_bad_ones_told(client: Client, cast: Cast, runtime: Runtime) -> None:
    airports = await create_airports(client, cast)
    member = client.as_(cast.member)
    records = [
        {"field_values": {"name": "A", "lat": 1, "lng": 2, "elevation": "1,200"}, "tags": ["x", "x", "y"]},
        {"field_values": {"name": "B", "state": "ZZ", "elevation": "high"}},
        {"field_values": {"state": "CA"}},
        {"field_values": {"name": "C", "secret": "s"}},
        {"field_values": {"name": "D", "code": "c"}},
        {"field_values": {"name": "E"}, "status": "deleted"},
        {"field_values": {"name": "F"}, "owner_id": str(new_id())},
        {"field_values": {"name": "G"}, "owner_id": str(cast.viewer.member_id), "status": "shut"},
    ]
    done = await bulk_create(member, airports, records)
    assert results(done) == [
        "created",
        "invalid",
        "invalid",
        "invalid",
        "forbidden",
        "invalid",
        "invalid",
        "created",
    ]
    assert (done["created"], done["refused"], done["matched"]) == (2, 6, 8)
    assert [sorted(error["field"] for error in entry["errors"]) for entry in done["results"]] == [
        [],
        ["elevation", "state"],
        ["name"],
        ["secret"],
        ["code"],
        ["status"],
        ["owner_id"],
        [],
    ]
    first, last = (UUID(done["results"][place]["record_id"]) for place in (0, 7))
    shown = (await member.get(f"{RECORDS}/{first}")).json()
    assert (shown["field_values"], shown["tags"]) == (
        {"name": "A", "lat": 1, "lng": 2, "elevation": 1200},
        ["x", "y"],
    )
    assert (shown["geometry_type"], shown["title"], shown["version"]) == ("Point", "A", 1)
    assert shown["created_by"] == str(cast.member.member_id)
    assert (await member.get(f"{RECORDS}/{last}")).json()["owner_id"] == str(cast.viewer.member_id)
    assert (await list_page(member, airports))["total"] == 2
    assert await list_names(member, airports, search="g") == ["G"]
    assert await list_names(member, airports, numeric_filters={"elevation": {"min": 1000}}) == ["A"]
    told = await event_types(runtime, cast.acme, entity_id=UUID(airports["id"]))
    assert told[-1] == "records.created"
    assert await event_types(runtime, cast.acme, entity_id=first) == []


async def test_all_or_nothing(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    member = client.as_(cast.member)
    records: list[dict[str, Any]] = [*rows("A", "B"), {"field_values": {}}]
    body = {"recordset_id": airports["id"], "records": records, "mode": "all"}
    answer = await member.post(CREATE, json=body)
    assert refusal(answer) == (422, "rows_refused")
    assert answer.json()["rows"] == [
        {
            "row": 2,
            "result": "invalid",
            "record_id": None,
            "version": None,
            "errors": [{"field": "name", "reason": "is required"}],
        }
    ]
    assert (await list_page(member, airports))["total"] == 0
    good = await bulk_create(member, airports, rows("A", "B"), mode="all")
    [a, b] = [entry["record_id"] for entry in good["results"]]
    changes = [{"id": a, "field_values": {"city": "X"}}, {"id": b, "field_values": {"name": None}}]
    refused = await member.post(UPDATE, json={"recordset_id": airports["id"], "records": changes, "mode": "all"})
    assert refusal(refused) == (422, "rows_refused")
    assert (await member.get(f"{RECORDS}/{a}")).json()["version"] == 1


async def test_a_dry_run_writes_nothing(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    member = client.as_(cast.member)
    dry = await bulk_create(member, airports, rows("A", "B"), dry_run=True)
    assert (dry["created"], dry["change_id"], dry["dry_run"]) == (2, None, True)
    assert {entry["record_id"] for entry in dry["results"]} == {None}
    assert (await list_page(member, airports))["total"] == 0
    record = await create_record(member, airports, {"name": "A"})
    dry = await bulk_update(member, airports, [{"id": record["id"], "field_values": {"name": "B"}}], dry_run=True)
    assert (dry["updated"], dry["change_id"]) == (1, None)
    assert await list_names(member, airports) == ["A"]


async def test_each_row_is_changed_by_itself(client: Client, cast: Cast, runtime: Runtime) -> None:
    airports = await create_airports(client, cast)
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    made = await bulk_create(owner, airports, rows("A", "B", "C", "D", "E", state="CA"))
    a, b, c, d, e = (entry["record_id"] for entry in made["results"])
    await owner.patch(f"{RECORDS}/{b}", json={"field_values": {"city": "X"}})
    await owner.delete(f"{RECORDS}/{c}")
    foreign = await create_record(owner, await create_airports(client, cast, name="Other"), {"name": "O"})
    done = await bulk_update(
        member,
        airports,
        [
            {"id": a, "field_values": {"name": "A2", "state": None}, "tags": ["t"], "expected_version": 1},
            {"id": b, "field_values": {"name": "B2"}, "expected_version": 1},
            {"id": c, "field_values": {"name": "C2"}},
            {"id": d, "field_values": {"name": "D"}},
            {"id": e, "field_values": {"elevation": "?", "name": None}},
            {"id": a, "field_values": {"name": "A3"}},
            {"id": foreign["id"], "field_values": {"name": "O2"}},
            {"id": str(new_id()), "field_values": {"name": "?"}},
        ],
    )
    assert results(done) == [
        "updated",
        "stale",
        "not_found",
        "unchanged",
        "invalid",
        "conflict",
        "not_found",
        "not_found",
    ]
    assert [entry["version"] for entry in done["results"]][:4] == [2, 2, None, 1]
    assert (done["updated"], done["unchanged"], done["refused"]) == (1, 1, 6)
    shown = (await member.get(f"{RECORDS}/{a}")).json()
    assert (shown["field_values"], shown["tags"], shown["title"]) == ({"name": "A2"}, ["t"], "A2")
    assert await list_names(member, airports, search="a2") == ["A2"]
    [entry, _] = (await member.get(f"{RECORDS}/{a}/history")).json()["items"]
    assert (entry["before"], entry["after"]) == (
        {"field_values": {"name": "A", "state": "CA"}, "tags": []},
        {"field_values": {"name": "A2", "state": None}, "tags": ["t"]},
    )
    async with runtime.database.unit(cast.acme) as unit:
        event = await unit.row(
            "select e.type, e.after, e.cause from events e where e.workspace_id = :workspace and e.id = :id",
            id=UUID(done["change_id"]),
        )
    assert event is not None
    assert (event["type"], event["after"]["count"]) == ("records.updated", 1)
    assert (event["cause"]["id"], event["cause"]["count"]) == (entry["cause"]["id"], 1)


async def test_all_that_the_filters_select_gets_the_same(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    member = client.as_(cast.member)
    made = rows(*(f"R{number}" for number in range(12)), state="CA") + rows("S", state="NY")
    await bulk_create(member, airports, made)
    change: dict[str, Any] = {"all": True, "column_filters": {"state": "CA"}, "field_values": {"state": "TX"}}
    dry = await bulk_update(member, airports, **change, dry_run=True)
    assert (dry["matched"], dry["updated"], dry["results"]) == (12, 0, [])
    done = await bulk_update(member, airports, **change)
    assert (done["matched"], done["updated"], done["unchanged"]) == (12, 12, 0)
    assert len(await list_names(member, airports, column_filters={"state": "TX"})) == 12
    again = await bulk_update(member, airports, all=True, column_filters={"state": "TX"}, field_values={"state": "TX"})
    assert (again["updated"], again["unchanged"], again["change_id"]) == (0, 12, None)
    body = {"recordset_id": airports["id"], "all": True, "field_values": {"state": "ZZ"}}
    refused = await member.post(UPDATE, json=body)
    assert refusal(refused) == (422, "rows_refused")
    named = {**body, "field_values": {"state": "CA"}, "column_filters": {"nothing": 1}}
    assert refusal(await member.post(UPDATE, json=named)) == (422, "filter_invalid")
    trash = {**body, "field_values": {"state": "CA"}, "only_status": "deleted"}
    assert refusal(await member.post(UPDATE, json=trash)) == (422, "status_reserved")


async def test_who_may_not(client: Client, cast: Cast) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    airports = await create_airports(client, cast)
    record = await create_record(owner, airports, {"name": "A"})
    create = {"recordset_id": airports["id"], "records": rows("B")}
    change = {"recordset_id": airports["id"], "records": [{"id": record["id"], "field_values": {"name": "B"}}]}
    whole = {"recordset_id": airports["id"], "all": True, "field_values": {"name": "B"}}
    for path, body in ((CREATE, create), (UPDATE, change), (UPDATE, whole)):
        viewer, stranger = client.as_(cast.viewer), client.as_(cast.stranger)
        assert refusal(await viewer.post(path, json=body)) == (403, "recordset_action_forbidden")
        assert refusal(await stranger.post(path, json=body)) == (404, "recordset_not_found")
    own = await create_recordset(owner, name="Own", fields=[{"key": "name", "name": "N", "type": "text"}])
    await grant(owner, own, cast.member, "can_create", "can_edit_own")
    mine, theirs = await create_record(member, own, {"name": "A"}), await create_record(owner, own, {"name": "B"})
    done = await bulk_update(
        member, own, [{"id": entry["id"], "field_values": {"name": "C"}} for entry in (mine, theirs)]
    )
    assert results(done) == ["updated", "forbidden"]
    refused = await member.post(UPDATE, json={**whole, "recordset_id": own["id"]})
    assert refusal(refused) == (403, "recordset_action_forbidden")


async def test_what_cannot_be_meant(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    owner = client.as_(cast.owner)
    place = {"recordset_id": airports["id"]}
    record: dict[str, Any] = {"id": str(new_id()), "field_values": {}}
    bodies: list[tuple[str, dict[str, Any]]] = [
        (CREATE, {"records": []}),
        (CREATE, {"records": [{"field_values": {}}] * 5001}),
        (CREATE, {"records": [{"id": str(new_id())}]}),
        (UPDATE, {}),
        (UPDATE, {"all": True}),
        (UPDATE, {"all": True, "records": [record]}),
        (UPDATE, {"records": [record], "column_filters": {}}),
        (UPDATE, {"records": [record], "status": "shut"}),
    ]
    for path, body in bodies:
        assert refusal(await owner.post(path, json={**place, **body})) == (422, "validation_failed")


async def test_the_same_key_writes_once(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    member = client.as_(cast.member)
    headers = {"Idempotency-Key": "paste-1"}
    body = {"recordset_id": airports["id"], "records": rows("A", "B")}
    first, second = [await member.post(CREATE, json=body, headers=headers) for _ in range(2)]
    assert first.json() == second.json()
    assert (await list_page(member, airports))["total"] == 2


async def test_as_many_statements_for_one_as_for_fifty(
    client: Client, cast: Cast, inspector: StatementInspector
) -> None:
    airports = await create_airports(client, cast)
    owner = client.as_(cast.owner)
    counts: list[tuple[int, int]] = []
    # The first of all reads what is remembered afterwards.
    for wanted in (1, 1, 50):
        start = inspector.count
        made = await bulk_create(owner, airports, rows(*(f"R{number}" for number in range(wanted))))
        middle = inspector.count
        changes = [{"id": entry["record_id"], "field_values": {"city": "X"}} for entry in made["results"]]
        assert (await bulk_update(owner, airports, changes))["updated"] == wanted
        counts.append((middle - start, inspector.count - middle))
    assert counts[1] == counts[2]
