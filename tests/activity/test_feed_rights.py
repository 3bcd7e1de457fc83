"""The feed shows what the reader may see now: what leaves their reach leaves the feed, with everything that it told."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.activity import read_everything, read_feed, read_told
from tests.support.cast import Cast
from tests.support.client import Client, Response
from tests.support.records import create_record, create_recordset, grant
from tests.support.rules import create_rule, leaf

Follow = Callable[[], Awaitable[object]]

FIELDS: list[dict[str, Any]] = [
    {"name": "Name", "type": "text"},
    {"name": "State", "type": "text"},
    {"name": "Fee", "type": "text"},
]


@pytest.fixture
async def inns(client: Client, cast: Cast) -> dict[str, Any]:
    """A recordset that the member may look at."""
    made = await create_recordset(client.as_(cast.owner), name="Inns", fields=FIELDS)
    await grant(client.as_(cast.owner), made, cast.member, "can_view")
    return made


@pytest.fixture
async def inn(client: Client, cast: Cast, inns: dict[str, Any], follow: Follow) -> dict[str, Any]:
    """One record in it, made and changed."""
    made = await create_record(client.as_(cast.owner), inns, {"name": "Anchor", "state": "CA", "fee": "sevenpence"})
    await change(client, cast, made, {"fee": "eightpence"})
    await follow()
    return made


async def change(client: Client, cast: Cast, record: dict[str, Any], values: dict[str, Any]) -> None:
    path = f"/api/v1/records/{record['id']}"
    assert (await client.as_(cast.owner).patch(path, json={"field_values": values})).status_code == 200


async def about(client: Client, cast: Cast, record: dict[str, Any], **asked: Any) -> list[dict[str, Any]]:
    """Return what the member is told of a record."""
    items = await read_everything(client, cast.member, **asked)
    return [item for item in items if item["record_id"] == record["id"]]


def done(response: Response, status: int = 200) -> None:
    assert response.status_code == status, response.text


async def test_who_has_no_grant_is_told_nothing(client: Client, cast: Cast, inn: dict[str, Any]) -> None:
    assert len(await about(client, cast, inn)) == 2
    for item in await read_everything(client, cast.viewer):
        assert "Inns" not in item["description"]
        assert inn["id"] not in json.dumps(item)


async def test_a_grant_that_is_taken_back_takes_the_past_with_it(
    client: Client, cast: Cast, inns: dict[str, Any], inn: dict[str, Any]
) -> None:
    assert len(await about(client, cast, inn)) == 2
    path = f"/api/v1/recordsets/{inns['slug']}/access/members/{cast.member.member_id}"
    done(await client.as_(cast.owner).delete(path), 204)
    assert await about(client, cast, inn) == []
    assert "Inns" not in json.dumps(await read_everything(client, cast.member))


async def test_a_grant_that_is_given_brings_the_past(
    client: Client, cast: Cast, inns: dict[str, Any], inn: dict[str, Any]
) -> None:
    assert len(await about(client, cast, inn)) == 2
    await grant(client.as_(cast.owner), inns, cast.viewer, "can_view")
    told = await read_told(client, cast.viewer, search="anchor")
    assert told == ["Owner Example changed Anchor in Inns", "Owner Example created Anchor in Inns"]


async def test_a_row_rule_hides_what_happened_to_a_record(
    client: Client, cast: Cast, inns: dict[str, Any], inn: dict[str, Any]
) -> None:
    assert len(await about(client, cast, inn)) == 2
    await create_rule(client.as_(cast.owner), inns, leaf("state", "eq", "NY"), roles=["member"])
    assert await about(client, cast, inn) == []
    assert await about(client, cast, inn, search="anchor") == []
    assert "Anchor" not in json.dumps(await read_everything(client, cast.member))
    await change(client, cast, inn, {"state": "NY"})
    assert len(await about(client, cast, inn)) == 2
    assert len(await read_told(client, cast.owner, search="anchor")) == 2


async def test_a_hidden_field_tells_no_value_and_no_change(
    client: Client, cast: Cast, inns: dict[str, Any], inn: dict[str, Any]
) -> None:
    assert "eightpence" in json.dumps(await about(client, cast, inn))
    fields = {"fields": [{"key": "fee", "hidden_from": ["member"]}]}
    done(await client.as_(cast.owner).patch(f"/api/v1/recordsets/{inns['slug']}", json=fields))
    told = json.dumps(await about(client, cast, inn))
    assert "pence" not in told
    assert '"field_values.fee"' not in told
    assert "eightpence" in json.dumps(await read_everything(client, cast.owner))


async def test_a_search_finds_no_value_that_is_not_in_the_sentence(
    client: Client, cast: Cast, inn: dict[str, Any]
) -> None:
    assert len(await about(client, cast, inn)) == 2
    assert await read_told(client, cast.owner, search="eightpence") == []


async def test_a_search_for_a_hidden_title_answers_like_one_for_nothing(
    client: Client, cast: Cast, inns: dict[str, Any], inn: dict[str, Any]
) -> None:
    assert len(await about(client, cast, inn)) == 2
    await create_rule(client.as_(cast.owner), inns, leaf("state", "eq", "NY"), roles=["member"])
    hidden = await read_feed(client, cast.member, search="anchor")
    nothing = await read_feed(client, cast.member, search="no such thing")
    assert hidden == nothing == {"items": [], "total": 0, "has_more": False, "next_cursor": None}


async def test_a_new_title_is_told_and_the_old_one_is_not(
    client: Client, cast: Cast, inn: dict[str, Any], follow: Follow
) -> None:
    await change(client, cast, inn, {"name": "Harbour"})
    await follow()
    told = [item["description"] for item in await about(client, cast, inn)]
    assert told == [
        "Owner Example changed Harbour in Inns",
        "Owner Example changed Harbour in Inns",
        "Owner Example created Harbour in Inns",
    ]


async def test_the_count_of_a_write_of_many_is_not_for_whom_rules_limit(
    client: Client, cast: Cast, inns: dict[str, Any], follow: Follow
) -> None:
    rows = [{"field_values": {"name": f"Inn {number}", "state": "CA"}} for number in range(4)]
    body = {"recordset_id": inns["id"], "records": rows}
    done(await client.as_(cast.owner).post("/api/v1/records/bulk-create", json=body))
    await follow()
    assert (await read_told(client, cast.member))[0] == "Owner Example created 4 records in Inns"
    await create_rule(client.as_(cast.owner), inns, leaf("state", "eq", "NY"), roles=["member"])
    for item in await read_everything(client, cast.member):
        if item["type"] == "records.created":
            assert item["count"] is None
            assert "4" not in item["description"]


async def test_who_has_left_and_comes_back_sees_by_the_rights_of_then(
    client: Client, cast: Cast, inn: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    assert len(await about(client, cast, inn)) == 2
    done(await owner.patch(f"/api/v1/members/{cast.member.member_id}", json={"role": "viewer"}))
    assert len(await about(client, cast, inn)) == 2
    done(await owner.delete(f"/api/v1/members/{cast.member.member_id}"), 204)
    assert (await client.as_(cast.member).get("/api/v1/activity/feed")).status_code == 404


async def test_what_somebody_did_who_has_left_keeps_their_name(
    client: Client, cast: Cast, inns: dict[str, Any], follow: Follow
) -> None:
    await grant(client.as_(cast.owner), inns, cast.member, "can_edit")
    made = await create_record(client.as_(cast.owner), inns, {"name": "Bell"})
    path = f"/api/v1/records/{made['id']}"
    done(await client.as_(cast.member).patch(path, json={"field_values": {"state": "TX"}}))
    done(await client.as_(cast.owner).delete(f"/api/v1/members/{cast.member.member_id}"), 204)
    await follow()
    assert "Member Example changed Bell in Inns" in await read_told(client, cast.owner)
    chosen = await read_told(client, cast.owner, user_ids=cast.member.member_id)
    assert chosen == ["Member Example changed Bell in Inns"]


async def test_who_may_not_see_teams_may_not_ask_by_them(client: Client, cast: Cast, inn: dict[str, Any]) -> None:
    owner = client.as_(cast.owner)
    assert len(await about(client, cast, inn)) == 2
    team = (await owner.post("/api/v1/teams", json={"name": "Hosts"})).json()
    taken = {"permissions": {"can_view_teams": False}}
    done(await owner.patch("/api/v1/permissions/roles/viewer", json=taken))
    asked = {"team_ids": team["id"]}
    assert (await client.as_(cast.member).get("/api/v1/activity/feed", params=asked)).status_code == 200
    assert (await client.as_(cast.viewer).get("/api/v1/activity/feed", params=asked)).status_code == 422
