"""Roles that a workspace adds: made, given, renamed, deleted; and no way up through them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fostr.domains.workspaces.public import add_member
from fostr.domains.workspaces.roles.rules import role_id
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, Person, create_token, create_user
from tests.support.client import Client, Response, refusal
from tests.support.events import event_types

ROLES = "/api/v1/permissions/roles"


async def make_role(client: Client, name: str = "Auditor", base: str = "viewer", **fields: Any) -> dict[str, Any]:
    response = await client.post(ROLES, json={"name": name, "base": base, **fields})
    assert response.status_code == 201, response.text
    return response.json()


async def give_role(client: Client, person: Person, role: str) -> Response:
    return await client.patch(f"/api/v1/auth/{person.user_id}", json={"role": role})


async def test_a_role_is_made_given_and_listed(client: Client, cast: Cast, runtime: Runtime) -> None:
    admin, viewer = client.as_(cast.admin), client.as_(cast.viewer)
    role = await make_role(admin, "Team Smith", permissions=["can_create_team", "can_view_teams"])
    assert (role["key"], role["base"], role["is_custom"]) == ("team_smith", "viewer", True)
    assert role["permissions"] == ["can_create_team", "can_view_teams"]
    assert role["granted"] == ["can_create_team"]
    assert "can_view_record" in role["revoked"]
    assert (await give_role(admin, cast.viewer, "team_smith")).json()["member"]["role"] == "team_smith"
    own = (await viewer.get("/api/v1/permissions/me")).json()
    assert (own["role"], own["base_role"], own["permissions"]) == ("team_smith", "viewer", role["permissions"])
    assert (await viewer.post("/api/v1/teams", json={"name": "One"})).status_code == 201
    assert (await viewer.get(f"{ROLES}/team_smith")).json()["member_count"] == 1
    listed = (await admin.get(ROLES)).json()
    assert list(listed) == ["owner", "admin", "member", "viewer", "team_smith"]
    assert listed["team_smith"]["member_count"] == 1
    assert await event_types(runtime, cast.acme, entity_id=role_id(cast.acme, "team_smith")) == ["role.created"]
    elsewhere = client.as_(cast.stranger)
    assert refusal(await elsewhere.get(f"{ROLES}/team_smith")) == (404, "role_not_found")
    assert refusal(await give_role(elsewhere, cast.stranger, "team_smith")) == (422, "role_unknown")


async def test_a_role_without_permissions_of_its_own_is_as_its_base(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    role = await make_role(owner, "Deputy", "admin")
    assert role["permissions"] == (await owner.get(f"{ROLES}/admin")).json()["permissions"]
    changed = await owner.patch(f"{ROLES}/{role['key']}", json={"permissions": {"can_manage_api_keys": False}})
    assert changed.json()["revoked"] == ["can_manage_api_keys"]
    assert (await owner.post(f"{ROLES}/{role['key']}/reset")).json()["permissions"] == role["permissions"]


async def test_names_and_keys_are_told_apart(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    first = await make_role(owner, "Prüfer!")
    second = await make_role(owner, "Prufer")
    assert (first["key"], second["key"]) == ("prufer", "prufer_2")
    assert (await make_role(owner, "Admin?"))["key"] == "admin_2"
    assert (await make_role(owner, "監査"))["key"] == "role"
    for name in ("PRUFER", "owner", "Viewer"):
        taken = await owner.post(ROLES, json={"name": name, "base": "viewer"})
        assert refusal(taken) == (409, "role_name_taken")
    renamed = await owner.patch(f"{ROLES}/prufer_2", json={"name": "Inspector"})
    assert (renamed.json()["name"], renamed.json()["key"]) == ("Inspector", "prufer_2")
    clash = await owner.patch(f"{ROLES}/prufer", json={"name": "inspector"})
    assert refusal(clash) == (409, "role_name_taken")
    fixed = await owner.patch(f"{ROLES}/member", json={"name": "Colleague"})
    assert refusal(fixed) == (409, "role_built_in")


async def test_two_of_the_same_name_at_once_become_one(client: Client, cast: Cast) -> None:
    body = {"name": "Auditor", "base": "viewer"}
    answers = await asyncio.gather(*(client.as_(cast.owner).post(ROLES, json=body) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"name": "A", "base": "owner"}, (422, "validation_failed")),
        ({"name": "A", "base": "emperor"}, (422, "validation_failed")),
        ({"name": " ", "base": "viewer"}, (422, "validation_failed")),
        ({"name": "A"}, (422, "validation_failed")),
        ({"name": "A", "base": "viewer", "permission": ["can_view_record"]}, (422, "validation_failed")),
        ({"name": "A", "base": "viewer", "permissions": ["can_fly"]}, (422, "permission_unknown")),
        ({"name": "A", "base": "member", "permissions": ["can_manage_permissions"]}, (422, "permission_reserved")),
    ],
)
async def test_bad_input_makes_no_role(client: Client, cast: Cast, body: Any, expected: tuple[int, str]) -> None:
    assert refusal(await client.as_(cast.owner).post(ROLES, json=body)) == expected
    assert len((await client.as_(cast.owner).get(ROLES)).json()) == 4


async def test_a_role_in_use_is_deleted_only_when_its_members_get_another(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    owner = client.as_(cast.owner)
    role = await make_role(owner)
    path = f"{ROLES}/{role['key']}"
    await give_role(owner, cast.viewer, role["key"])
    await give_role(owner, cast.member, role["key"])
    refused = await owner.delete(path)
    assert refusal(refused) == (409, "role_in_use")
    assert refused.json()["members"] == 2
    assert refusal(await owner.delete(path, params={"move_to": role["key"]})) == (422, "role_moves_nowhere")
    assert refusal(await owner.delete(path, params={"move_to": "emperor"})) == (404, "role_not_found")
    assert (await owner.delete(path, params={"move_to": "member"})).status_code == 204
    for person in (cast.viewer, cast.member):
        own = (await client.as_(person).get("/api/v1/permissions/me")).json()
        assert own["role"] == "member"
    shown = (await owner.get(f"/api/v1/auth/{cast.viewer.user_id}")).json()
    assert shown["member"]["role"] == "member"
    assert refusal(await owner.get(path)) == (404, "role_not_found")
    told = await event_types(runtime, cast.acme, entity_id=role_id(cast.acme, role["key"]))
    assert told == ["role.created", "role.members_moved", "role.deleted"]


async def test_an_unused_role_is_deleted_and_built_in_ones_never(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    role = await make_role(owner)
    assert (await owner.delete(f"{ROLES}/{role['key']}")).status_code == 204
    assert refusal(await owner.delete(f"{ROLES}/{role['key']}")) == (404, "role_not_found")
    for key in ("owner", "admin", "member", "viewer"):
        refused = await owner.delete(f"{ROLES}/{key}", params={"move_to": "viewer"})
        assert refusal(refused) == (409, "role_built_in")


async def test_nobody_gets_a_role_while_it_is_deleted(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    for number in range(5):
        role = await make_role(owner, f"Role {number}")
        given, deleted = await asyncio.gather(
            give_role(owner, cast.viewer, role["key"]), owner.delete(f"{ROLES}/{role['key']}")
        )
        assert (given.status_code, deleted.status_code) in {(200, 409), (422, 204)}
        own = (await client.as_(cast.viewer).get("/api/v1/permissions/me")).json()
        assert (own["role"] == role["key"]) is (given.status_code == 200)
        assert own["base_role"] == "viewer"


async def test_a_role_ranks_as_its_base_and_opens_no_way_up(client: Client, cast: Cast) -> None:
    owner, admin = client.as_(cast.owner), client.as_(cast.admin)
    limited = ["can_manage_permissions", "can_view_roles", "can_edit_members", "can_view_members"]
    clerk = await make_role(owner, "Clerk", "admin", permissions=limited)
    assert (await give_role(owner, cast.admin, clerk["key"])).status_code == 200
    more = {"name": "Helper", "base": "viewer", "permissions": ["can_create_team"]}
    assert refusal(await admin.post(ROLES, json=more)) == (403, "permission_not_held")
    assert refusal(await admin.post(ROLES, json={"name": "Me", "base": "admin"})) == (403, "permission_not_held")
    assert refusal(await admin.post(f"{ROLES}/{clerk['key']}/reset")) == (403, "permission_not_held")
    for role in ("admin", "member"):
        assert refusal(await give_role(admin, cast.admin, role)) == (403, "permission_not_held")
    assert refusal(await give_role(admin, cast.admin, "owner")) == (403, "role_too_high")
    small = await make_role(owner, "Small", permissions=["can_view_members"])
    assert (await give_role(admin, cast.viewer, small["key"])).status_code == 200
    blocked = await admin.delete(f"{ROLES}/{small['key']}", params={"move_to": "member"})
    assert refusal(blocked) == (403, "permission_not_held")


async def test_who_does_not_rank_as_high_changes_no_higher_role(client: Client, cast: Cast, runtime: Runtime) -> None:
    owner = client.as_(cast.owner)
    deputy = await make_role(owner, "Deputy", "admin")
    # The catalogue keeps `can_manage_permissions` from lower roles, even when a row says otherwise.
    async with runtime.database.unit() as unit:
        await unit.run(
            """
            insert into roles (workspace_id, key, name, base, granted)
            values (:of, 'member', 'Member', 'member', array['can_manage_permissions'])
            """,
            of=cast.acme,
        )
    for path in (f"{ROLES}/{deputy['key']}", f"{ROLES}/viewer", f"{ROLES}/member"):
        refused = await client.as_(cast.member).patch(path, json={"permissions": {"can_view_teams": False}})
        assert refusal(refused) == (403, "forbidden")


async def test_keys_of_little_scope_change_no_role(client: Client, cast: Cast, runtime: Runtime) -> None:
    for scope in ("read", "write"):
        token = await create_token(runtime, cast.owner.user_id, scope=scope, workspace_id=cast.acme)
        key = client.with_token(token)
        body = {"permissions": {"can_create_team": True}}
        assert refusal(await key.patch(f"{ROLES}/member", json=body)) == (403, "pat_scope_insufficient")
        assert (await key.get(ROLES)).status_code == 200


async def test_the_last_owner_stays_and_another_makes_room(client: Client, cast: Cast, runtime: Runtime) -> None:
    owner = client.as_(cast.owner)
    assert refusal(await give_role(owner, cast.owner, "admin")) == (409, "last_owner")
    assert refusal(await give_role(client.as_(cast.admin), cast.owner, "admin")) == (403, "member_ranks_higher")
    user_id, _ = await create_user(runtime, "sleeper")
    async with runtime.database.unit() as unit:
        sleeper = await add_member(unit, workspace_id=cast.acme, user_id=user_id, role="owner")
        await unit.run("update users set is_active = false where id = :id", id=user_id)
    assert sleeper.role == "owner"
    assert refusal(await give_role(owner, cast.owner, "admin")) == (409, "last_owner")
    assert (await give_role(owner, cast.admin, "owner")).status_code == 200
    assert (await give_role(owner, cast.owner, "admin")).json()["member"]["role"] == "admin"


async def test_of_two_owners_who_demote_each_other_one_succeeds(client: Client, cast: Cast) -> None:
    assert (await give_role(client.as_(cast.owner), cast.admin, "owner")).status_code == 200
    for _ in range(6):
        answers = await asyncio.gather(
            give_role(client.as_(cast.owner), cast.admin, "admin"),
            give_role(client.as_(cast.admin), cast.owner, "admin"),
        )
        assert sorted(answer.status_code for answer in answers) in ([200, 403], [200, 409])
        roles = (await client.as_(cast.owner).get(ROLES)).json()
        assert roles["owner"]["member_count"] == 1
        winner, loser = (cast.owner, cast.admin) if answers[0].status_code == 200 else (cast.admin, cast.owner)
        assert (await give_role(client.as_(winner), loser, "owner")).status_code == 200


async def test_two_owners_who_both_step_down_at_once_leave_one(client: Client, cast: Cast) -> None:
    assert (await give_role(client.as_(cast.owner), cast.admin, "owner")).status_code == 200
    answers = await asyncio.gather(
        give_role(client.as_(cast.owner), cast.owner, "member"),
        give_role(client.as_(cast.admin), cast.admin, "member"),
    )
    codes = sorted((answer.status_code, answer.json().get("code")) for answer in answers)
    assert codes == [(200, None), (409, "last_owner")]
