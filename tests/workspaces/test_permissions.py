"""The catalogue, what each role holds of it, and what a workspace changes about that."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from fostr.domains.workspaces.roles.rules import role_id
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, Person, create_token
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.support.records import create_recordset, grant

PERMISSIONS = "/api/v1/permissions"
ROLES = f"{PERMISSIONS}/roles"


async def change(client: Client, role: str, **allowed: bool) -> dict[str, Any]:
    response = await client.patch(f"{ROLES}/{role}", json={"permissions": allowed})
    assert response.status_code == 200, response.text
    return response.json()


async def check(client: Client, permission: str) -> dict[str, Any]:
    response = await client.get(f"{PERMISSIONS}/check/{permission}")
    assert response.status_code == 200, response.text
    return response.json()


async def give_role(client: Client, person: Person, role: str) -> None:
    response = await client.patch(f"/api/v1/auth/{person.user_id}", json={"role": role})
    assert response.status_code == 200, response.text


async def epoch_of(runtime: Runtime, workspace: UUID) -> int:
    async with runtime.database.unit() as unit:
        return await unit.value("select rights_epoch from workspaces where id = :id", id=workspace)


async def test_every_member_reads_the_catalogue(client: Client, cast: Cast) -> None:
    for person in cast.people():
        listed = (await client.as_(person).get(PERMISSIONS)).json()
        assert listed["total"] == len(listed["items"]) > 10
        grouped = (await client.as_(person).get(f"{PERMISSIONS}/grouped")).json()
        assert [entry for group in grouped.values() for entry in group] == listed["items"]
        of_members = (await client.as_(person).get(PERMISSIONS, params={"resource": "member"})).json()
        assert of_members["items"] == grouped["member"]
    of_roles = (await client.as_(cast.viewer).get(PERMISSIONS, params={"resource": "role"})).json()["items"]
    assert {entry["name"]: entry for entry in of_roles}["can_manage_permissions"] == {
        "name": "can_manage_permissions",
        "resource": "role",
        "label": "Change what each role allows, and add roles",
        "default_roles": ["owner", "admin"],
        "scope": "admin",
        "is_reserved": True,
    }
    assert (await client.as_(cast.viewer).get(PERMISSIONS, params={"resource": "unicorn"})).json()["items"] == []
    assert refusal(await client.as_(cast.stranger, workspace=cast.acme).get(PERMISSIONS)) == (404, "not_found")


async def test_own_permissions_say_what_the_credential_leaves_of_the_role(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    own = (await client.as_(cast.member).get(f"{PERMISSIONS}/me")).json()
    assert (own["role"], own["base_role"], own["scope"]) == ("member", "member", "admin")
    assert own["permissions"] == own["usable"]
    assert "can_create_record" in own["permissions"]
    token = await create_token(runtime, cast.member.user_id, scope="read")
    reader = client.with_token(token, workspace=cast.acme)
    narrow = (await reader.get(f"{PERMISSIONS}/me")).json()
    assert narrow["permissions"] == own["permissions"]
    assert "can_view_record" in narrow["usable"]
    assert "can_create_record" not in narrow["usable"]


async def test_a_check_says_what_decided(client: Client, cast: Cast, runtime: Runtime) -> None:
    viewer, owner = client.as_(cast.viewer), client.as_(cast.owner)
    assert await check(viewer, "can_create_team") == {
        "permission": "can_create_team",
        "allowed": False,
        "decided_by": "role",
        "reason": "role viewer does not hold can_create_team",
        "role": "viewer",
        "role_allows": False,
        "scope": "admin",
        "required_scope": "write",
    }
    assert (await check(owner, "can_create_team"))["decided_by"] == "owner"
    assert (await check(client.as_(cast.admin), "can_create_team"))["reason"] == "role admin holds can_create_team"
    await change(owner, "viewer", can_create_team=True, can_view_teams=False)
    granted, revoked = await check(viewer, "can_create_team"), await check(viewer, "can_view_teams")
    assert (granted["allowed"], granted["decided_by"]) == (True, "override")
    assert granted["reason"] == "this workspace has can_create_team granted to role viewer"
    assert (revoked["allowed"], revoked["decided_by"]) == (False, "override")
    token = await create_token(runtime, cast.viewer.user_id, scope="read")
    cut = await check(client.with_token(token, workspace=cast.acme), "can_create_team")
    assert (cut["allowed"], cut["decided_by"], cut["role_allows"]) == (False, "scope", True)
    assert cut["reason"] == "the credential's scope is read"
    unknown = await viewer.get(f"{PERMISSIONS}/check/can_fly")
    assert refusal(unknown) == (404, "permission_not_found")


async def test_a_check_on_a_recordset_names_the_grant(client: Client, cast: Cast) -> None:
    owner, member = client.as_(cast.owner), client.as_(cast.member)
    recordset = await create_recordset(owner, fields=[{"name": "Name", "type": "text"}])
    on: dict[str, str] = {"object_type": "recordset", "object_id": recordset["slug"]}
    path = f"{PERMISSIONS}/check/can_edit_record"
    assert refusal(await member.get(path, params=on)) == (404, "recordset_not_found")
    await grant(owner, recordset, cast.member, "can_view")

    async def ask(client: Client) -> tuple[bool, str, str]:
        answer = (await client.get(path, params=on)).json()
        return answer["allowed"], answer["decided_by"], answer["reason"]

    assert await ask(member) == (False, "grant", "no grant on the recordset allows to edit")
    await grant(owner, recordset, cast.member, "can_edit")
    assert await ask(member) == (True, "grant", "granted can_edit on the recordset")
    assert await ask(owner) == (True, "administrator", "role owner reaches every recordset")
    await change(owner, "member", can_edit_record=False)
    assert await ask(member) == (False, "override", "this workspace has can_edit_record taken from role member")
    for params in ({"object_type": "recordset"}, {"object_id": "x"}, {"object_type": "moon", "object_id": "x"}):
        assert refusal(await member.get(path, params=params)) == (422, "object_without_rights")
    elsewhere = f"{PERMISSIONS}/check/can_create_team"
    assert refusal(await member.get(elsewhere, params=on)) == (422, "object_without_rights")


async def test_administrators_see_all_roles_and_others_their_own(client: Client, cast: Cast) -> None:
    for person in (cast.owner, cast.admin):
        roles = (await client.as_(person).get(ROLES)).json()
        assert list(roles) == ["owner", "admin", "member", "viewer"]
        assert {role["member_count"] for role in roles.values()} == {1}
        assert (await client.as_(person).get(f"{ROLES}/viewer")).json() == roles["viewer"]
    everything = (await client.as_(cast.viewer).get(PERMISSIONS)).json()["items"]
    assert roles["owner"]["permissions"] == sorted(entry["name"] for entry in everything)
    assert (await client.as_(cast.viewer).get(f"{ROLES}/viewer")).json() == roles["viewer"]
    assert refusal(await client.as_(cast.viewer).get(f"{ROLES}/member")) == (403, "forbidden")
    assert refusal(await client.as_(cast.viewer).get(ROLES)) == (403, "forbidden")
    assert refusal(await client.as_(cast.owner).get(f"{ROLES}/emperor")) == (404, "role_not_found")


async def test_a_change_holds_from_the_next_request_on(client: Client, cast: Cast, runtime: Runtime) -> None:
    viewer, admin = client.as_(cast.viewer), client.as_(cast.admin)
    assert refusal(await viewer.post("/api/v1/teams", json={"name": "One"})) == (403, "forbidden")
    before = await epoch_of(runtime, cast.acme)
    role = await change(admin, "viewer", can_create_team=True)
    assert await epoch_of(runtime, cast.acme) == before + 1
    assert (role["granted"], role["revoked"], role["version"]) == (["can_create_team"], [], 1)
    assert (await viewer.post("/api/v1/teams", json={"name": "One"})).status_code == 201
    single = {"permission": "can_create_team", "allowed": False}
    role = (await admin.patch(f"{ROLES}/viewer/permission", json=single)).json()
    assert (role["granted"], role["revoked"]) == ([], [])
    assert refusal(await viewer.post("/api/v1/teams", json={"name": "Two"})) == (403, "forbidden")
    elsewhere = client.as_(cast.stranger)
    assert (await elsewhere.get(f"{ROLES}/viewer")).json()["version"] == 0
    told = await event_types(runtime, cast.acme, entity_id=role_id(cast.acme, "viewer"))
    assert told == ["role.updated", "role.updated"]


async def test_a_change_that_changes_nothing_leaves_no_event(client: Client, cast: Cast, runtime: Runtime) -> None:
    before = await epoch_of(runtime, cast.acme)
    await change(client.as_(cast.admin), "member", can_create_record=True, can_manage_api_keys=False)
    assert await epoch_of(runtime, cast.acme) == before
    assert await event_types(runtime, cast.acme, entity_id=role_id(cast.acme, "member")) == []


async def test_reset_undoes_it_and_seed_keeps_it(client: Client, cast: Cast, runtime: Runtime) -> None:
    owner = client.as_(cast.owner)
    plain = (await owner.get(f"{ROLES}/member")).json()
    changed = await change(owner, "member", can_create_team=True, can_create_record=False)
    assert set(changed["permissions"]) == (set(plain["permissions"]) | {"can_create_team"}) - {"can_create_record"}
    async with runtime.database.unit() as unit:
        await unit.run(
            """
            update roles set granted = granted || array['can_ride_unicorns'], revoked = revoked || array['can_sail']
            where workspace_id = :of and key = 'member'
            """,
            of=cast.acme,
        )
    seeded = await owner.post(f"{PERMISSIONS}/seed")
    assert seeded.status_code == 201
    assert seeded.json()["pruned"] == [{"role": "member", "removed": ["can_ride_unicorns", "can_sail"]}]
    assert seeded.json()["roles"]["member"]["permissions"] == changed["permissions"]
    again = await owner.post(f"{PERMISSIONS}/seed")
    assert (again.status_code, again.json()["pruned"]) == (201, [])
    reset = (await owner.post(f"{ROLES}/member/reset")).json()
    assert reset["permissions"] == plain["permissions"]
    assert await event_types(runtime, cast.acme, entity_id=role_id(cast.acme, "member")) == ["role.updated"] * 3


async def test_what_owners_may_do_is_fixed(client: Client, cast: Cast) -> None:
    for person in (cast.owner, cast.admin):
        sender = client.as_(person)
        answers = [
            await sender.patch(f"{ROLES}/owner", json={"permissions": {"can_view_teams": False}}),
            await sender.patch(f"{ROLES}/owner/permission", json={"permission": "can_view_teams", "allowed": False}),
            await sender.post(f"{ROLES}/owner/reset"),
        ]
        assert {refusal(answer) for answer in answers} == {(409, "owner_role_fixed")}
    assert "can_view_teams" in (await client.as_(cast.owner).get(f"{ROLES}/owner")).json()["permissions"]


async def test_unknown_and_reserved_names_are_refused_by_name(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    body = {"permissions": {"can_fly": True, "can_create_team": True, "can_swim": False}}
    refused = await owner.patch(f"{ROLES}/member", json=body)
    assert refusal(refused) == (422, "permission_unknown")
    assert refused.json()["unknown"] == ["can_fly", "can_swim"]
    assert (await owner.get(f"{ROLES}/member")).json()["granted"] == []
    single = await owner.patch(f"{ROLES}/member/permission", json={"permission": "can_fly", "allowed": True})
    assert refusal(single) == (422, "permission_unknown")
    reserved = await owner.patch(f"{ROLES}/member", json={"permissions": {"can_manage_permissions": True}})
    assert refusal(reserved) == (422, "permission_reserved")
    assert reserved.json()["reserved"] == ["can_manage_permissions"]
    nowhere = await owner.patch(f"{ROLES}/emperor", json={"permissions": {}})
    assert refusal(nowhere) == (404, "role_not_found")


@pytest.mark.parametrize(
    "body", [{"permissions": {"can_view_teams": "perhaps"}}, {"permissions": []}, {"name": ""}, []]
)
async def test_bad_input_is_refused(client: Client, cast: Cast, body: Any) -> None:
    assert refusal(await client.as_(cast.owner).patch(f"{ROLES}/member", json=body)) == (422, "validation_failed")


async def test_nobody_hands_on_what_they_do_not_hold(client: Client, cast: Cast) -> None:
    owner, admin = client.as_(cast.owner), client.as_(cast.admin)
    await change(owner, "admin", can_manage_api_keys=False)
    for role in ("admin", "member"):
        refused = await admin.patch(f"{ROLES}/{role}", json={"permissions": {"can_manage_api_keys": True}})
        assert refusal(refused) == (403, "permission_not_held")
        assert refused.json()["not_held"] == ["can_manage_api_keys"]
    assert refusal(await admin.post(f"{ROLES}/admin/reset")) == (403, "permission_not_held")
    assert "can_manage_api_keys" not in (await admin.get(f"{PERMISSIONS}/me")).json()["permissions"]
    assert (await owner.post(f"{ROLES}/admin/reset")).status_code == 200


async def test_a_stale_change_is_refused(client: Client, cast: Cast) -> None:
    owner, path = client.as_(cast.owner), f"{ROLES}/member"
    body = {"permissions": {"can_create_team": True}}
    assert (await owner.patch(path, json=body, headers={"If-Match": '"0"'})).json()["version"] == 1
    stale = await owner.patch(path, json={"permissions": {"can_edit_team": True}}, headers={"If-Match": '"0"'})
    assert refusal(stale) == (409, "stale_update")


async def test_changes_at_once_are_all_kept(client: Client, cast: Cast) -> None:
    names = ("can_create_team", "can_edit_team", "can_delete_team", "can_view_roles")
    await asyncio.gather(*(change(client.as_(cast.owner), "viewer", **{name: True}) for name in names))
    assert (await client.as_(cast.owner).get(f"{ROLES}/viewer")).json()["granted"] == sorted(names)


@pytest.mark.parametrize("kind", ["pat", "api_key"])
async def test_demoting_somebody_shrinks_their_tokens_and_keys_at_once(
    client: Client, cast: Cast, runtime: Runtime, kind: str
) -> None:
    bound = cast.acme if kind == "api_key" else None
    token = await create_token(runtime, cast.admin.user_id, workspace_id=bound)
    sender = client.with_token(token, workspace=cast.acme)
    assert (await sender.get(ROLES)).status_code == 200
    assert (await sender.post("/api/v1/teams", json={"name": "One"})).status_code == 201
    await give_role(client.as_(cast.owner), cast.admin, "viewer")
    assert refusal(await sender.get(ROLES)) == (403, "forbidden")
    assert refusal(await sender.post("/api/v1/teams", json={"name": "Two"})) == (403, "forbidden")
    assert (await sender.get(f"{PERMISSIONS}/me")).json()["role"] == "viewer"
    await give_role(client.as_(cast.owner), cast.admin, "admin")
    assert (await sender.get(ROLES)).status_code == 200
