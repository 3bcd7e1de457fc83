"""The places of records in tools: set, listed, filtered by, dismissed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from fostr.kernel.runtime import Runtime
from tests.support.airports import RECORDS, create_airports, list_names, list_page
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.support.records import create_record, create_recordset, grant


@pytest.fixture
async def airports(client: Client, cast: Cast) -> dict[str, Any]:
    return await create_airports(client, cast)


@pytest.fixture
async def records(client: Client, cast: Cast, airports: dict[str, Any]) -> list[str]:
    """The paths of four records."""
    made = [await create_record(client.as_(cast.owner), airports, {"name": name}) for name in "ABCD"]
    return [f"{RECORDS}/{record['id']}" for record in made]


async def put(client: Client, path: str, tool: str, **data: Any) -> dict[str, Any]:
    response = await client.put(f"{path}/tools/{tool}", json=data)
    assert response.status_code == 200, response.text
    return response.json()


async def test_a_record_gets_a_place_and_leaves_it(
    client: Client, cast: Cast, airports: dict[str, Any], records: list[str]
) -> None:
    member = client.as_(cast.member)
    placed = await put(member, records[0], "deals", recommendation="Buy", group_id="g 1", data={"score": 0.5})
    assert (placed["status"], placed["recommendation"], placed["group_id"]) == ("open", "Buy", "g 1")
    assert (placed["data"], placed["set_by"], placed["version"]) == ({"score": 0.5}, str(cast.member.member_id), 1)
    assert await list_names(member, airports, tool="deals") == ["A"]

    dismissed = await member.post(f"{records[0]}/dismiss", params={"tool": "deals"})
    assert dismissed.status_code == 200
    assert (dismissed.json()["status"], dismissed.json()["recommendation"]) == (None, "Buy")
    assert await list_names(member, airports, tool="deals") == []
    assert (await member.get(records[0])).json()["version"] == 1
    assert (await member.get(f"{records[0]}/tools")).json() == [dismissed.json()]

    again = await put(member, records[0], "deals", status="watched")
    assert (again["status"], again["recommendation"], again["version"]) == ("watched", None, 3)
    assert await list_names(member, airports, tool="deals") == ["A"]


async def test_lists_go_by_tool_group_and_recommendation(
    client: Client, cast: Cast, airports: dict[str, Any], records: list[str]
) -> None:
    owner, viewer = client.as_(cast.owner), client.as_(cast.viewer)
    await put(owner, records[0], "deals", group_id="x", recommendation="Buy")
    await put(owner, records[1], "deals", group_id="y", recommendation="Strong Pass")
    await put(owner, records[2], "outreach", group_id="x")
    assert await list_names(viewer, airports, tool="deals") == ["A", "B"]
    assert await list_names(viewer, airports, tool="deals", group_id="x") == ["A"]
    assert await list_names(viewer, airports, group_id="x") == ["A", "C"]
    assert await list_names(viewer, airports, tool="other") == []
    assert await list_names(viewer, airports, tool="deals", exclude_recommendation="Strong Pass, Pass") == ["A"]
    assert await list_names(viewer, airports, exclude_recommendation="Strong Pass,Buy") == ["C", "D"]
    assert await list_names(viewer, airports, tool="outreach", exclude_recommendation="Buy") == ["C"]
    assert (await list_page(viewer, None, tool="deals"))["total"] == 2
    first = await list_page(viewer, airports, tool="deals", page_size=1)
    assert (first["total"], first["has_more"]) == (2, True)
    rest = await list_page(viewer, airports, tool="deals", page_size=1, cursor=first["next_cursor"])
    assert [item["field_values"]["name"] for item in rest["items"]] == ["B"]


async def test_what_is_so_already_stays_untouched(
    client: Client, cast: Cast, records: list[str], runtime: Runtime
) -> None:
    member = client.as_(cast.member)
    first = await put(member, records[0], "deals", recommendation="Buy")
    assert await put(member, records[0], "deals", recommendation="Buy") == first
    for _ in range(2):
        answer = await member.post(f"{records[0]}/dismiss", params={"tool": "deals"})
        assert answer.json()["version"] == 2
    record_id = UUID(records[0].rpartition("/")[2])
    told = await event_types(runtime, cast.acme, entity_id=record_id)
    assert told == ["record.created", "record.placed_in_tool", "record.dismissed_from_tool"]


async def test_a_stale_version_is_refused(client: Client, cast: Cast, records: list[str]) -> None:
    member = client.as_(cast.member)
    await put(member, records[0], "deals")
    await put(member, records[0], "deals", status="watched", expected_version=1)
    stale = await member.put(f"{records[0]}/tools/deals", json={"status": "done"}, headers={"If-Match": '"1"'})
    assert refusal(stale) == (409, "stale_update")
    assert (stale.json()["expected_version"], stale.json()["current_version"]) == (1, 2)


async def test_who_may_not_edit_may_not_place_or_dismiss(client: Client, cast: Cast, records: list[str]) -> None:
    await put(client.as_(cast.owner), records[0], "deals")
    viewer, stranger = client.as_(cast.viewer), client.as_(cast.stranger)
    dismissal = {"params": {"tool": "deals"}}
    assert (await viewer.get(f"{records[0]}/tools")).status_code == 200
    assert refusal(await viewer.put(f"{records[0]}/tools/deals", json={})) == (403, "recordset_action_forbidden")
    assert refusal(await viewer.post(f"{records[0]}/dismiss", **dismissal)) == (403, "recordset_action_forbidden")
    for response in (
        await stranger.get(f"{records[0]}/tools"),
        await stranger.put(f"{records[0]}/tools/deals", json={}),
        await stranger.post(f"{records[0]}/dismiss", **dismissal),
    ):
        assert refusal(response) == (404, "record_not_found")
    assert (await client.as_(cast.owner).get(f"{records[0]}/tools")).json()[0]["status"] == "open"


async def test_own_records_are_enough_for_who_edits_their_own(client: Client, cast: Cast) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    recordset = await create_recordset(owner, name="Leads", fields=[{"name": "Name", "type": "text"}])
    await grant(owner, recordset, cast.member, "can_create", "can_edit_own")
    own = await create_record(member, recordset, {"name": "Mine"})
    other = await create_record(owner, recordset, {"name": "Theirs"})
    await put(member, f"{RECORDS}/{own['id']}", "deals")
    refused = await member.put(f"{RECORDS}/{other['id']}/tools/deals", json={})
    assert refusal(refused) == (403, "recordset_action_forbidden")


@pytest.mark.parametrize(
    ("tool", "body"),
    [
        ("Deals", {}),
        ("a,b", {}),
        ("deals", {"status": "Very Open"}),
        ("deals", {"recommendation": "Buy, or not"}),
        ("deals", {"recommendation": " "}),
        ("deals", {"group_id": "x" * 201}),
        ("deals", {"data": []}),
        ("deals", {"data": {"text": "x" * 70_000}}),
        ("deals", {"more": 1}),
    ],
)
async def test_bad_input_is_refused(
    client: Client, cast: Cast, records: list[str], tool: str, body: dict[str, Any]
) -> None:
    refused = await client.as_(cast.owner).put(f"{records[0]}/tools/{tool}", json=body)
    assert refusal(refused) == (422, "validation_failed")
    assert (await client.as_(cast.owner).get(f"{records[0]}/tools")).json() == []


async def test_a_record_without_a_place_is_not_dismissed(client: Client, cast: Cast, records: list[str]) -> None:
    owner = client.as_(cast.owner)
    assert refusal(await owner.post(f"{records[0]}/dismiss", params={"tool": "deals"})) == (404, "tool_place_not_found")
    assert refusal(await owner.post(f"{records[0]}/dismiss")) == (422, "validation_failed")


async def test_a_deleted_record_is_in_no_tool(
    client: Client, cast: Cast, airports: dict[str, Any], records: list[str]
) -> None:
    owner = client.as_(cast.owner)
    await put(owner, records[0], "deals")
    await owner.delete(records[0])
    assert await list_names(owner, airports, tool="deals") == []
    await owner.post(f"{records[0]}/restore")
    assert await list_names(owner, airports, tool="deals") == ["A"]
