"""Recordsets: made, listed, shown, changed, refused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, create_token
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.support.inspection import StatementInspector
from tests.support.records import create_record, create_recordset, grant

PATH = "/api/v1/recordsets"
FIELDS: list[dict[str, Any]] = [
    {"name": "Name", "type": "text", "is_required": True},
    {"name": "State", "type": "select", "options": {"choices": ["CA", "NY", "CA"]}},
    {"name": "Latitude", "type": "number"},
    {"name": "Longitude", "type": "number"},
]


async def names(client: Client, **params: Any) -> list[str]:
    response = await client.get(PATH, params=params)
    assert response.status_code == 200, response.text
    return [item["name"] for item in response.json()["items"]]


async def test_a_recordset_is_made_with_its_fields(client: Client, cast: Cast, runtime: Runtime) -> None:
    created = await create_recordset(client.as_(cast.member), name="  Airports of Ünïon ", fields=FIELDS)
    assert (created["name"], created["slug"]) == ("Airports of Ünïon", "airports-of-union")
    assert (created["type"], created["mode"], created["is_active"], created["version"]) == ("custom", "table", True, 1)
    assert created["owner_id"] == created["created_by"] == str(cast.member.member_id)
    assert (created["record_count"], created["is_in_step"]) == (0, True)
    assert [(f["key"], f["type"], f["position"]) for f in created["fields"]] == [
        ("name", "text", 0),
        ("state", "select", 1),
        ("latitude", "number", 2),
        ("longitude", "number", 3),
    ]
    assert [f["is_required"] for f in created["fields"]] == [True, False, False, False]
    assert created["fields"][1]["options"] == {"choices": ["CA", "NY"]}
    assert all(created["permissions"].values())

    for reference in (created["id"], created["slug"]):
        assert (await client.as_(cast.member).get(f"{PATH}/{reference}")).json() == created
    assert await event_types(runtime, cast.acme, entity_id=created["id"]) == ["recordset.created"]


async def test_slugs_tell_twins_apart(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    made = [(await create_recordset(owner, name=name))["slug"] for name in ("Cities", "Cities!", " cities")]
    assert made == ["cities", "cities-2", "cities-3"]
    assert (await create_recordset(owner, name="東京"))["slug"] == "recordset"
    assert (await create_recordset(owner, name="Trash"))["slug"] == "trash-2"
    looks_like_an_id = await create_recordset(owner, name="deadbeef" * 4)
    assert looks_like_an_id["slug"] == f"{'deadbeef' * 4}-2"
    assert (await owner.get(f"{PATH}/{looks_like_an_id['slug']}")).status_code == 200


async def test_twins_made_at_once_get_different_slugs(client: Client, cast: Cast) -> None:
    made = await asyncio.gather(*(create_recordset(client.as_(cast.owner), name="Cities") for _ in range(8)))
    slugs = sorted(recordset["slug"] for recordset in made)
    assert slugs == ["cities", *(f"cities-{number}" for number in range(2, 9))]


async def test_a_slug_that_was_said_is_used_or_refused(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    assert (await create_recordset(owner, name="Cities", slug="places"))["slug"] == "places"
    taken = await owner.post(PATH, json={"name": "Other", "slug": "places"})
    assert refusal(taken) == (409, "recordset_slug_taken")
    for reserved in ("trash", "deadbeef" * 4):
        response = await owner.post(PATH, json={"name": "Other", "slug": reserved})
        assert refusal(response) == (422, "recordset_slug_reserved")
    # Another workspace has slugs of its own.
    assert (await create_recordset(client.as_(cast.stranger), name="Cities", slug="places"))["slug"] == "places"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "   "},
        {"name": "x" * 201},
        {"name": "A", "slug": "Not A Slug"},
        {"name": "A", "type": "Not a word"},
        {"name": "A", "mode": "globe"},
        {"name": "A", "unknown": 1},
        {"name": "A", "fields": [{"name": "", "type": "text"}]},
        {"name": "A", "fields": [{"name": "F", "type": "essay"}]},
        {"name": "A", "fields": [{"name": "F", "type": "text", "key": "Not-a-key"}]},
        {"name": "A", "settings": {"map": {"lat_field": "lat"}}},
        {"name": "A", "settings": {"map": {}}},
        {"name": "A", "settings": {"map": {"geometry_field": "g", "location_field": "l"}}},
    ],
)
async def test_bodies_that_do_not_fit_are_refused(client: Client, cast: Cast, body: dict[str, Any]) -> None:
    response = await client.as_(cast.owner).post(PATH, json=body)
    assert refusal(response) == (422, "validation_failed")
    assert await names(client.as_(cast.owner)) == []


async def test_a_name_with_a_nul_is_refused(client: Client, cast: Cast) -> None:
    response = await client.as_(cast.owner).post(PATH, json={"name": "a\x00b"})
    assert refusal(response) == (422, "text_not_storable")


async def test_viewers_make_none(client: Client, cast: Cast) -> None:
    assert refusal(await client.as_(cast.viewer).post(PATH, json={"name": "Cities"})) == (403, "forbidden")
    assert (await client.as_(cast.member).post(PATH, json={"name": "Cities"})).status_code == 201
    assert await names(client.as_(cast.owner)) == ["Cities"]


async def test_everybody_sees_what_they_may(client: Client, cast: Cast) -> None:
    of_owner = await create_recordset(client.as_(cast.owner), name="Of the owner")
    await create_recordset(client.as_(cast.member), name="Of the member")
    everything = ["Of the member", "Of the owner"]
    assert await names(client.as_(cast.owner)) == everything
    assert await names(client.as_(cast.admin)) == everything
    assert await names(client.as_(cast.member)) == ["Of the member"]
    assert await names(client.as_(cast.viewer)) == []
    assert await names(client.as_(cast.stranger)) == []

    await grant(client.as_(cast.owner), of_owner, cast.viewer, "can_view")
    assert await names(client.as_(cast.viewer)) == ["Of the owner"]
    for slug, seen in (("of-the-owner", 200), ("of-the-member", 404)):
        assert (await client.as_(cast.viewer).get(f"{PATH}/{slug}")).status_code == seen


async def test_the_stranger_reaches_nothing(client: Client, cast: Cast) -> None:
    created = await create_recordset(client.as_(cast.owner), fields=FIELDS)
    for reference in (created["id"], created["slug"]):
        path = f"{PATH}/{reference}"
        foreign = client.as_(cast.stranger)
        refusals = [
            await foreign.get(path),
            await foreign.get(f"{path}/permissions"),
            await foreign.get(f"{path}/access"),
            await foreign.patch(path, json={"name": "Mine"}),
            await foreign.post(f"{path}/resync-promoted"),
            await foreign.post(f"{path}/enable-map", json={"lat_field": "latitude", "lng_field": "longitude"}),
            await foreign.delete(path),
        ]
        assert {refusal(response) for response in refusals} == {(404, "recordset_not_found")}
        inside = client.as_(cast.stranger, workspace=cast.acme)
        assert refusal(await inside.get(path)) == (404, "not_found")
    assert (await client.as_(cast.owner).get(f"{PATH}/{created['id']}")).json() == created


async def test_lists_are_searched_and_filtered(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    await create_recordset(owner, name="100% Airports", type="places", description="Runways and towers")
    await create_recordset(owner, name="Cities", type="places")
    people = await create_recordset(owner, name="People")
    await owner.patch(f"{PATH}/{people['id']}", json={"is_active": False})

    assert await names(owner, search="AIRPORT") == ["100% Airports"]
    assert await names(owner, search="towers") == ["100% Airports"]
    assert await names(owner, search="0%") == ["100% Airports"]
    assert await names(owner, search="%") == ["100% Airports"]
    assert await names(owner, search="_") == []
    assert await names(owner, type="places") == ["100% Airports", "Cities"]
    assert await names(owner, is_active="false") == ["People"]
    assert await names(owner, is_active="true", search="i") == ["100% Airports", "Cities"]
    assert refusal(await owner.get(PATH, params={"is_active": "perhaps"})) == (422, "validation_failed")


async def test_pages_follow_each_other(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    for number in range(3):
        await create_recordset(owner, name=f"Set {number}")
    first = (await owner.get(PATH, params={"page_size": 2})).json()
    assert ([item["name"] for item in first["items"]], first["total"], first["has_more"]) == (
        ["Set 0", "Set 1"],
        3,
        True,
    )
    second = (await owner.get(PATH, params={"page_size": 2, "page": 2})).json()
    assert ([item["name"] for item in second["items"]], second["has_more"]) == (["Set 2"], False)
    beyond = (await owner.get(PATH, params={"page_size": 2, "page": 9})).json()
    assert (beyond["items"], beyond["total"], beyond["has_more"]) == ([], 3, False)


async def test_a_longer_list_takes_no_more_statements(
    client: Client, cast: Cast, inspector: StatementInspector
) -> None:
    async def statements() -> int:
        before = inspector.count
        await names(client.as_(cast.member))
        return inspector.count - before

    await create_recordset(client.as_(cast.member), name="First")
    few = await statements()
    for number in range(5):
        await create_recordset(client.as_(cast.member), name=f"More {number}")
    assert await statements() <= few


async def test_rows_say_what_the_caller_may_do(client: Client, cast: Cast) -> None:
    recordset = await create_recordset(client.as_(cast.owner))
    await grant(client.as_(cast.owner), recordset, cast.member, "can_create", "can_edit_own")
    await grant(client.as_(cast.owner), recordset, cast.viewer, "can_admin")

    async def allowed(person: Client) -> set[str]:
        row = (await person.get(PATH)).json()["items"][0]
        shown = (await person.get(f"{PATH}/{recordset['id']}")).json()
        asked = (await person.get(f"{PATH}/{recordset['id']}/permissions")).json()
        assert row["permissions"] == shown["permissions"] == asked["permissions"]
        return {name for name, allowed in row["permissions"].items() if allowed}

    of_member = {"can_view", "can_create", "can_edit_own", "can_comment", "can_import", "can_export"}
    assert await allowed(client.as_(cast.member)) == of_member
    # No grant gives a viewer what the role does not allow.
    assert await allowed(client.as_(cast.viewer)) == {"can_view", "can_export"}


async def test_every_member_may_ask_for_their_rights(client: Client, cast: Cast) -> None:
    recordset = await create_recordset(client.as_(cast.owner))
    path = f"{PATH}/{recordset['slug']}/permissions"
    report = (await client.as_(cast.member).get(path)).json()
    assert not any(report["permissions"].values())
    assert set(report["reasons"].values()) == {"no grant on the recordset allows to view"}
    assert refusal(await client.as_(cast.member).get(f"{PATH}/{recordset['slug']}")) == (404, "recordset_not_found")

    owners = (await client.as_(cast.owner).get(path)).json()
    assert (owners["recordset_id"], owners["is_owner"]) == (recordset["id"], True)
    assert owners["reasons"]["can_admin"] == "role owner reaches every recordset"
    assert refusal(await client.as_(cast.owner).get(f"{PATH}/nothing/permissions")) == (404, "recordset_not_found")


async def test_a_key_that_only_reads_changes_nothing(client: Client, cast: Cast, runtime: Runtime) -> None:
    recordset = await create_recordset(client.as_(cast.owner))
    token = await create_token(runtime, cast.owner.user_id, scope="read")
    reader = client.with_token(token, workspace=cast.acme)
    path = f"{PATH}/{recordset['id']}"
    assert (await reader.get(path)).status_code == 200
    report = (await reader.get(f"{path}/permissions")).json()
    assert report["permissions"]["can_view"] is True
    assert report["permissions"]["can_admin"] is False
    assert report["reasons"]["can_admin"] == "the credential's scope is read"
    for response in (
        await reader.post(PATH, json={"name": "New"}),
        await reader.patch(path, json={"name": "New"}),
        await reader.delete(path),
    ):
        assert refusal(response) == (403, "pat_scope_insufficient")
    assert await names(reader) == ["Airports"]


async def test_changes_keep_what_is_left_out(client: Client, cast: Cast, runtime: Runtime) -> None:
    owner = client.as_(cast.owner)
    created = await create_recordset(owner, description="Old", icon="plane", color="#aabbcc", fields=FIELDS)
    path = f"{PATH}/{created['id']}"
    changed = (await owner.patch(path, json={"name": "Airfields", "icon": None})).json()
    assert (changed["name"], changed["icon"], changed["version"]) == ("Airfields", None, 2)
    for kept in ("slug", "description", "color", "fields", "owner_id", "created_at"):
        assert changed[kept] == created[kept]
    assert changed["updated_at"] > created["updated_at"]
    assert (await owner.get(path)).json() == changed
    assert await event_types(runtime, cast.acme, entity_id=created["id"]) == [
        "recordset.created",
        "recordset.updated",
    ]


async def test_a_change_of_nothing_changes_nothing(client: Client, cast: Cast, runtime: Runtime) -> None:
    created = await create_recordset(client.as_(cast.owner), fields=FIELDS)
    for body in ({}, {"name": created["name"]}, {"fields": [{"key": "name", "name": "Name"}]}, {"name": None}):
        response = await client.as_(cast.owner).patch(f"{PATH}/{created['id']}", json=body)
        assert response.json() == created
    assert await event_types(runtime, cast.acme, entity_id=created["id"]) == ["recordset.created"]


async def test_a_stale_change_is_refused_with_both_versions(client: Client, cast: Cast) -> None:
    created = await create_recordset(client.as_(cast.owner))
    path = f"{PATH}/{created['slug']}"
    assert (await client.as_(cast.admin).patch(path, json={"name": "By the admin"})).status_code == 200
    for options in (
        {"json": {"name": "Late", "expected_version": 1}},
        {"json": {"name": "Late"}, "headers": {"If-Match": '"1"'}},
    ):
        stale = await client.as_(cast.owner).patch(path, **options)
        assert refusal(stale) == (409, "stale_update")
        assert (stale.json()["expected_version"], stale.json()["current_version"]) == (1, 2)
    odd = await client.as_(cast.owner).patch(path, json={"name": "Late"}, headers={"If-Match": "new"})
    assert refusal(odd) == (400, "if_match_invalid")
    right = await client.as_(cast.owner).patch(path, json={"name": "In time"}, headers={"If-Match": '"2"'})
    assert (right.status_code, right.json()["version"]) == (200, 3)


async def test_of_two_changes_at_once_one_is_refused(client: Client, cast: Cast) -> None:
    created = await create_recordset(client.as_(cast.owner))
    answers = await asyncio.gather(
        *(
            client.as_(person).patch(f"{PATH}/{created['id']}", json={"name": person.name, "expected_version": 1})
            for person in (cast.owner, cast.admin)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    winner = next(answer.json()["name"] for answer in answers if answer.status_code == 200)
    assert await names(client.as_(cast.owner)) == [winner]


async def test_only_who_administers_changes(client: Client, cast: Cast) -> None:
    created = await create_recordset(client.as_(cast.owner))
    path = f"{PATH}/{created['id']}"
    member = client.as_(cast.member)
    assert refusal(await member.patch(path, json={"name": "No"})) == (404, "recordset_not_found")
    await grant(client.as_(cast.owner), created, cast.member, "can_edit", "can_delete", "can_create")
    assert refusal(await member.patch(path, json={"name": "No"})) == (403, "recordset_action_forbidden")
    await grant(client.as_(cast.owner), created, cast.member, "can_admin")
    assert (await member.patch(path, json={"name": "Yes"})).json()["name"] == "Yes"


async def test_nobody_changes_what_is_not_there(client: Client, cast: Cast) -> None:
    for reference in ("nothing", "0192f0c1-a2b3-7c4d-8e9f-001122334455", "x" * 100):
        response = await client.as_(cast.owner).patch(f"{PATH}/{reference}", json={"name": "No"})
        assert refusal(response) == (404, "recordset_not_found")
    too_long = await client.as_(cast.owner).get(f"{PATH}/{'x' * 101}")
    assert refusal(too_long) == (422, "validation_failed")


async def test_the_count_is_exact(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    recordset = await create_recordset(owner, fields=FIELDS)
    path = f"{PATH}/{recordset['id']}"
    records = [await create_record(owner, recordset, {"name": f"No. {number}"}) for number in range(3)]
    assert (await owner.get(path)).json()["record_count"] == 3
    assert (await owner.delete(f"/api/v1/records/{records[0]['id']}")).status_code == 204
    assert (await owner.get(path)).json()["record_count"] == 2
    assert (await owner.get(PATH)).json()["items"][0]["record_count"] == 2


async def test_a_post_that_is_sent_twice_makes_one(client: Client, cast: Cast) -> None:
    key = {"Idempotency-Key": "make-it-once"}
    answers = [await client.as_(cast.owner).post(PATH, json={"name": "Once"}, headers=key) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert await names(client.as_(cast.owner)) == ["Once"]
