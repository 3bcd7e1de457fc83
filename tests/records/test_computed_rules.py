"""Row rules hold for what is computed: only records within the viewer's reach count."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.records import create_record, create_recordset, grant

NAME = {"name": "Name", "type": "text"}


def computed(name: str, type: str, **options: Any) -> dict[str, Any]:
    return {"name": name, "type": type, "options": options}


async def limit(client: Client, recordset: dict[str, Any], condition: dict[str, Any]) -> None:
    body = {"name": "Limit", "actions": ["view"], "applies_to": {"roles": ["member"]}, "condition": condition}
    response = await client.post(f"/api/v1/recordsets/{recordset['slug']}/rules", json=body)
    assert response.status_code == 201, response.text


@pytest.fixture
async def deals(client: Client, cast: Cast) -> dict[str, Any]:
    """Deals, of which the member may see those of more than 20."""
    owner = client.as_(cast.owner)
    fields = [NAME, {"name": "Amount", "type": "number"}, computed("Net", "formula", expression="{amount} / 2")]
    recordset = await create_recordset(owner, name="Deals", fields=fields)
    await grant(owner, recordset, cast.member, "can_view")
    await limit(owner, recordset, {"field": "amount", "op": "gt", "value": 20})
    return recordset


async def found(client: Client, recordset: dict[str, Any], **params: Any) -> list[dict[str, Any]]:
    response = await client.get("/api/v1/records", params={"recordset_id": recordset["id"], **params})
    assert response.status_code == 200, response.text
    return [item["field_values"] for item in response.json()["items"]]


async def test_only_records_within_reach_count(client: Client, cast: Cast, deals: dict[str, Any]) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    ids = [(await create_record(owner, deals, {"amount": amount}))["id"] for amount in (4, 40, 60)]
    people = await create_recordset(
        owner,
        name="People",
        fields=[
            NAME,
            computed("Deals", "link", recordset=deals["id"]),
            computed("Number", "count", link="deals"),
            computed("Sum", "rollup", link="deals", field="net", function="sum"),
            computed("Each", "lookup", link="deals", field="amount"),
            computed("Text", "formula", expression="{sum} & '/' & {number}"),
        ],
    )
    await grant(owner, people, cast.member, "can_view", "can_edit")
    ann = await create_record(owner, people, {"name": "Ann", "deals": ids})
    (seen,) = await found(owner, people)
    assert (seen["deals"], seen["number"], seen["sum"], seen["text"]) == (ids, 3, 52, "52/3")
    (seen,) = await found(member, people)
    assert (seen["deals"], seen["number"], seen["sum"], seen["each"], seen["text"]) == (
        ids[1:], 2, 50, [40, 60], "50/2"
    )  # fmt: skip
    for filters in ({"number": 3}, {"sum": 52}, {"deals": {"has": ids[0]}}):
        assert await found(member, people, column_filters=json.dumps(filters)) == []
    path = f"/api/v1/records/{ann['id']}"
    changed = await member.patch(path, json={"field_values": {"deals": [ids[2]]}})
    assert changed.json()["field_values"]["deals"] == [ids[2]]
    assert (await owner.get(path)).json()["field_values"]["deals"] == [ids[2], ids[0]]
    bob = await create_record(owner, people, {"name": "Bob"})
    refused = await member.patch(f"/api/v1/records/{bob['id']}", json={"field_values": {"deals": [ids[0]]}})
    assert refusal(refused) == (422, "field_values_invalid")
    related = (await member.get(f"{path}/relationships")).json()["items"]
    assert [entry["record"]["id"] for entry in related] == [ids[2]]


async def test_a_rule_on_the_records_that_link_limits_the_other_direction(
    client: Client, cast: Cast, deals: dict[str, Any]
) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    deal = await create_record(owner, deals, {"name": "large", "amount": 40})
    link = computed("Deal", "link", recordset=deals["id"], inverse="People")
    people = await create_recordset(owner, name="People", fields=[NAME, link])
    body = {"fields": [computed("Heads", "count", link="people")]}
    assert (await owner.patch(f"/api/v1/recordsets/{deals['slug']}", json=body)).status_code == 200
    ids = [(await create_record(owner, people, {"name": name, "deal": deal["id"]}))["id"] for name in ("Ann", "Bob")]
    await grant(owner, people, cast.member, "can_view")
    await limit(owner, people, {"field": "name", "op": "eq", "value": "Bob"})
    assert [(seen["heads"], seen["people"]) for seen in await found(owner, deals)] == [(2, ids)]
    assert [(seen["heads"], seen["people"]) for seen in await found(member, deals)] == [(1, ids[1:])]
