"""Access to recordsets: granted to members and teams, in force at once, taken back at once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, Person
from tests.support.client import Client, Response, refusal
from tests.support.events import event_types
from tests.support.records import create_recordset, grant

PATH = "/api/v1/recordsets"


@pytest.fixture
async def recordset(client: Client, cast: Cast) -> dict[str, Any]:
    return await create_recordset(client.as_(cast.owner))


@pytest.fixture
def path(recordset: dict[str, Any]) -> str:
    return f"{PATH}/{recordset['id']}"


async def create_team(runtime: Runtime, cast: Cast, *people: Person) -> UUID:
    """Make a team in acme with some of its people."""
    team_id = new_id()
    async with runtime.database.unit(cast.acme) as unit:
        await unit.run(
            "insert into teams (workspace_id, id, name) values (:workspace, :id, 'Pilots')",
            id=team_id,
        )
        for person in people:
            await unit.run(
                "insert into team_members (workspace_id, team_id, member_id) values (:workspace, :team, :member)",
                team=team_id,
                member=person.member_id,
            )
    return team_id


async def rights_epoch(runtime: Runtime, cast: Cast) -> int:
    async with runtime.database.unit() as unit:
        return await unit.value("select rights_epoch from workspaces where id = :id", id=cast.acme)


async def seen(client: Client, path: str) -> int:
    return (await client.get(path)).status_code


async def grant_team(client: Client, path: str, team_id: UUID, *actions: str) -> Response:
    return await client.post(f"{path}/access", json={"team_id": str(team_id), "actions": list(actions)})


async def test_a_grant_opens_at_once_and_closes_at_once(client: Client, cast: Cast, path: str) -> None:
    member = client.as_(cast.member)
    assert await seen(member, path) == 404
    body = {"member_id": str(cast.member.member_id), "actions": ["can_edit", "can_create"]}
    response = await client.as_(cast.owner).post(f"{path}/access", json=body)
    assert response.status_code == 201
    granted = response.json()
    assert granted["actions"] == ["can_view", "can_create", "can_edit"]
    assert (granted["member_id"], granted["team_id"]) == (str(cast.member.member_id), None)
    assert granted["name"] == "Member Example"
    assert granted["granted_by"] == str(cast.owner.member_id)
    assert await seen(member, path) == 200

    revoked = await client.as_(cast.owner).delete(f"{path}/access/members/{cast.member.member_id}")
    assert (revoked.status_code, revoked.content) == (204, b"")
    assert await seen(member, path) == 404
    again = await client.as_(cast.owner).delete(f"{path}/access/members/{cast.member.member_id}")
    assert refusal(again) == (404, "grant_not_found")


async def test_a_second_grant_takes_the_place_of_the_first(
    client: Client, cast: Cast, path: str, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    await grant(owner, recordset, cast.member, "can_admin")
    first = (await owner.get(f"{path}/access")).json()["items"][0]
    await grant(owner, recordset, cast.member, "can_view")
    listed = (await owner.get(f"{path}/access")).json()
    assert (listed["total"], listed["has_more"]) == (1, False)
    second = listed["items"][0]
    assert (second["id"], second["actions"]) == (first["id"], ["can_view"])
    assert second["created_at"] == first["created_at"]
    assert second["updated_at"] > first["updated_at"]
    assert refusal(await client.as_(cast.member).get(f"{path}/access")) == (403, "recordset_action_forbidden")


async def test_a_team_passes_its_grant_on(client: Client, cast: Cast, runtime: Runtime, path: str) -> None:
    team_id = await create_team(runtime, cast, cast.member)
    response = await grant_team(client.as_(cast.owner), path, team_id, "can_create")
    assert response.status_code == 201, response.text
    assert (response.json()["team_id"], response.json()["name"]) == (str(team_id), "Pilots")
    assert await seen(client.as_(cast.member), path) == 200
    assert await seen(client.as_(cast.viewer), path) == 404
    assert (await client.as_(cast.member).get(PATH)).json()["items"][0]["permissions"]["can_create"] is True

    assert (await client.as_(cast.owner).delete(f"{path}/access/teams/{team_id}")).status_code == 204
    assert await seen(client.as_(cast.member), path) == 404
    again = await client.as_(cast.owner).delete(f"{path}/access/teams/{team_id}")
    assert refusal(again) == (404, "grant_not_found")


async def test_grants_to_a_member_and_to_a_team_add_up(
    client: Client, cast: Cast, runtime: Runtime, path: str, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    team_id = await create_team(runtime, cast, cast.member)
    await grant_team(owner, path, team_id, "can_create")
    await grant(owner, recordset, cast.member, "can_edit")

    async def allowed() -> tuple[bool, bool]:
        permissions = (await client.as_(cast.member).get(path)).json()["permissions"]
        return permissions["can_create"], permissions["can_edit"]

    assert await allowed() == (True, True)
    await owner.delete(f"{path}/access/members/{cast.member.member_id}")
    assert await allowed() == (True, False)


async def test_each_recordset_has_grants_of_its_own(
    client: Client, cast: Cast, path: str, recordset: dict[str, Any]
) -> None:
    owner = client.as_(cast.owner)
    other = await create_recordset(owner, name="Cities")
    await grant(owner, other, cast.member, "can_admin")
    await grant(owner, other, cast.viewer, "can_view")
    await grant(owner, recordset, cast.member, "can_view")
    listed = (await owner.get(f"{path}/access")).json()
    assert [(item["recordset_id"], item["actions"]) for item in listed["items"]] == [(recordset["id"], ["can_view"])]
    assert refusal(await owner.delete(f"{path}/access/members/{cast.viewer.member_id}")) == (404, "grant_not_found")
    assert (await owner.get(f"{PATH}/{other['id']}/access")).json()["total"] == 2


async def test_who_administers_by_a_grant_may_grant(
    client: Client, cast: Cast, path: str, recordset: dict[str, Any]
) -> None:
    member = client.as_(cast.member)
    await grant(client.as_(cast.owner), recordset, cast.member, "can_admin")
    await grant(member, recordset, cast.viewer, "can_view")
    assert await seen(client.as_(cast.viewer), path) == 200
    listed = (await member.get(f"{path}/access", params={"page_size": 1})).json()
    assert (listed["total"], listed["has_more"], len(listed["items"])) == (2, True, 1)
    # Somebody who administers may even shut themselves out.
    assert (await member.delete(f"{path}/access/members/{cast.member.member_id}")).status_code == 204
    assert await seen(member, path) == 404


async def test_others_do_not_grant(client: Client, cast: Cast, path: str, recordset: dict[str, Any]) -> None:
    owner, member, viewer = client.as_(cast.owner), client.as_(cast.member), client.as_(cast.viewer)
    await grant(owner, recordset, cast.member, "can_edit", "can_delete", "can_create")
    await grant(owner, recordset, cast.viewer, "can_admin")
    body = {"member_id": str(cast.member.member_id), "actions": ["can_admin"]}
    for person in (member, viewer):
        for response in (
            await person.get(f"{path}/access"),
            await person.post(f"{path}/access", json=body),
            await person.delete(f"{path}/access/members/{cast.viewer.member_id}"),
            await person.delete(f"{path}/access/teams/{cast.viewer.member_id}"),
        ):
            assert refusal(response) == (403, "recordset_action_forbidden")
    assert (await owner.get(f"{path}/access")).json()["total"] == 2


async def test_grantees_of_nowhere_are_refused(client: Client, cast: Cast, runtime: Runtime, path: str) -> None:
    owner = client.as_(cast.owner)
    for member_id in (new_id(), cast.stranger.member_id, cast.member.user_id):
        response = await owner.post(f"{path}/access", json={"member_id": str(member_id), "actions": ["can_view"]})
        assert refusal(response) == (404, "member_not_found")
    assert refusal(await grant_team(owner, path, new_id(), "can_view")) == (404, "team_not_found")
    await create_team(runtime, cast)
    assert (await owner.get(f"{path}/access")).json()["total"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {"actions": ["can_view"]},
        {"member_id": None, "team_id": None, "actions": ["can_view"]},
        {"member_id": "MEMBER", "team_id": "MEMBER", "actions": ["can_view"]},
        {"member_id": "MEMBER", "actions": []},
        {"member_id": "MEMBER", "actions": ["can_fly"]},
        {"member_id": "MEMBER"},
        {"member_id": "nobody", "actions": ["can_view"]},
    ],
)
async def test_grants_that_do_not_fit_are_refused(client: Client, cast: Cast, path: str, body: dict[str, Any]) -> None:
    sent = {key: str(cast.member.member_id) if value == "MEMBER" else value for key, value in body.items()}
    response = await client.as_(cast.owner).post(f"{path}/access", json=sent)
    assert refusal(response) == (422, "validation_failed")
    assert await seen(client.as_(cast.member), path) == 404


async def test_every_change_of_access_is_told_and_counted(
    client: Client, cast: Cast, runtime: Runtime, path: str, recordset: dict[str, Any]
) -> None:
    before = await rights_epoch(runtime, cast)
    await grant(client.as_(cast.owner), recordset, cast.member, "can_view")
    granted = await rights_epoch(runtime, cast)
    await client.as_(cast.owner).delete(f"{path}/access/members/{cast.member.member_id}")
    assert before < granted < await rights_epoch(runtime, cast)
    assert await event_types(runtime, cast.acme, entity_id=recordset["id"]) == [
        "recordset.created",
        "recordset.access_granted",
        "recordset.access_revoked",
    ]
