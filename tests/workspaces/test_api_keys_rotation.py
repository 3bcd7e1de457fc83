"""Rotating keys and personal access tokens, with a time in which the old one works beside the new one."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from fostr.kernel import clock
from fostr.kernel.auth.lookup import find_caller
from fostr.kernel.crypto.tokens import digest_token
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, create_token
from tests.support.client import Client, Response, refusal
from tests.support.events import event_types
from tests.support.statements import watch_statements

KEYS = "/api/v1/api-keys"
TOKENS = "/api/v1/personal-access-tokens"


async def create(client: Client, path: str, **fields: Any) -> dict[str, Any]:
    response = await client.post(path, json={"name": "Sync", **fields})
    assert response.status_code == 201, response.text
    return response.json()


async def rotate(client: Client, path: str, made: dict[str, Any], seconds: int | None = None) -> Response:
    body = {} if seconds is None else {"json": {"overlap_seconds": seconds}}
    return await client.post(f"{path}/{made['id']}/rotate", **body)


async def works(client: Client, made: dict[str, Any]) -> bool:
    secret = made.get("key") or made["token"]
    response = await client.anonymous().get("/api/v1/developers/me", headers={"X-Api-Key": secret})
    return response.status_code == 200


@pytest.mark.parametrize("path", [KEYS, TOKENS])
async def test_both_work_until_the_overlap_is_over(client: Client, cast: Cast, path: str) -> None:
    owner = client.as_(cast.owner)
    old = await create(owner, path)
    new = (await rotate(owner, path, old, 3600)).json()
    assert (await works(client, old), await works(client, new)) == (True, True)
    listed = {item["id"]: item for item in (await owner.get(path)).json()["items"]}
    assert listed[old["id"]]["replaced_by_id"] == new["id"]
    ends = datetime.fromisoformat(listed[old["id"]]["expires_at"])
    assert timedelta(minutes=59) < ends - clock.now() <= timedelta(hours=1)
    assert listed[new["id"]]["expires_at"] is None
    with clock.travel(to=clock.now() + timedelta(minutes=59)):
        assert (await works(client, old), await works(client, new)) == (True, True)
    with clock.travel(to=clock.now() + timedelta(minutes=61)):
        assert (await works(client, old), await works(client, new)) == (False, True)


@pytest.mark.parametrize("path", [KEYS, TOKENS])
async def test_without_an_overlap_the_old_one_is_revoked(client: Client, cast: Cast, path: str) -> None:
    owner = client.as_(cast.owner)
    for seconds in (None, 0):
        old = await create(owner, path)
        new = (await rotate(owner, path, old, seconds)).json()
        assert (await works(client, old), await works(client, new)) == (False, True)


async def test_a_key_names_its_successor_and_what_happened_is_told(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    owner = client.as_(cast.owner)
    old = await create(owner, KEYS, description="Stock.", scopes=["write"])
    new = (await rotate(owner, KEYS, old, 60)).json()
    for name in ("name", "description", "scopes", "expires_at"):
        assert new[name] == old[name]
    shown = (await owner.get(f"{KEYS}/{old['id']}")).json()
    assert (shown["replaced_by_id"], shown["revoked_at"], shown["is_active"]) == (new["id"], None, True)
    assert (await event_types(runtime, cast.acme, entity_id=UUID(old["id"])))[-1] == "api_key.updated"
    last = (await rotate(owner, KEYS, new)).json()
    gone = (await owner.get(f"{KEYS}/{new['id']}")).json()
    assert (gone["replaced_by_id"], gone["is_active"]) == (last["id"], False)
    assert gone["revoked_at"] is not None
    assert (await event_types(runtime, cast.acme, entity_id=UUID(new["id"])))[-1] == "api_key.revoked"


@pytest.mark.parametrize(("path", "code"), [(KEYS, "api_key_replaced"), (TOKENS, "token_replaced")])
async def test_of_many_at_once_one_rotates(client: Client, cast: Cast, path: str, code: str) -> None:
    owner = client.as_(cast.owner)
    old = await create(owner, path)
    answers = await asyncio.gather(*(rotate(owner, path, old, 3600) for _ in range(8)))
    assert Counter(answer.json().get("code", "ok") for answer in answers) == {"ok": 1, code: 7}


@pytest.mark.parametrize("path", [KEYS, TOKENS])
async def test_an_overlap_never_lengthens_a_life(client: Client, cast: Cast, path: str) -> None:
    owner = client.as_(cast.owner)
    end = clock.now() + timedelta(minutes=10)
    old = await create(owner, path, expires_at=end.isoformat())
    new = (await rotate(owner, path, old, 3600)).json()
    assert datetime.fromisoformat(new["expires_at"]) == end
    with clock.travel(to=clock.now() + timedelta(minutes=11)):
        assert (await works(client, old), await works(client, new)) == (False, False)
        # One that is over is not brought back by rotating it.
        assert (await rotate(owner, path, new)).json()["code"] in {"expiry_in_the_past", "token_not_found"}


async def test_an_overlap_can_be_ended_before(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    for path in (KEYS, TOKENS):
        old = await create(owner, path)
        new = (await rotate(owner, path, old, 3600)).json()
        ended = await (
            owner.post(f"{path}/{old['id']}/revoke") if path == KEYS else owner.delete(f"{path}/{old['id']}")
        )
        assert ended.status_code in {200, 204}
        assert (await works(client, old), await works(client, new)) == (False, True)


async def test_deleting_the_successor_leaves_the_old_one_without_its_name(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    old = await create(owner, KEYS)
    new = (await rotate(owner, KEYS, old, 3600)).json()
    assert (await owner.delete(f"{KEYS}/{new['id']}")).status_code == 204
    assert (await owner.get(f"{KEYS}/{old['id']}")).json()["replaced_by_id"] is None


@pytest.mark.parametrize("path", [KEYS, TOKENS])
@pytest.mark.parametrize("seconds", [-1, 7 * 86400 + 1, "soon"])
async def test_an_overlap_is_a_week_at_most(client: Client, cast: Cast, path: str, seconds: Any) -> None:
    owner = client.as_(cast.owner)
    old = await create(owner, path)
    assert refusal(await rotate(owner, path, old, seconds)) == (422, "validation_failed")
    assert await works(client, old)


async def test_people_rotate_their_own_tokens_and_no_larger_ones(client: Client, cast: Cast, runtime: Runtime) -> None:
    made = await create(client.as_(cast.owner), TOKENS, scope="admin")
    assert refusal(await rotate(client.as_(cast.admin), TOKENS, made)) == (404, "token_not_found")
    small = client.with_token(await create_token(runtime, cast.owner.user_id, scope="write"))
    assert refusal(await rotate(small, TOKENS, made)) == (403, "pat_scope_insufficient")
    brief = client.with_token(await create_token(runtime, cast.owner.user_id, lifetime=timedelta(hours=1)))
    assert refusal(await rotate(brief, TOKENS, made)) == (403, "token_outlives_its_maker")
    assert await works(client, made)


async def test_a_check_is_one_look_up_for_either(client: Client, cast: Cast, runtime: Runtime) -> None:
    owner = client.as_(cast.owner)
    old = await create(owner, KEYS)
    new = (await rotate(owner, KEYS, old, 3600)).json()
    for made in (old, new):
        await works(client, made)  # Notes the use, which is written every five minutes at most.
        with watch_statements() as seen:
            async with runtime.database.unit() as unit:
                caller = await find_caller(unit, source="token", key=digest_token(made["key"]), wanted=None)
        assert caller is not None
        assert len(seen) == 1
    async with runtime.database.unit() as unit:
        await unit.run("set local enable_seqscan = off")
        plan = await unit.rows("explain select id from tokens where digest = '\\x00'")
    assert "uq_tokens_digest" in str(plan[0][0])


async def test_last_use_is_written_now_and_then(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    key = await create(owner, KEYS)

    async def last_used() -> str:
        return (await owner.get(f"{KEYS}/{key['id']}")).json()["last_used_at"]

    await works(client, key)
    first = await last_used()
    await works(client, key)
    assert await last_used() == first
    with clock.travel(to=clock.now() + timedelta(minutes=6)):
        await works(client, key)
        assert await last_used() > first
