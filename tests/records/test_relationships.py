"""Relationships that people name between records, and the links of fields beside them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.support.records import create_record, create_recordset, grant

NAME = {"name": "Name", "type": "text"}


@pytest.fixture
async def houses(client: Client, cast: Cast) -> dict[str, Any]:
    """A recordset that the member may edit, and the viewer see."""
    recordset = await create_recordset(client.as_(cast.owner), name="Houses", fields=[NAME])
    await grant(client.as_(cast.owner), recordset, cast.member, "can_view", "can_edit")
    await grant(client.as_(cast.owner), recordset, cast.viewer, "can_view")
    return recordset


@pytest.fixture
async def people(client: Client, cast: Cast) -> dict[str, Any]:
    """A recordset that nobody else sees yet."""
    return await create_recordset(client.as_(cast.owner), name="People", fields=[NAME])


@pytest.fixture
async def house(client: Client, cast: Cast, houses: dict[str, Any]) -> str:
    return (await create_record(client.as_(cast.owner), houses, {"name": "Villa"}))["id"]


@pytest.fixture
async def person(client: Client, cast: Cast, people: dict[str, Any]) -> str:
    return (await create_record(client.as_(cast.owner), people, {"name": "Ann"}))["id"]


def path(record_id: str) -> str:
    return f"/api/v1/records/{record_id}/relationships"


async def relate(client: Client, record_id: str, other: str, type: str = "owned by", **more: Any) -> dict[str, Any]:
    response = await client.post(path(record_id), json={"record_id": other, "type": type, **more})
    assert response.status_code == 201, response.text
    return response.json()


async def listed(client: Client, record_id: str, **params: Any) -> list[dict[str, Any]]:
    response = await client.get(path(record_id), params=params)
    assert response.status_code == 200, response.text
    return response.json()["items"]


async def test_a_relationship_is_told_from_both_ends(
    client: Client, cast: Cast, house: str, person: str, people: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    made = await relate(owner, house, person, note=" Since 2020 ", metadata={"share": 0.5})
    assert made["record"] == {"id": person, "recordset_id": people["id"], "title": "Ann"}
    assert (made["kind"], made["direction"], made["note"], made["metadata"]) == (
        "named", "outgoing", "Since 2020", {"share": 0.5}
    )  # fmt: skip
    assert await listed(owner, house) == [made]
    (other,) = await listed(owner, person)
    assert (other["id"], other["direction"], other["record"]["id"]) == (made["id"], "incoming", house)
    turned = await relate(owner, house, person, "tenant of", direction="incoming")
    assert [entry["direction"] for entry in await listed(owner, person)] == ["incoming", "outgoing"]
    assert [entry["id"] for entry in await listed(owner, house, limit=1, offset=1)] == [turned["id"]]


async def test_the_same_relationship_is_made_once(client: Client, cast: Cast, house: str, person: str) -> None:
    owner = client.as_(cast.owner)
    await relate(owner, house, person)
    for source, body in (
        (house, {"record_id": person, "type": "owned by"}),
        (person, {"record_id": house, "type": "owned by", "direction": "incoming"}),
    ):
        assert refusal(await owner.post(path(source), json=body)) == (409, "relationship_exists")
    await relate(owner, person, house)
    assert len(await listed(owner, house)) == 2


async def test_only_what_leads_to_a_visible_record_is_listed(
    client: Client, cast: Cast, house: str, person: str, people: dict[str, Any]
) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    made = await relate(owner, house, person)
    assert await listed(member, house) == []
    refused = await member.delete(f"{path(house)}/{made['id']}")
    assert refusal(refused) == (404, "relationship_not_found")
    await grant(owner, people, cast.member, "can_view")
    assert await listed(member, house) == [made]
    assert (await owner.delete(f"/api/v1/records/{person}")).status_code == 204
    assert await listed(owner, house) == []


async def test_it_takes_the_right_to_edit_one_and_to_see_the_other(
    client: Client, cast: Cast, house: str, person: str, people: dict[str, Any]
) -> None:
    owner, member, viewer = (client.as_(one) for one in (cast.owner, cast.member, cast.viewer))
    body = {"record_id": person, "type": "owned by"}
    assert refusal(await member.post(path(house), json=body)) == (422, "related_record_unknown")
    await grant(owner, people, cast.member, "can_view")
    assert (await member.post(path(house), json=body)).status_code == 201
    back = {"record_id": house, "type": "owns"}
    assert refusal(await member.post(path(person), json=back)) == (403, "recordset_action_forbidden")
    assert refusal(await viewer.post(path(house), json=body)) == (403, "recordset_action_forbidden")
    assert await listed(viewer, house) == []


async def test_a_stranger_learns_nothing(client: Client, cast: Cast, house: str, person: str) -> None:
    made = await relate(client.as_(cast.owner), house, person)
    stranger = client.as_(cast.stranger)
    for response in (
        await stranger.get(path(house)),
        await stranger.post(path(house), json={"record_id": person, "type": "x"}),
        await stranger.delete(f"{path(house)}/{made['id']}"),
    ):
        assert refusal(response) == (404, "record_not_found")
    own = await create_recordset(stranger, fields=[NAME])
    record = await create_record(stranger, own, {"name": "Mine"})
    body = {"record_id": person, "type": "x"}
    assert refusal(await stranger.post(path(record["id"]), json=body)) == (422, "related_record_unknown")
    assert refusal(await client.anonymous().get(path(house))) == (401, "unauthorized")


async def test_it_is_deleted_from_either_end_and_told(
    client: Client, cast: Cast, runtime: Runtime, house: str, person: str
) -> None:
    owner = client.as_(cast.owner)
    made = await relate(owner, house, person)
    assert (await owner.delete(f"{path(person)}/{made['id']}")).status_code == 204
    assert await listed(owner, house) == []
    assert refusal(await owner.delete(f"{path(house)}/{made['id']}")) == (404, "relationship_not_found")
    types = await event_types(runtime, cast.acme, entity_id=UUID(made["id"]))
    assert types == ["relationship.created", "relationship.deleted"]


async def test_a_viewer_deletes_none_and_others_records_have_their_own(
    client: Client, cast: Cast, houses: dict[str, Any], house: str, person: str
) -> None:
    owner = client.as_(cast.owner)
    made = await relate(owner, house, person)
    refused = await client.as_(cast.viewer).delete(f"{path(house)}/{made['id']}")
    assert refusal(refused) == (403, "recordset_action_forbidden")
    other = await create_record(owner, houses, {"name": "Other"})
    refused = await owner.delete(f"{path(other['id'])}/{made['id']}")
    assert refusal(refused) == (404, "relationship_not_found")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"type": ""}, "validation_failed"),
        ({"type": "x" * 101}, "validation_failed"),
        ({"direction": "sideways"}, "validation_failed"),
        ({"more": 1}, "validation_failed"),
        ({"record_id": "x"}, "validation_failed"),
        ({"record_id": str(new_id())}, "related_record_unknown"),
        ({"note": "a\x00b"}, "relationship_invalid"),
        ({"metadata": {"a": "x" * 20_000}}, "relationship_invalid"),
        ({"metadata": {"a": "b\x00"}}, "relationship_invalid"),
    ],
)
async def test_bad_input_is_refused(
    client: Client, cast: Cast, house: str, person: str, body: dict[str, Any], code: str
) -> None:
    response = await client.as_(cast.owner).post(path(house), json={"record_id": person, "type": "x", **body})
    assert refusal(response) == (422, code)


async def test_a_record_is_not_related_to_itself(client: Client, cast: Cast, house: str) -> None:
    response = await client.as_(cast.owner).post(path(house), json={"record_id": house, "type": "x"})
    assert refusal(response) == (422, "related_record_unknown")


async def test_links_of_fields_are_among_them_where_the_field_is_not_hidden(
    client: Client, cast: Cast, houses: dict[str, Any], house: str
) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    options = {"recordset": houses["id"]}
    shown = {"name": "Home", "type": "link", "options": options}
    hidden = {"name": "Hideout", "type": "link", "options": options, "hidden_from": ["member"]}
    people = await create_recordset(owner, name="Dwellers", fields=[NAME, shown, hidden])
    await grant(owner, people, cast.member, "can_view")
    ann = await create_record(owner, people, {"name": "Ann", "home": house, "hideout": house})
    (link,) = await listed(member, house)
    assert (link["kind"], link["id"], link["direction"], link["field"]) == (
        "link", None, "incoming", {"key": "home", "name": "Home"}
    )  # fmt: skip
    assert (link["record"]["id"], link["record"]["title"]) == (ann["id"], "Ann")
    (link,) = await listed(member, ann["id"])
    assert (link["direction"], link["record"]["id"]) == ("outgoing", house)
    assert len(await listed(owner, house)) == 2
