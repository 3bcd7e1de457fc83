"""Row rules where many records are written at once: what is out of reach is neither changed nor told of."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.records import create_record, create_recordset, grant
from tests.support.rules import create_rule, leaf

RECORDS = "/api/v1/records"


@pytest.fixture
async def deals(client: Client, cast: Cast) -> dict[str, Any]:
    """Three deals of which a rule leaves the member those of the north."""
    fields = [{"name": "Name", "type": "text"}, {"name": "Area", "type": "text"}]
    owner = client.as_(cast.owner)
    recordset = await create_recordset(owner, name="Deals", fields=fields)
    await grant(owner, recordset, cast.member, "can_view", "can_create", "can_edit", "can_delete")
    made = {
        name: (await create_record(owner, recordset, {"name": name, "area": area}))["id"]
        for name, area in (("a", "north"), ("b", "south"), ("c", "north"))
    }
    await create_rule(owner, recordset, leaf("area", "eq", "north"), "view")
    return {**recordset, "made": made}


async def names(client: Client, recordset: dict[str, Any]) -> list[str]:
    answer = await client.get(RECORDS, params={"recordset_id": recordset["id"]})
    return [item["field_values"]["name"] for item in answer.json()["items"]]


async def post(client: Client, path: str, **body: Any) -> Any:
    answer = await client.post(f"{RECORDS}/{path}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_rows_out_of_reach_are_not_found(client: Client, cast: Cast, deals: dict[str, Any]) -> None:
    member, made = client.as_(cast.member), deals["made"]
    rows = [{"id": made[name], "field_values": {"name": name.upper()}} for name in ("a", "b")]
    changed = await post(member, "bulk-update", recordset_id=deals["id"], records=rows)
    assert [row["result"] for row in changed["results"]] == ["updated", "not_found"]
    assert await names(client.as_(cast.owner), deals) == ["A", "b", "c"]
    gone = await post(member, "bulk-delete", record_ids=[made["b"], made["c"]])
    assert [row["result"] for row in gone["results"]] == ["not_found", "deleted"]
    assert await names(client.as_(cast.owner), deals) == ["A", "b"]


async def test_filters_select_within_reach(client: Client, cast: Cast, deals: dict[str, Any]) -> None:
    member = client.as_(cast.member)
    asked = {"recordset_id": deals["id"], "all": True, "dry_run": True}
    assert (await post(member, "bulk-delete", **asked))["matched"] == 2
    changed = await post(member, "bulk-update", recordset_id=deals["id"], all=True, field_values={"name": "x"})
    assert changed["updated"] == 2
    assert await names(client.as_(cast.owner), deals) == ["x", "b", "x"]


async def test_a_key_out_of_reach_is_not_matched(client: Client, cast: Cast, deals: dict[str, Any]) -> None:
    rows = [{"field_values": {"name": "b", "area": "north"}}]
    made = await post(client.as_(cast.member), "upsert", recordset_id=deals["id"], match_on=["name"], records=rows)
    assert [row["result"] for row in made["results"]] == ["created"]
    assert await names(client.as_(cast.owner), deals) == ["a", "b", "c", "b"]


async def test_what_is_out_of_reach_is_not_merged(client: Client, cast: Cast, deals: dict[str, Any]) -> None:
    made = deals["made"]
    body = {"recordset_id": deals["id"], "target_id": made["a"], "source_ids": [made["b"]]}
    refused = await client.as_(cast.member).post(f"{RECORDS}/merge", json=body)
    assert refusal(refused)[0] in {404, 422}
    assert await names(client.as_(cast.owner), deals) == ["a", "b", "c"]
    found = await post(client.as_(cast.member), "duplicates", recordset_id=deals["id"], match_on=["area"])
    assert made["b"] not in str(found)


async def test_an_undo_leaves_what_went_out_of_reach(client: Client, cast: Cast, deals: dict[str, Any]) -> None:
    owner, member, made = client.as_(cast.owner), client.as_(cast.member), deals["made"]
    await post(member, "bulk-update", recordset_id=deals["id"], all=True, field_values={"name": "x"})
    changes = f"{RECORDS}/changes"
    listed = (await member.get(changes, params={"recordset_id": deals["id"]})).json()["items"]
    assert (await owner.patch(f"{RECORDS}/{made['a']}", json={"field_values": {"area": "south"}})).status_code == 200
    undone = (await member.post(f"{changes}/{listed[0]['id']}/undo", json={})).json()
    assert (undone["undone"], undone["refused"]) == (1, 1)
    assert await names(owner, deals) == ["x", "b", "c"]
