"""Rows that change the record with the same natural key, or become a new one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support.airports import RECORDS, create_airports, list_names, list_page
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.records import create_record, create_recordset, grant

UPSERT = f"{RECORDS}/upsert"


async def upsert(
    client: Client,
    recordset: dict[str, Any],
    *values: dict[str, Any],
    match_on: tuple[str, ...] = ("name",),
    **more: Any,
) -> dict[str, Any]:
    records = [{"field_values": entry} for entry in values]
    body = {"recordset_id": recordset["id"], "match_on": list(match_on), "records": records, **more}
    answer = await client.post(UPSERT, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def results(answer: dict[str, Any]) -> list[str]:
    return [entry["result"] for entry in answer["results"]]


async def test_rows_meet_their_records(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    member = client.as_(cast.member)
    kept = await create_record(member, airports, {"name": "A", "city": "X", "elevation": 1})
    for _ in range(2):
        await create_record(member, airports, {"name": "twice"})
    gone = await create_record(member, airports, {"name": "gone"})
    await member.delete(f"{RECORDS}/{gone['id']}")
    done = await upsert(
        member,
        airports,
        {"name": "A", "city": "Y"},
        {"name": "new", "city": "Z"},
        {"name": "twice", "city": "Y"},
        {"name": "gone"},
        {"name": "same"},
        {"name": "same", "city": "Q"},
        {"city": "nameless"},
        {"name": "bad", "elevation": "high"},
    )
    assert results(done) == [
        "updated",
        "created",
        "conflict",
        "created",
        "conflict",
        "conflict",
        "invalid",
        "invalid",
    ]
    assert done["results"][0]["record_id"] == kept["id"]
    assert (await member.get(f"{RECORDS}/{kept['id']}")).json()["field_values"] == {
        "name": "A",
        "city": "Y",
        "elevation": 1,
    }
    again = await upsert(member, airports, {"name": "A", "city": "Y"}, {"name": "new", "city": "Z"})
    assert results(again) == ["unchanged", "unchanged"]
    assert again["change_id"] is None
    assert sorted(await list_names(member, airports)) == ["A", "gone", "new", "twice", "twice"]


@pytest.mark.parametrize(
    ("match_on", "values", "others"),
    [
        (("elevation",), {"elevation": 5}, {"elevation": "5.0"}),
        (("opened",), {"opened": "2020-01-31"}, {"opened": "2020-01-31"}),
        (("runways",), {"runways": 2.5}, {"runways": "2.5"}),
        (("city", "state"), {"city": "X", "state": "CA"}, {"state": "CA", "city": "X"}),
        (("state", "city"), {"city": "X" * 500, "state": "CA"}, {"state": "CA", "city": "X" * 500}),
        (("checked",), {"checked": "2020-01-31T12:00:00Z"}, {"checked": "2020-01-31T13:00:00+01:00"}),
    ],
)
async def test_any_value_that_can_be_compared_is_a_key(
    client: Client, cast: Cast, match_on: tuple[str, ...], values: dict[str, Any], others: dict[str, Any]
) -> None:
    airports = await create_airports(client, cast)
    member = client.as_(cast.member)
    for given, expected in ((values, "created"), (others, "updated")):
        done = await upsert(member, airports, {"name": expected, **given}, match_on=match_on)
        assert results(done) == [expected]
    assert await list_names(member, airports) == ["updated"]
    twins = await upsert(member, airports, {"name": "1", **values}, {"name": "2", **others}, match_on=match_on)
    assert results(twins) == ["conflict", "conflict"]


async def test_two_at_a_time_make_one_record(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    member = client.as_(cast.member)
    names = [f"N{number}" for number in range(40)]
    answers = await asyncio.gather(
        *(upsert(member, airports, *({"name": name, "city": city} for name in names)) for city in "ABCD"),
        *(upsert(member, airports, *({"name": name, "city": "E"} for name in reversed(names))) for _ in range(2)),
    )
    assert sum(answer["created"] for answer in answers) == 40
    assert sum(answer["refused"] for answer in answers) == 0
    assert (await list_page(member, airports))["total"] == 40


async def test_all_or_nothing_and_a_look_before(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    member = client.as_(cast.member)
    await create_record(member, airports, {"name": "A"})
    dry = await upsert(member, airports, {"name": "A", "city": "X"}, {"name": "B"}, dry_run=True)
    assert (dry["updated"], dry["created"], dry["change_id"]) == (1, 1, None)
    body = {
        "recordset_id": airports["id"],
        "match_on": ["name"],
        "mode": "all",
        "records": [{"field_values": {"name": "B"}}, {"field_values": {"name": "A", "state": "ZZ"}}],
    }
    refused = await member.post(UPSERT, json=body)
    assert refusal(refused) == (422, "rows_refused")
    assert [row["row"] for row in refused.json()["rows"]] == [1]
    assert await list_names(member, airports) == ["A"]


async def test_who_may_do_what(client: Client, cast: Cast) -> None:
    airports = await create_airports(client, cast)
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    await create_record(owner, airports, {"name": "A", "code": "a"})
    # A field that may only be read recognises a record, and is not given to a new one.
    by_code = await upsert(member, airports, {"name": "B", "code": "a"}, {"name": "C", "code": "c"}, match_on=("code",))
    assert results(by_code) == ["updated", "forbidden"]
    body: dict[str, Any] = {
        "recordset_id": airports["id"],
        "match_on": ["name"],
        "records": [{"field_values": {"name": "B"}}],
    }
    assert refusal(await client.as_(cast.viewer).post(UPSERT, json=body)) == (403, "recordset_action_forbidden")
    assert refusal(await client.as_(cast.stranger).post(UPSERT, json=body)) == (404, "recordset_not_found")
    for keys in (["secret"], ["nothing"], ["uses"], ["extra"]):
        refused = await member.post(UPSERT, json={**body, "match_on": keys})
        assert refusal(refused) == (422, "match_on_invalid")
    assert refusal(await member.post(UPSERT, json={**body, "match_on": []})) == (422, "validation_failed")
    own = await create_recordset(owner, name="Own", fields=[{"key": "name", "name": "N", "type": "text"}])
    await grant(owner, own, cast.member, "can_create")
    await create_record(owner, own, {"name": "A"})
    assert results(await upsert(member, own, {"name": "A"}, {"name": "B"})) == ["forbidden", "created"]
