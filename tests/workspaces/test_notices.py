"""What members are told about their workspace and their place in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeAlias

from fostr.domains.workspaces.public import add_member, list_administrators
from fostr.kernel import clock
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, Person, create_user
from tests.support.client import Client
from tests.support.notifications import inbox

Told: TypeAlias = Callable[[Person], Awaitable[list[tuple[str, str]]]]


async def test_administrators_hear_of_whoever_joins(runtime: Runtime, cast: Cast, told: Told) -> None:
    user_id, _ = await create_user(runtime, "newcomer")
    async with runtime.database.unit(cast.acme) as unit:
        await add_member(unit, workspace_id=cast.acme, user_id=user_id, role="member")
    assert ("member_joined", "Newcomer Example joined the workspace") in await told(cast.admin)
    assert "member_joined" not in [type for type, _ in await told(cast.member)]


async def test_a_new_role_is_told_whatever_is_muted(client: Client, cast: Cast, told: Told) -> None:
    muted = await client.as_(cast.member).put("/api/v1/notifications/preferences/v2/role_changed", json={"muted": True})
    assert muted.status_code == 200, muted.text
    changed = await client.as_(cast.owner).patch(f"/api/v1/members/{cast.member.member_id}", json={"role": "viewer"})
    assert changed.status_code == 200, changed.text
    assert ("role_changed", "Your role in the workspace was changed") in await told(cast.member)
    assert "role_changed" not in [type for type, _ in await told(cast.viewer)]


async def test_who_gets_another_role_with_all_who_held_it_is_told(client: Client, cast: Cast, told: Told) -> None:
    owner = client.as_(cast.owner)
    # Both may look at neither roles nor members.
    for name in ("Scout", "Lookout"):
        body = {"name": name, "base": "viewer", "permissions": ["can_view_notifications"]}
        assert (await owner.post("/api/v1/permissions/roles", json=body)).status_code == 201
    changed = await owner.patch(f"/api/v1/members/{cast.member.member_id}", json={"role": "scout"})
    assert changed.status_code == 200, changed.text
    before = [type for type, _ in await told(cast.member)].count("role_changed")
    gone = await owner.delete("/api/v1/permissions/roles/scout", params={"move_to": "lookout"})
    assert gone.status_code == 204, gone.text
    assert [type for type, _ in await told(cast.member)].count("role_changed") == before + 1
    [newest, *_] = await inbox(client.as_(cast.member), type="role_changed")
    assert (newest["body"], newest["is_withheld"]) == ("You are lookout now.", False)
    assert "role_changed" not in [type for type, _ in await told(cast.viewer)]


async def test_who_comes_into_a_team_is_told(client: Client, cast: Cast, told: Told) -> None:
    owner = client.as_(cast.owner)
    team = (await owner.post("/api/v1/teams", json={"name": "Field"})).json()
    added = await owner.post(f"/api/v1/teams/{team['id']}/members", json={"member_id": str(cast.member.member_id)})
    assert added.status_code == 201, added.text
    assert ("team_joined", "You are in the team Field") in await told(cast.member)


async def test_administrators_hear_of_api_keys(client: Client, cast: Cast, told: Told) -> None:
    made = await client.as_(cast.owner).post("/api/v1/api-keys", json={"name": "Importer"})
    assert made.status_code == 201, made.text
    assert ("api_key_created", "An API key was made: Importer") in await told(cast.owner)
    assert ("api_key_created", "An API key was made: Importer") in await told(cast.admin)
    assert "api_key_created" not in [type for type, _ in await told(cast.member)]


async def test_administrators_hear_once_of_keys_that_end_soon(
    client: Client, runtime: Runtime, cast: Cast, told: Told
) -> None:
    owner, now = client.as_(cast.owner), clock.now()
    for name, days in (("Monthly", 30), ("Weekly", 6), ("Yearly", 365), ("Gone", 30)):
        made = await owner.post(
            "/api/v1/api-keys", json={"name": name, "expires_at": (now + timedelta(days=days)).isoformat()}
        )
        assert made.status_code == 201, made.text
    revoked = await owner.post(f"/api/v1/api-keys/{made.json()['id']}/revoke")
    assert revoked.status_code == 200, revoked.text
    for day in (22, 24, 25, 31):
        with clock.travel(to=now + timedelta(days=day)):
            async with runtime.database.unit() as unit:
                await dispatch(unit, "api_keys.tell_expiring", {}, workspace=None)
            news = [title for type, title in await told(cast.admin) if type == "api_key_expiring"]
            assert news == ([] if day == 22 else ["An API key ends soon: Monthly"])
    assert "api_key_expiring" not in [type for type, _ in await told(cast.member)]


async def test_administrators_are_those_whose_role_builds_on_one(client: Client, runtime: Runtime, cast: Cast) -> None:
    made = await client.as_(cast.owner).post("/api/v1/permissions/roles", json={"name": "Keeper", "base": "admin"})
    assert made.status_code == 201, made.text
    async with runtime.database.unit(cast.acme) as unit:
        assert await list_administrators(unit) == sorted([cast.owner.member_id, cast.admin.member_id])
    path = f"/api/v1/members/{cast.member.member_id}"
    moved = await client.as_(cast.owner).patch(path, json={"role": made.json()["key"]})
    assert moved.status_code == 200, moved.text
    async with runtime.database.unit(cast.acme) as unit:
        assert cast.member.member_id in await list_administrators(unit)
