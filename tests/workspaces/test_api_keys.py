"""API keys of a workspace."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from fostr.kernel import clock
from fostr.kernel.crypto.tokens import check_token
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, create_token
from tests.support.client import Client, Response, refusal
from tests.support.events import event_types

PATH = "/api/v1/api-keys"


async def create(client: Client, **fields: Any) -> dict[str, Any]:
    response = await client.post(PATH, json={"name": "Sync", **fields})
    assert response.status_code == 201, response.text
    return response.json()


async def use(client: Client, key: dict[str, Any]) -> Response:
    """Use a key for what every member may do, without naming its workspace."""
    return await client.anonymous().get("/api/v1/developers/me", headers={"X-Api-Key": key["key"]})


def shown(key: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in key.items() if name not in {"key", "last_used_at"}}


async def test_a_key_is_shown_once_and_acts_for_its_maker(client: Client, cast: Cast) -> None:
    admin = client.as_(cast.admin)
    end = (clock.now() + timedelta(days=1)).isoformat()
    key = await create(admin, name=" Sync ", description="Stock levels.", scopes=["write"], expires_at=end)
    assert check_token(key["key"], prefix="fos_live")
    assert key["key"].startswith(key["prefix"])
    assert (key["name"], key["description"], key["scopes"]) == ("Sync", "Stock levels.", ["read", "write"])
    assert (key["user_id"], key["is_active"], key["revoked_at"]) == (str(cast.admin.user_id), True, None)
    assert (await use(client, key)).json()["credential"] == {"kind": "api_key", "scope": "write"}

    one = await admin.get(f"{PATH}/{key['id']}")
    listed = await admin.get(PATH)
    assert shown(one.json()) == shown(key) == shown(listed.json()["items"][0])
    assert key["key"] not in one.text + listed.text
    with clock.travel(to=clock.now() + timedelta(days=1, minutes=1)):
        assert refusal(await use(client, key)) == (401, "unauthorized")


async def test_only_the_digest_is_kept(client: Client, cast: Cast, runtime: Runtime) -> None:
    key = await create(client.as_(cast.owner))
    async with runtime.database.unit() as unit:
        row = await unit.value("select t::text from tokens t where id = :id", id=UUID(key["id"]))
    async with runtime.database.unit(cast.acme) as unit:
        told = await unit.value(
            "select coalesce(e.after::text, '') from events e where e.workspace_id = :workspace and e.entity_id = :id",
            id=UUID(key["id"]),
        )
    assert key["key"][len(key["prefix"]) :] not in row + told


async def test_members_and_viewers_manage_no_keys(client: Client, cast: Cast) -> None:
    key = await create(client.as_(cast.owner))
    one = f"{PATH}/{key['id']}"
    for person in (cast.member, cast.viewer):
        own = client.as_(person)
        answers = [
            await own.get(PATH),
            await own.get(f"{PATH}/count"),
            await own.get(one),
            await own.post(PATH, json={"name": "Mine"}),
            await own.patch(one, json={"name": "Mine"}),
            await own.post(f"{one}/revoke"),
            await own.post(f"{one}/rotate"),
            await own.post(f"{one}/toggle"),
            await own.delete(one),
        ]
        assert [refusal(answer) for answer in answers] == [(403, "forbidden")] * 9
    assert (await use(client, key)).status_code == 200


async def test_keys_of_another_workspace_are_not_found(client: Client, cast: Cast) -> None:
    key = await create(client.as_(cast.owner))
    one, stranger = f"{PATH}/{key['id']}", client.as_(cast.stranger)
    answers = [
        await stranger.get(one),
        await stranger.patch(one, json={"name": "Mine"}),
        await stranger.post(f"{one}/revoke"),
        await stranger.post(f"{one}/rotate"),
        await stranger.post(f"{one}/toggle"),
        await stranger.delete(one),
        await client.as_(cast.owner).get(f"{PATH}/{new_id()}"),
    ]
    assert [refusal(answer) for answer in answers] == [(404, "api_key_not_found")] * 7
    assert (await stranger.get(PATH)).json()["total"] == 0
    assert refusal(await client.as_(cast.stranger, workspace=cast.acme).get(PATH)) == (404, "not_found")
    assert (await use(client, key)).status_code == 200


async def test_a_personal_token_is_no_key_of_the_workspace(client: Client, cast: Cast, runtime: Runtime) -> None:
    async with runtime.database.unit() as unit:
        token = await unit.value("select id from tokens where user_id = :id", id=cast.owner.user_id)
    assert refusal(await client.as_(cast.owner).delete(f"{PATH}/{token}")) == (404, "api_key_not_found")
    assert (await client.as_(cast.owner).get(f"{PATH}/count")).json() == {"count": 0}


async def test_revoking_is_at_once_and_for_good(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    key = await create(owner)
    one = f"{PATH}/{key['id']}"
    revoked = (await owner.post(f"{one}/revoke")).json()
    assert revoked["revoked_at"] is not None
    assert (revoked["is_active"], revoked["version"]) == (False, 2)
    assert refusal(await use(client, key)) == (401, "unauthorized")
    for attempt in (
        await owner.post(f"{one}/revoke"),
        await owner.post(f"{one}/toggle"),
        await owner.post(f"{one}/rotate"),
        await owner.patch(one, json={"is_active": True}),
    ):
        assert refusal(attempt) == (409, "api_key_revoked")
    assert (await owner.get(one)).json()["revoked_at"] == revoked["revoked_at"]


async def test_a_key_is_switched_off_and_on(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    key = await create(owner)
    for is_active in (False, True):
        assert (await owner.post(f"{PATH}/{key['id']}/toggle")).json()["is_active"] is is_active
        assert ((await use(client, key)).status_code == 200) is is_active
    changed = await owner.patch(f"{PATH}/{key['id']}", json={"is_active": False})
    assert (changed.json()["is_active"], changed.json()["name"]) == (False, "Sync")
    assert refusal(await use(client, key)) == (401, "unauthorized")


async def test_a_rotated_key_acts_for_whoever_rotated_it(client: Client, cast: Cast) -> None:
    """Else an administrator could come by the rights of the owner who made it."""
    end = (clock.now() + timedelta(days=9)).isoformat()
    old = await create(client.as_(cast.owner), scopes=["admin"], description="Kept.", expires_at=end)
    response = await client.as_(cast.admin).post(f"{PATH}/{old['id']}/rotate")
    new = response.json()
    assert response.status_code == 200
    assert new["id"] != old["id"]
    assert new["key"] != old["key"]
    kept = ("name", "description", "scopes", "expires_at")
    assert [new[field] for field in kept] == [old[field] for field in kept]
    assert new["user_id"] == str(cast.admin.user_id)
    assert (await use(client, new)).json()["id"] == str(cast.admin.user_id)
    assert refusal(await use(client, old)) == (401, "unauthorized")


async def test_of_many_rotations_at_once_one_makes_a_key(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    key = await create(owner)
    answers = await asyncio.gather(*(owner.post(f"{PATH}/{key['id']}/rotate") for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 4]
    assert (await owner.get(f"{PATH}/count")).json() == {"count": 2}


async def test_what_is_left_out_stays(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    key = await create(owner, description="First.", scopes=["admin"])
    one = f"{PATH}/{key['id']}"
    changed = (await owner.patch(one, json={"scopes": ["read"]})).json()
    assert (changed["name"], changed["description"], changed["scopes"]) == ("Sync", "First.", ["read"])
    assert (await use(client, key)).json()["credential"]["scope"] == "read"
    changed = (await owner.patch(one, json={"name": "New", "description": ""})).json()
    assert (changed["name"], changed["description"], changed["scopes"]) == ("New", "", ["read"])
    stale = await owner.patch(one, json={"name": "Newer"}, headers={"If-Match": '"1"'})
    assert refusal(stale) == (409, "stale_update")


async def test_deleting_leaves_no_trace_but_what_happened(client: Client, cast: Cast, runtime: Runtime) -> None:
    owner = client.as_(cast.owner)
    key = await create(owner)
    one = f"{PATH}/{key['id']}"
    await owner.post(f"{one}/toggle")
    await owner.post(f"{one}/toggle")
    assert (await owner.delete(one)).status_code == 204
    assert refusal(await use(client, key)) == (401, "unauthorized")
    assert refusal(await owner.get(one)) == (404, "api_key_not_found")
    assert refusal(await owner.delete(one)) == (404, "api_key_not_found")
    types = await event_types(runtime, cast.acme, entity_id=UUID(key["id"]))
    assert types == ["api_key.created", "api_key.updated", "api_key.updated", "api_key.deleted"]


async def test_lists_and_counts_take_the_same_filters(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    keys = [await create(owner, name=f"No. {number}") for number in range(4)]
    await owner.post(f"{PATH}/{keys[0]['id']}/revoke")
    await owner.post(f"{PATH}/{keys[1]['id']}/toggle")
    wanted: list[tuple[dict[str, str], list[str]]] = [
        ({}, ["No. 3", "No. 2", "No. 1", "No. 0"]),
        ({"is_active": "true"}, ["No. 3", "No. 2"]),
        ({"is_active": "false"}, ["No. 1", "No. 0"]),
        ({"is_revoked": "true"}, ["No. 0"]),
        ({"is_revoked": "false", "is_active": "false"}, ["No. 1"]),
    ]
    for params, names in wanted:
        listed = (await owner.get(PATH, params=params)).json()
        assert [item["name"] for item in listed["items"]] == names
        assert listed["total"] == len(names)
        assert (await owner.get(f"{PATH}/count", params=params)).json() == {"count": len(names)}
    page = (await owner.get(PATH, params={"skip": 1, "limit": 2})).json()
    assert ([item["name"] for item in page["items"]], page["has_more"]) == (["No. 2", "No. 1"], True)


async def test_ending_a_key_makes_cached_rights_void(client: Client, cast: Cast, runtime: Runtime) -> None:
    async def epoch() -> int:
        async with runtime.database.unit() as unit:
            return await unit.value("select rights_epoch from workspaces where id = :id", id=cast.acme)

    owner = client.as_(cast.owner)
    key = await create(owner)
    for act in ("toggle", "revoke"):
        before = await epoch()
        await owner.post(f"{PATH}/{key['id']}/{act}")
        assert await epoch() == before + 1


async def test_a_key_makes_keys_when_it_may_administer(client: Client, cast: Cast, runtime: Runtime) -> None:
    wide = await create_token(runtime, cast.owner.user_id, workspace_id=cast.acme)
    made = await create(client.with_token(wide))
    assert (await use(client, made)).status_code == 200
    narrow = await create_token(runtime, cast.owner.user_id, workspace_id=cast.acme, scope="write")
    response = await client.with_token(narrow).post(PATH, json={"name": "No"})
    assert refusal(response) == (403, "pat_scope_insufficient")


@pytest.mark.parametrize(
    "fields",
    [
        {"name": " "},
        {"name": "x" * 201},
        {"scopes": []},
        {"scopes": ["root"]},
        {"scopes": "read"},
        {"scopes": ["read"] * 4},
        # A word that is not ours would be an end that never comes, and a scope that is not what was meant.
        {"expires": "2030-01-01T00:00:00Z"},
        {"scope": "write"},
        {"expires_at": "soon"},
        {"description": "x" * 5001},
    ],
)
async def test_bad_input_is_refused(client: Client, cast: Cast, fields: dict[str, Any]) -> None:
    owner = client.as_(cast.owner)
    assert refusal(await owner.post(PATH, json={"name": "Sync", **fields})) == (422, "validation_failed")
    assert (await owner.get(f"{PATH}/count")).json() == {"count": 0}


async def test_an_end_in_the_past_is_refused(client: Client, cast: Cast) -> None:
    past = (clock.now() - timedelta(minutes=1)).isoformat()
    response = await client.as_(cast.owner).post(PATH, json={"name": "Late", "expires_at": past})
    assert refusal(response) == (422, "expiry_in_the_past")


async def test_a_workspace_has_to_be_named(client: Client, cast: Cast) -> None:
    assert refusal(await client.with_token(cast.owner.token).get(PATH)) == (400, "workspace_required")
