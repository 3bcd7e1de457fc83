"""Personal access tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fostr.kernel import clock
from fostr.kernel.crypto.tokens import check_token
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.identity.conftest import Visit
from tests.identity.people import sign_up, who
from tests.support.cast import Cast, create_token
from tests.support.client import Client, refusal

PATH = "/api/v1/personal-access-tokens"


async def create(client: Client, **fields: Any) -> dict[str, Any]:
    response = await client.post(PATH, json={"name": "Nightly export", "scope": "read", **fields})
    assert response.status_code == 201, response.text
    return response.json()


async def test_a_token_is_shown_once_and_works(visit: Visit) -> None:
    browser = visit()
    made = await sign_up(browser)
    token = await create(browser, name="  Nightly export  ")
    assert check_token(token["token"], prefix="fos_pat")
    assert (token["name"], token["scope"], token["expires_at"]) == ("Nightly export", "read", None)
    assert token["token"].startswith(token["prefix"])
    assert len(token["prefix"]) == len("fos_pat_") + 4

    program = visit().with_token(token["token"])
    assert (await who(program)).json()["id"] == made["user"]["id"]
    described = (await program.get("/api/v1/developers/me")).json()
    assert described["credential"] == {"kind": "pat", "scope": "read"}
    listed = await browser.get(PATH)
    assert token["token"] not in listed.text
    shown = {name: value for name, value in token.items() if name != "token"}
    (item,) = listed.json()["items"]
    assert {**item, "last_used_at": None} == {**shown, "last_used_at": None}
    assert item["last_used_at"] is not None


async def test_only_the_digest_is_kept(visit: Visit, runtime: Runtime) -> None:
    browser = visit()
    made = await sign_up(browser)
    token = await create(browser)
    async with runtime.database.unit() as unit:
        row = await unit.value("select t::text from tokens t where user_id = :id", id=made["user"]["id"])
    assert token["token"] not in row
    assert token["token"][len("fos_pat_") + 4 : -6] not in row


async def test_a_token_reaches_every_workspace_of_its_person_and_no_other(client: Client, cast: Cast) -> None:
    token = (await create(client.as_(cast.owner), scope="admin"))["token"]
    mine = await client.with_token(token).get(f"/api/v1/workspaces/{cast.acme}")
    assert mine.status_code == 200
    theirs = await client.with_token(token).get(f"/api/v1/workspaces/{cast.globex}")
    assert refusal(theirs) == (404, "not_found")


async def test_people_see_and_revoke_their_own_alone(client: Client, cast: Cast) -> None:
    token = await create(client.as_(cast.owner), name="Mine")
    for person in (cast.admin, cast.stranger):
        listed = (await client.as_(person).get(PATH)).json()
        assert token["id"] not in {item["id"] for item in listed["items"]}
        response = await client.as_(person).delete(f"{PATH}/{token['id']}")
        assert refusal(response) == (404, "token_not_found")
    assert (await who(client.with_token(token["token"]))).status_code == 200


async def test_a_revoked_token_stops_at_once_and_leaves_the_list(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    token = await create(owner)
    assert (await owner.delete(f"{PATH}/{token['id']}")).status_code == 204
    assert refusal(await who(client.with_token(token["token"]))) == (401, "unauthorized")
    assert token["id"] not in {item["id"] for item in (await owner.get(PATH)).json()["items"]}
    assert refusal(await owner.delete(f"{PATH}/{token['id']}")) == (404, "token_not_found")
    assert refusal(await owner.delete(f"{PATH}/{new_id()}")) == (404, "token_not_found")


async def test_revoking_makes_cached_rights_void(client: Client, cast: Cast, runtime: Runtime) -> None:
    async def epoch() -> int:
        async with runtime.database.unit() as unit:
            return await unit.value("select rights_epoch from workspaces where id = :id", id=cast.acme)

    owner = client.as_(cast.owner)
    token = await create(owner)
    before = await epoch()
    await owner.delete(f"{PATH}/{token['id']}")
    assert await epoch() == before + 1


async def test_a_key_of_a_workspace_is_no_personal_token(client: Client, cast: Cast, runtime: Runtime) -> None:
    await create_token(runtime, cast.owner.user_id, workspace_id=cast.acme)
    listed = (await client.as_(cast.owner).get(PATH)).json()
    assert (listed["total"], len(listed["items"])) == (1, 1)
    async with runtime.database.unit() as unit:
        key = await unit.value("select id from tokens where workspace_id = :of", of=cast.acme)
    assert refusal(await client.as_(cast.owner).delete(f"{PATH}/{key}")) == (404, "token_not_found")


async def test_pages_hold_the_newest_first(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    for number in range(3):
        await create(owner, name=f"No. {number}")
    first = (await owner.get(PATH, params={"limit": 2})).json()
    assert [item["name"] for item in first["items"]] == ["No. 2", "No. 1"]
    assert (first["total"], first["has_more"]) == (4, True)


async def test_a_token_makes_none_that_is_larger_or_lasts_longer(client: Client, cast: Cast, runtime: Runtime) -> None:
    for scope in ("read", "write"):
        small = client.with_token(await create_token(runtime, cast.owner.user_id, scope=scope))
        response = await small.post(PATH, json={"name": "Larger", "scope": "admin"})
        assert refusal(response) == (403, "pat_scope_insufficient")
    brief = client.with_token(await create_token(runtime, cast.owner.user_id, lifetime=timedelta(hours=1)))
    later = (clock.now() + timedelta(hours=2)).isoformat()
    for expires_at in (None, later):
        response = await brief.post(PATH, json={"name": "Longer", "scope": "read", "expires_at": expires_at})
        assert refusal(response) == (403, "token_outlives_its_maker")
    sooner = (clock.now() + timedelta(minutes=30)).isoformat()
    assert (await create(brief, expires_at=sooner))["scope"] == "read"


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": "   "},
        {"name": "x" * 201},
        {"scope": "root"},
        {"scope": None},
        {"scopes": ["write"]},
        {"expires": "2030-01-01T00:00:00Z"},
        {"expires_at": "tomorrow"},
        {"expires_at": "2030-01-01T00:00:00"},
        {"expires_at": "9999-12-31T23:59:59-14:00"},
    ],
)
async def test_bad_input_is_refused(client: Client, cast: Cast, fields: dict[str, Any]) -> None:
    response = await client.as_(cast.owner).post(PATH, json={"name": "Name", "scope": "read", **fields})
    assert refusal(response) == (422, "validation_failed")


async def test_an_end_in_the_past_is_refused(client: Client, cast: Cast) -> None:
    past = (clock.now() - timedelta(seconds=1)).isoformat()
    response = await client.as_(cast.owner).post(PATH, json={"name": "Late", "expires_at": past})
    assert refusal(response) == (422, "expiry_in_the_past")


async def test_nobody_makes_tokens_without_signing_in(visit: Visit) -> None:
    assert refusal(await visit().post(PATH, json={"name": "Name"})) == (401, "unauthorized")
    assert refusal(await visit().get(PATH)) == (401, "unauthorized")


async def test_whoever_acts_in_somebody_s_name_makes_no_tokens_for_them(
    visit: Visit, cast: Cast, runtime: Runtime
) -> None:
    browser = visit()
    made = await sign_up(browser)
    async with runtime.database.unit() as unit:
        await unit.run(
            "update sessions set acting_user_id = :by where user_id = :user_id",
            by=cast.stranger.user_id,
            user_id=made["user"]["id"],
        )
    assert (await browser.get(PATH)).status_code == 200
    response = await browser.post(PATH, json={"name": "Back door", "scope": "admin"})
    assert refusal(response) == (403, "impersonating")


async def test_a_kept_answer_is_sealed_and_for_the_same_credential(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    body, headers = {"name": "Once", "scope": "admin"}, {"Idempotency-Key": str(new_id())}
    first = await client.as_(cast.owner).post(PATH, json=body, headers=headers)
    again = await client.as_(cast.owner).post(PATH, json=body, headers=headers)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == first.json()
    async with runtime.database.unit() as unit:
        kept = await unit.value(
            "select convert_from(body, 'UTF8') from idempotency_keys where key = :key", key=headers["Idempotency-Key"]
        )
    assert kept.startswith("v1:")
    assert first.json()["token"] not in kept
    reader = client.with_token(await create_token(runtime, cast.owner.user_id, scope="read"))
    assert refusal(await reader.post(PATH, json=body, headers=headers)) == (403, "pat_scope_insufficient")
