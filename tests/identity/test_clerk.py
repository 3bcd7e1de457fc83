"""Signing in people whom Clerk has signed in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from fostr.app import create_app
from fostr.kernel.crypto.envelopes import encrypt
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.identity.conftest import Visit
from tests.identity.people import COOKIE, login, new_email, refresh, sign_up, who
from tests.support.cast import create_token
from tests.support.client import BASE, Client, Response, new_host, refusal

CHECK = "/api/v1/auth/clerk/check-user"
SECRET = "clerk-and-fostr-know-this"


@pytest.fixture
async def front_end(runtime: Runtime, client: Client) -> AsyncIterator[Client]:
    """The server of a front end that knows the secret."""
    settings = runtime.settings.model_copy(update={"clerk_secret": SecretStr(SECRET)})
    app: FastAPI = create_app(settings, runtime=replace(runtime, settings=settings), lazily=True)
    transport = httpx2.ASGITransport(app=app, client=new_host())
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as inner:
        yield Client(inner, client.checker, {"X-Clerk-Secret": SECRET})


async def check(client: Client, email: str, **options: Any) -> Response:
    headers = options.pop("headers", None)
    return await client.post(CHECK, json={"email": email, **options}, headers=headers)


async def verify(runtime: Runtime, email: str) -> None:
    async with runtime.database.unit() as unit:
        await unit.run("update users set email_verified_at = now() where email = :email", email=email)


async def test_without_a_secret_nobody_signs_in_that_way(visit: Visit) -> None:
    for headers in ({}, {"X-Clerk-Secret": ""}, {"X-Clerk-Secret": "None"}):
        assert refusal(await check(visit(), new_email(), headers=headers)) == (503, "clerk_not_configured")


async def test_somebody_with_an_account_gets_a_session(front_end: Client, visit: Visit, runtime: Runtime) -> None:
    email = new_email()
    made = await sign_up(visit(), email=email)
    await verify(runtime, email)
    response = await check(front_end, email.upper(), clerk_id=f"user_{new_id().hex}")
    assert response.status_code == 200
    answer = response.json()
    assert (answer["exists"], answer["user"]["id"], answer["token_type"]) == (True, made["user"]["id"], "bearer")
    assert (await who(visit().with_token(answer["access_token"]))).json()["email"] == email
    assert (await refresh(visit(), answer["refresh_token"])).status_code == 200
    assert COOKIE not in response.headers.get("set-cookie", "")
    # What was there before stays.
    assert (await who(visit().with_token(made["access_token"]))).status_code == 200
    assert (await login(visit(), email)).status_code == 200


async def test_nobody_is_made(front_end: Client, visit: Visit, runtime: Runtime) -> None:
    unknown, closed = new_email("nobody"), new_email("closed")
    await sign_up(visit(), email=closed)
    async with runtime.database.unit() as unit:
        await unit.run("update users set is_active = false where email = :email", email=closed)
    for email in (unknown, closed):
        response = await check(front_end, email, clerk_id=f"user_{new_id().hex}")
        assert (response.status_code, response.json()) == (200, {"exists": False})
    async with runtime.database.unit() as unit:
        assert await unit.value("select count(*) from users where email = :email", email=unknown) == 0


async def test_a_wrong_secret_is_refused_and_soon_throttled(front_end: Client, visit: Visit) -> None:
    email = new_email()
    await sign_up(visit(), email=email)
    wrong = ["", "x", SECRET[:-1], SECRET + "x", SECRET.upper()]
    for secret in wrong:
        assert refusal(await check(front_end, email, headers={"X-Clerk-Secret": secret})) == (401, "clerk_secret_wrong")
    for _ in range(30 - len(wrong)):
        await check(front_end, email, headers={"X-Clerk-Secret": "wrong"})
    refused = await check(front_end, email, headers={"X-Clerk-Secret": "wrong"})
    assert refusal(refused) == (429, "clerk_throttled")
    assert int(refused.headers["retry-after"]) > 0


async def test_right_ones_are_not_counted(front_end: Client) -> None:
    for _ in range(40):
        assert (await check(front_end, new_email("nobody"))).json() == {"exists": False}


async def test_a_clerk_id_is_kept_and_found_again_under_another_address(
    front_end: Client, visit: Visit, runtime: Runtime
) -> None:
    email, clerk_id = new_email(), f"user_{new_id().hex}"
    made = await sign_up(visit(), email=email)
    await verify(runtime, email)
    assert (await check(front_end, email, clerk_id=clerk_id)).json()["exists"] is True
    # The person changed their address at Clerk.
    moved = await check(front_end, new_email("moved"), clerk_id=clerk_id)
    assert moved.json()["user"]["id"] == made["user"]["id"]
    # Somebody else at Clerk has the address that the account has: it is not theirs.
    other = await check(front_end, email, clerk_id=f"user_{new_id().hex}")
    assert other.json() == {"exists": False}


async def test_who_signed_up_with_anothers_address_is_put_out(
    front_end: Client, visit: Visit, runtime: Runtime
) -> None:
    email = new_email()
    made = await sign_up(visit(), email=email)
    token = await create_token(runtime, made["user"]["id"])
    answer = (await check(front_end, email)).json()
    assert answer["user"]["email_verified_at"] is not None
    for old in (made["access_token"], token):
        assert refusal(await who(visit().with_token(old))) == (401, "unauthorized")
    assert refusal(await login(visit(), email)) == (401, "invalid_credentials")
    assert (await who(visit().with_token(answer["access_token"]))).status_code == 200


async def test_the_second_factor_is_asked_for(front_end: Client, visit: Visit, runtime: Runtime) -> None:
    email = new_email()
    made = await sign_up(visit(), email=email)
    await verify(runtime, email)
    async with runtime.database.unit() as unit:
        await unit.run(
            """
            insert into authenticators (id, user_id, secret, confirmed_at) values (:id, :user_id, :secret, now())
            """,
            id=new_id(),
            user_id=made["user"]["id"],
            secret=encrypt(runtime.keys, b"JBSWY3DPEHPK3PXP", workspace=None, purpose="test"),
        )
    answer = (await check(front_end, email)).json()
    assert answer["mfa_required"] is True
    assert "access_token" not in answer


async def test_bad_input_is_refused(front_end: Client) -> None:
    assert refusal(await check(front_end, "nobody")) == (422, "validation_failed")
    assert refusal(await check(front_end, new_email(), clerk_id="")) == (422, "validation_failed")
