"""Credentials that are forged, over, cut, revoked, or somebody else's."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from fostr.kernel import clock
from fostr.kernel.auth.credentials import ACCESS_PURPOSE
from fostr.kernel.crypto.jwt import sign_jwt
from fostr.kernel.crypto.keys import open_key_ring
from fostr.kernel.crypto.tokens import mint_token
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.identity.conftest import Visit
from tests.identity.people import COOKIE, sign_up, who
from tests.support.cast import Cast, create_token
from tests.support.client import Client, refusal

UNAUTHORIZED = (401, "unauthorized")


def parts_of(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    header, claims, signature = token.split(".")
    return json.loads(_decode(header)), json.loads(_decode(claims)), signature


def _decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def encode(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


async def test_an_access_token_says_whose_it_is_and_little_else(visit: Visit) -> None:
    made = await sign_up(visit())
    header, claims, _ = parts_of(made["access_token"])
    assert header.keys() == {"alg", "typ", "kid"}
    assert claims.keys() == {"sub", "sid", "jti", "aud", "iat", "exp"}
    assert claims["sub"] == made["user"]["id"]
    assert claims["exp"] - claims["iat"] == made["expires_in"] == 900


async def test_an_access_token_ends(visit: Visit) -> None:
    made = await sign_up(visit())
    client = visit().with_token(made["access_token"])
    with clock.travel(to=clock.now() + timedelta(minutes=14)):
        assert (await who(client)).status_code == 200
    with clock.travel(to=clock.now() + timedelta(minutes=16)):
        assert refusal(await who(client)) == (401, "token_expired")


async def test_forged_access_tokens_are_refused(visit: Visit, runtime: Runtime) -> None:
    made = await sign_up(visit())
    token = made["access_token"]
    header, claims, signature = parts_of(token)
    stranger = open_key_ring(["the secret of another installation, long enough"])
    forged = {
        "no algorithm": f"{encode({**header, 'alg': 'none'})}.{encode(claims)}.",
        "no algorithm, with a signature": f"{encode({**header, 'alg': 'none'})}.{encode(claims)}.{signature}",
        "another algorithm": f"{encode({**header, 'alg': 'HS512'})}.{encode(claims)}.{signature}",
        "other claims": f"{encode(header)}.{encode({**claims, 'sid': str(new_id())})}.{signature}",
        "a later end": f"{encode(header)}.{encode({**claims, 'exp': claims['exp'] + 1})}.{signature}",
        "an altered signature": token[:-2] + ("aa" if token[-2:] != "aa" else "bb"),
        "no signature": token.rpartition(".")[0] + ".",
        "cut short": token[:-5],
        "another installation": sign_jwt(claims, key=stranger.current(ACCESS_PURPOSE)),
        "another purpose": sign_jwt(claims, key=runtime.keys.current("something else")),
        "another audience": sign_jwt({**claims, "aud": "other"}, key=runtime.keys.current(ACCESS_PURPOSE)),
        "no audience": sign_jwt(
            {name: value for name, value in claims.items() if name != "aud"},
            key=runtime.keys.current(ACCESS_PURPOSE),
        ),
        "no session": sign_jwt({**claims, "sid": str(new_id())}, key=runtime.keys.current(ACCESS_PURPOSE)),
        "no session id": sign_jwt({**claims, "sid": None}, key=runtime.keys.current(ACCESS_PURPOSE)),
        "nonsense": "a.b.c",
        "too long": "x" * 9000,
    }
    for kind, value in forged.items():
        assert refusal(await who(visit().with_token(value))) == UNAUTHORIZED, kind
    assert (await who(visit().with_token(token))).status_code == 200


@pytest.mark.parametrize("prefix", ["fos_pat", "fos_live", "fos_ses", "fos_ref", "fos_set"])
async def test_unknown_tokens_are_refused(browser: Client, prefix: str) -> None:
    assert refusal(await who(browser.with_token(mint_token(prefix)))) == UNAUTHORIZED
    headers = {"Cookie": f"{COOKIE}={mint_token(prefix)}"}
    assert refusal(await browser.get("/api/v1/auth/me", headers=headers)) == UNAUTHORIZED


async def test_a_session_secret_is_no_bearer_token_and_a_token_no_cookie(visit: Visit, cast: Cast) -> None:
    browser = visit()
    await sign_up(browser)
    assert refusal(await who(visit().with_token(browser.inner.cookies[COOKIE]))) == UNAUTHORIZED
    headers = {"Cookie": f"{COOKIE}={cast.owner.token}"}
    assert refusal(await visit().get("/api/v1/auth/me", headers=headers)) == UNAUTHORIZED


async def test_a_bad_header_is_not_excused_by_a_good_cookie(visit: Visit) -> None:
    browser = visit()
    await sign_up(browser)
    assert (await who(browser)).status_code == 200
    assert refusal(await who(browser.with_token("nonsense"))) == UNAUTHORIZED


@pytest.mark.parametrize("scheme", ["Basic {}", "{}", "Bearer", "Bearer  ", "Token {}"])
async def test_other_schemes_are_refused(client: Client, cast: Cast, visit: Visit, scheme: str) -> None:
    headers = {"Authorization": scheme.format(cast.owner.token)}
    response = await visit().get("/api/v1/auth/me", headers=headers)
    assert refusal(response) == UNAUTHORIZED
    assert response.headers["www-authenticate"] == "Bearer"


async def test_the_name_of_the_scheme_is_taken_in_any_case(visit: Visit, cast: Cast) -> None:
    for name in ("bearer", "BEARER"):
        headers = {"Authorization": f"{name} {cast.owner.token}"}
        assert (await visit().get("/api/v1/auth/me", headers=headers)).status_code == 200


async def test_a_cut_token_is_refused_without_a_look_up(visit: Visit, cast: Cast) -> None:
    token = cast.owner.token
    for cut in (token[:-1], token[:-1] + ("0" if token[-1] != "0" else "1"), token + "0", token.upper()):
        assert refusal(await who(visit().with_token(cut))) == UNAUTHORIZED


async def test_a_token_ends_when_it_says(visit: Visit, runtime: Runtime, cast: Cast) -> None:
    token = await create_token(runtime, cast.owner.user_id, lifetime=timedelta(hours=1))
    client = visit().with_token(token)
    assert (await who(client)).status_code == 200
    with clock.travel(to=clock.now() + timedelta(hours=1, seconds=1)):
        assert refusal(await who(client)) == UNAUTHORIZED


@pytest.mark.parametrize("set_to", ["revoked_at = now()", "is_active = false"])
async def test_a_revoked_or_inactive_token_is_refused(visit: Visit, runtime: Runtime, cast: Cast, set_to: str) -> None:
    token = await create_token(runtime, cast.owner.user_id)
    async with runtime.database.unit() as unit:
        await unit.run(
            f"update tokens set {set_to} where user_id = :user_id and created_at = "
            "(select max(created_at) from tokens where user_id = :user_id)",
            user_id=cast.owner.user_id,
        )
    assert refusal(await who(visit().with_token(token))) == UNAUTHORIZED
    assert (await who(visit().with_token(cast.owner.token))).status_code == 200


async def test_use_is_noted_and_not_at_every_request(visit: Visit, runtime: Runtime, cast: Cast) -> None:
    async def noted() -> Any:
        async with runtime.database.unit() as unit:
            return await unit.value(
                "select last_used_at from tokens where user_id = :user_id", user_id=cast.viewer.user_id
            )

    client, start = visit().with_token(cast.viewer.token), await noted()
    await who(client)
    assert await noted() == start
    with clock.travel(to=clock.now() + timedelta(minutes=6)):
        await who(client)
    assert await noted() - start >= timedelta(minutes=5)


async def test_a_reading_token_cannot_write(visit: Visit, runtime: Runtime, cast: Cast) -> None:
    token = await create_token(runtime, cast.owner.user_id, scope="read")
    reader = visit().with_token(token, workspace=cast.acme)
    scope_too_small = (403, "pat_scope_insufficient")
    assert (await reader.get("/api/v1/workspaces")).status_code == 200
    assert refusal(await reader.post("/api/v1/workspaces", json={"name": "New"})) == scope_too_small
    assert refusal(await reader.patch("/api/v1/auth/me", json={"title": "Dr"})) == scope_too_small
    renamed = await reader.patch(f"/api/v1/workspaces/{cast.acme}", json={"name": "New"})
    assert refusal(renamed) == scope_too_small


async def test_a_writing_token_cannot_administer(visit: Visit, runtime: Runtime, cast: Cast) -> None:
    token = await create_token(runtime, cast.owner.user_id, scope="write")
    writer = visit().with_token(token, workspace=cast.acme)
    assert (await writer.patch("/api/v1/auth/me", json={"title": "Dr"})).status_code == 200
    scope_too_small = (403, "pat_scope_insufficient")
    assert refusal(await writer.get("/api/v1/api-keys")) == scope_too_small
    created = await writer.post("/api/v1/personal-access-tokens", json={"name": "Child", "scope": "read"})
    assert refusal(created) == scope_too_small
    renamed = await writer.patch(f"/api/v1/workspaces/{cast.acme}", json={"name": "New"})
    assert refusal(renamed) == scope_too_small


async def test_a_key_works_in_its_workspace_alone(visit: Visit, runtime: Runtime, cast: Cast) -> None:
    """The stranger is made a member of acme too, so that only the key's bond keeps it out of there."""
    from fostr.domains.workspaces.public import add_member

    async with runtime.database.unit() as unit:
        await add_member(unit, workspace_id=cast.acme, user_id=cast.stranger.user_id, role="admin")
    key = await create_token(runtime, cast.stranger.user_id, workspace_id=cast.globex)
    assert (await visit().with_token(cast.stranger.token).get(f"/api/v1/workspaces/{cast.acme}")).status_code == 200

    bound = visit().with_token(key)
    assert (await bound.get("/api/v1/api-keys")).status_code == 200
    listed = (await bound.get("/api/v1/workspaces")).json()
    assert [(item["id"], item["is_current"]) for item in listed["items"]] == [(str(cast.globex), True)]
    assert listed["total"] == 1

    elsewhere = {"X-Workspace-Id": str(cast.acme)}
    assert refusal(await bound.get("/api/v1/api-keys", headers=elsewhere)) == (404, "not_found")
    assert refusal(await bound.get(f"/api/v1/workspaces/{cast.acme}")) == (404, "not_found")
    assert refusal(await bound.get(f"/api/v1/workspaces/{cast.acme}/members")) == (404, "not_found")
    profile = await bound.get("/api/v1/auth/me", params={"workspace_id": str(cast.acme)})
    assert refusal(profile) == (404, "workspace_not_found")


async def test_a_key_cannot_reach_for_the_account_behind_it(visit: Visit, runtime: Runtime, cast: Cast) -> None:
    key = await create_token(runtime, cast.owner.user_id, workspace_id=cast.acme)
    bound = visit().with_token(key)
    attempts = [
        await bound.get("/api/v1/auth/sessions"),
        await bound.delete(f"/api/v1/auth/sessions/{new_id()}"),
        await bound.get("/api/v1/personal-access-tokens"),
        await bound.post("/api/v1/personal-access-tokens", json={"name": "Escape", "scope": "admin"}),
        await bound.delete(f"/api/v1/personal-access-tokens/{new_id()}"),
        await bound.patch("/api/v1/auth/me", json={"full_name": "Mallory"}),
        await bound.post("/api/v1/auth/me/password", json={"current_password": "a", "new_password": "b"}),
        await bound.post("/api/v1/workspaces", json={"name": "Escape"}),
        await bound.post("/api/v1/workspaces/switch", json={"workspace_id": str(cast.acme)}),
    ]
    assert [refusal(attempt) for attempt in attempts] == [(403, "api_key_is_bound")] * len(attempts)


async def test_a_key_may_come_in_its_own_header(visit: Visit, runtime: Runtime, cast: Cast) -> None:
    key = await create_token(runtime, cast.owner.user_id, workspace_id=cast.acme, scope="read")
    response = await visit().get("/api/v1/developers/me", headers={"X-Api-Key": key})
    assert response.json()["credential"] == {"kind": "api_key", "scope": "read"}


async def test_a_key_does_what_its_person_may_do_now(visit: Visit, runtime: Runtime, cast: Cast) -> None:
    key = await create_token(runtime, cast.admin.user_id, workspace_id=cast.acme)
    bound = visit().with_token(key)
    assert (await bound.get("/api/v1/api-keys")).status_code == 200
    await _set_membership(runtime, cast.admin.user_id, cast.acme, "role = 'viewer'")
    assert refusal(await bound.get("/api/v1/api-keys")) == (403, "forbidden")
    await _set_membership(runtime, cast.admin.user_id, cast.acme, "status = 'suspended'")
    assert refusal(await bound.get(f"/api/v1/workspaces/{cast.acme}")) == (404, "not_found")


async def _set_membership(runtime: Runtime, user_id: UUID, workspace: UUID, change: str) -> None:
    async with runtime.database.unit() as unit:
        await unit.run(
            f"update memberships set {change} where user_id = :user_id and workspace_id = :of",
            user_id=user_id,
            of=workspace,
        )
