"""Teams: made, changed, filled with people, deleted; and the rights that they carry."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, Person, create_token
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.support.records import create_recordset

TEAMS = "/api/v1/teams"


async def make_team(client: Client, name: str = "Surveyors", **fields: Any) -> dict[str, Any]:
    response = await client.post(TEAMS, json={"name": name, **fields})
    assert response.status_code == 201, response.text
    return response.json()


async def join(client: Client, team: dict[str, Any], person: Person, role: str = "member") -> dict[str, Any]:
    body = {"member_id": str(person.member_id), "role": role}
    response = await client.post(f"{TEAMS}/{team['id']}/members", json=body)
    assert response.status_code == 201, response.text
    return response.json()


async def epoch_of(runtime: Runtime, workspace: UUID) -> int:
    async with runtime.database.unit() as unit:
        return await unit.value("select rights_epoch from workspaces where id = :id", id=workspace)


async def test_an_administrator_makes_and_everybody_sees_a_team(client: Client, cast: Cast, runtime: Runtime) -> None:
    team = await make_team(client.as_(cast.admin), description="On the boats", parent_team_id=None)
    assert team["created_by"] == str(cast.admin.member_id)
    assert (team["member_count"], team["child_count"], team["own_role"], team["is_active"]) == (0, 0, None, True)
    for person in cast.people():
        assert (await client.as_(person).get(f"{TEAMS}/{team['id']}")).json() == team
        assert (await client.as_(person).get(TEAMS)).json() == {"items": [team], "total": 1, "has_more": False}
    assert refusal(await client.as_(cast.stranger).get(f"{TEAMS}/{team['id']}")) == (404, "team_not_found")
    assert await event_types(runtime, cast.acme, entity_id=UUID(team["id"])) == ["team.created"]


async def test_names_are_unique_in_their_workspace_whatever_the_capitals(client: Client, cast: Cast) -> None:
    team = await make_team(client.as_(cast.owner), "Surveyors")
    other = await make_team(client.as_(cast.owner), "Drivers")
    twin = await client.as_(cast.owner).post(TEAMS, json={"name": " SURVEYORS "})
    assert refusal(twin) == (409, "team_name_taken")
    renamed = await client.as_(cast.owner).patch(f"{TEAMS}/{other['id']}", json={"name": "surveyorS"})
    assert refusal(renamed) == (409, "team_name_taken")
    respelt = await client.as_(cast.owner).patch(f"{TEAMS}/{team['id']}", json={"name": "SURVEYORS"})
    assert respelt.json()["name"] == "SURVEYORS"
    await make_team(client.as_(cast.stranger), "Surveyors")
    names = [client.as_(cast.owner).post(TEAMS, json={"name": name}) for name in ("Cooks", "cooks", "COOKS")]
    assert sorted([answer.status_code for answer in await asyncio.gather(*names)]) == [201, 409, 409]


async def test_a_list_is_searched_filtered_and_paged(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    top = await make_team(owner, "Fleet", description="All 100% of the boats")
    below = await make_team(owner, "Anchors", parent_team_id=top["id"])
    idle = await make_team(owner, "Zeppelins", is_active=False)

    async def names(**params: Any) -> list[str]:
        return [team["name"] for team in (await owner.get(TEAMS, params=params)).json()["items"]]

    assert await names() == ["Anchors", "Fleet", "Zeppelins"]
    assert await names(search="EE") == ["Fleet"]
    assert await names(search="100%") == ["Fleet"]
    assert await names(search="_") == []
    assert await names(is_active=False) == [idle["name"]]
    assert await names(parent_team_id=top["id"]) == [below["name"]]
    assert await names(parent_team_id="none") == ["Fleet", "Zeppelins"]
    part = (await owner.get(TEAMS, params={"limit": 1, "offset": 1})).json()
    assert (part["items"][0]["name"], part["total"], part["has_more"]) == ("Fleet", 3, True)
    assert part["items"][0]["child_count"] == 1
    for params in ({"parent_team_id": "x"}, {"is_active": "perhaps"}, {"search": "x" * 201}, {"limit": 0}):
        assert refusal(await owner.get(TEAMS, params=params)) == (422, "validation_failed")


async def test_no_team_stands_below_itself(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    first = await make_team(owner, "First")
    second = await make_team(owner, "Second", parent_team_id=first["id"])
    third = await make_team(owner, "Third", parent_team_id=second["id"])
    for parent in (first, third):
        refused = await owner.patch(f"{TEAMS}/{first['id']}", json={"parent_team_id": parent["id"]})
        assert refusal(refused) == (409, "team_cycle")
    unknown = {"name": "Fourth", "parent_team_id": str(new_id())}
    assert refusal(await owner.post(TEAMS, json=unknown)) == (422, "parent_team_unknown")
    foreign = await make_team(client.as_(cast.stranger), "Theirs")
    unknown["parent_team_id"] = foreign["id"]
    assert refusal(await owner.post(TEAMS, json=unknown)) == (422, "parent_team_unknown")
    freed = await owner.patch(f"{TEAMS}/{second['id']}", json={"parent_team_id": None})
    assert freed.json()["parent_team_id"] is None


async def test_two_teams_put_below_each_other_at_once_make_no_cycle(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    for _ in range(5):
        one, two = [await make_team(owner, new_id().hex) for _ in range(2)]
        answers = await asyncio.gather(
            owner.patch(f"{TEAMS}/{one['id']}", json={"parent_team_id": two["id"]}),
            owner.patch(f"{TEAMS}/{two['id']}", json={"parent_team_id": one["id"]}),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_people_come_and_go(client: Client, cast: Cast, runtime: Runtime) -> None:
    admin = client.as_(cast.admin)
    team = await make_team(admin)
    path = f"{TEAMS}/{team['id']}/members"
    added = await join(admin, team, cast.member)
    assert (added["member_id"], added["role"], added["name"]) == (
        str(cast.member.member_id),
        "member",
        "Member Example",
    )
    await join(admin, team, cast.viewer, "lead")
    listed = (await client.as_(cast.viewer).get(path)).json()
    assert [(item["email"], item["role"]) for item in listed["items"]] == [
        (cast.viewer.email, "lead"),
        (cast.member.email, "member"),
    ]
    seen = (await client.as_(cast.viewer).get(f"{TEAMS}/{team['id']}")).json()
    assert (seen["member_count"], seen["own_role"]) == (2, "lead")
    twice = await admin.post(path, json={"member_id": str(cast.member.member_id)})
    assert refusal(twice) == (409, "already_in_team")
    assert (await admin.patch(f"{path}/{cast.member.member_id}", json={"role": "lead"})).json()["role"] == "lead"
    before = await epoch_of(runtime, cast.acme)
    assert (await admin.delete(f"{path}/{cast.member.member_id}")).status_code == 204
    assert await epoch_of(runtime, cast.acme) == before + 1
    gone = await admin.delete(f"{path}/{cast.member.member_id}")
    assert refusal(gone) == (404, "team_member_not_found")
    assert await event_types(runtime, cast.acme, entity_id=UUID(team["id"])) == [
        "team.created",
        "team.member_added",
        "team.member_added",
        "team.member_updated",
        "team.member_removed",
    ]


async def test_only_people_of_the_workspace_come_in(client: Client, cast: Cast) -> None:
    team = await make_team(client.as_(cast.owner))
    for nobody in (cast.stranger.member_id, new_id()):
        body = {"member_id": str(nobody)}
        refused = await client.as_(cast.owner).post(f"{TEAMS}/{team['id']}/members", json=body)
        assert refusal(refused) == (404, "member_not_found")
    foreign = await make_team(client.as_(cast.stranger), "Theirs")
    body = {"member_id": str(cast.member.member_id)}
    refused = await client.as_(cast.owner).post(f"{TEAMS}/{foreign['id']}/members", json=body)
    assert refusal(refused) == (404, "team_not_found")


async def test_a_lead_chooses_the_people_of_their_own_team_and_nothing_more(client: Client, cast: Cast) -> None:
    admin, lead = client.as_(cast.admin), client.as_(cast.member)
    own, other = await make_team(admin, "Own"), await make_team(admin, "Other")
    body = {"member_id": str(cast.viewer.member_id)}
    await join(admin, own, cast.member)
    assert refusal(await lead.post(f"{TEAMS}/{own['id']}/members", json=body)) == (403, "not_team_lead")
    await admin.patch(f"{TEAMS}/{own['id']}/members/{cast.member.member_id}", json={"role": "lead"})
    await join(lead, own, cast.viewer)
    place = f"{TEAMS}/{own['id']}/members/{cast.viewer.member_id}"
    assert (await lead.patch(place, json={"role": "lead"})).status_code == 200
    assert (await lead.delete(place)).status_code == 204
    assert refusal(await lead.post(f"{TEAMS}/{other['id']}/members", json=body)) == (403, "not_team_lead")
    assert refusal(await lead.patch(f"{TEAMS}/{own['id']}", json={"name": "Mine"})) == (403, "forbidden")
    assert refusal(await lead.delete(f"{TEAMS}/{own['id']}")) == (403, "forbidden")


async def test_a_reading_credential_of_a_lead_changes_nothing(client: Client, cast: Cast, runtime: Runtime) -> None:
    team = await make_team(client.as_(cast.owner))
    await join(client.as_(cast.owner), team, cast.member, "lead")
    token = await create_token(runtime, cast.member.user_id, scope="read")
    reader = client.with_token(token, workspace=cast.acme)
    body = {"member_id": str(cast.viewer.member_id)}
    assert (await reader.get(f"{TEAMS}/{team['id']}/members")).status_code == 200
    refused = await reader.post(f"{TEAMS}/{team['id']}/members", json=body)
    assert refusal(refused) == (403, "pat_scope_insufficient")


async def test_what_is_granted_to_a_team_follows_its_people_and_its_state(client: Client, cast: Cast) -> None:
    owner, viewer = client.as_(cast.owner), client.as_(cast.viewer)
    team = await make_team(owner)
    recordset = await create_recordset(owner, fields=[{"name": "Name", "type": "text"}])
    path = f"/api/v1/recordsets/{recordset['slug']}"
    granted = await owner.post(f"{path}/access", json={"team_id": team["id"], "actions": ["can_view"]})
    assert granted.status_code == 201, granted.text

    async def sees() -> tuple[int, int]:
        listed = (await viewer.get("/api/v1/recordsets")).json()["total"]
        return (await viewer.get(path)).status_code, listed

    assert await sees() == (404, 0)
    await join(owner, team, cast.viewer)
    assert await sees() == (200, 1)
    await owner.patch(f"{TEAMS}/{team['id']}", json={"is_active": False})
    assert await sees() == (404, 0)
    await owner.patch(f"{TEAMS}/{team['id']}", json={"is_active": True})
    assert await sees() == (200, 1)
    assert (await owner.delete(f"{TEAMS}/{team['id']}")).status_code == 204
    assert await sees() == (404, 0)
    assert (await owner.get(f"{path}/access")).json()["total"] == 0


async def test_a_deleted_team_is_gone_and_its_own_teams_stay(client: Client, cast: Cast, runtime: Runtime) -> None:
    owner = client.as_(cast.owner)
    top = await make_team(owner, "Top")
    below = await make_team(owner, "Below", parent_team_id=top["id"])
    before = await epoch_of(runtime, cast.acme)
    assert (await owner.delete(f"{TEAMS}/{top['id']}")).status_code == 204
    assert await epoch_of(runtime, cast.acme) == before + 1
    assert (await owner.get(f"{TEAMS}/{below['id']}")).json()["parent_team_id"] is None
    for method in ("GET", "DELETE"):
        assert refusal(await owner.request(method, f"{TEAMS}/{top['id']}")) == (404, "team_not_found")
    assert await event_types(runtime, cast.acme, entity_id=UUID(top["id"])) == ["team.created", "team.deleted"]


async def test_a_stale_change_is_refused(client: Client, cast: Cast) -> None:
    team = await make_team(client.as_(cast.owner))
    path, seen = f"{TEAMS}/{team['id']}", {"If-Match": '"1"'}
    first = await client.as_(cast.owner).patch(path, json={"name": "One"}, headers=seen)
    assert first.json()["version"] == 2
    second = await client.as_(cast.owner).patch(path, json={"name": "Two"}, headers=seen)
    assert refusal(second) == (409, "stale_update")
    same = await client.as_(cast.owner).patch(path, json={"name": "One"})
    assert same.json()["version"] == 2


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "x" * 201},
        {"name": "A", "parent_team_id": "x"},
        {"name": "A", "parent": None},
        {"name": "A", "is_active": 7},
    ],
)
async def test_bad_input_makes_no_team(client: Client, cast: Cast, body: Any) -> None:
    assert refusal(await client.as_(cast.owner).post(TEAMS, json=body)) == (422, "validation_failed")
    assert (await client.as_(cast.owner).get(TEAMS)).json()["total"] == 0
