"""Signing in and out."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from http.cookies import SimpleCookie

import httpx2
import pytest

from fostr.app import create_app
from fostr.kernel import clock
from fostr.kernel.runtime import Runtime
from fostr.settings import Settings
from tests.identity.conftest import Visit
from tests.identity.people import COOKIE, PASSWORD, login, new_email, refresh, sign_up, who
from tests.support.client import Client, Response, refusal


def cookie_of(response: Response) -> dict[str, str]:
    """Return the session cookie as it was set: its value, and its attributes by their names."""
    prefix = "__Host-" if response.request.url.scheme == "https" else ""
    morsel = SimpleCookie(response.headers["set-cookie"])[f"{prefix}{COOKIE}"]
    return {"value": morsel.value, **{name: value for name, value in morsel.items() if value}}


async def test_a_browser_is_given_a_cookie_and_a_program_tokens(visit: Visit) -> None:
    email = new_email()
    made = await sign_up(visit(), email=email)
    browser = visit()
    response = await login(browser, email)
    assert response.status_code == 200
    answer = response.json()
    assert answer["user"]["id"] == made["user"]["id"]
    assert answer["access_token"] not in {made["access_token"], ""}
    assert response.headers["cache-control"] == "no-store"

    assert (await who(browser)).json()["email"] == email
    assert (await who(visit().with_token(answer["access_token"]))).json()["email"] == email
    assert (await refresh(visit(), answer["refresh_token"])).status_code == 200


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(visit: Visit) -> None:
    email = new_email()
    await sign_up(visit(), email=email)
    cookie = cookie_of(await login(visit(), email))
    assert cookie["value"].startswith("fos_ses_")
    assert cookie["httponly"] is True or cookie["httponly"] == "True"
    assert cookie["samesite"].lower() == "lax"
    assert (cookie["path"], cookie["max-age"]) == ("/", str(30 * 86400))
    assert "secure" not in cookie
    assert "domain" not in cookie


async def test_the_cookie_is_for_https_alone_where_people_come_by_https(
    runtime: Runtime, settings: Settings, browser: Client
) -> None:
    email = new_email()
    await sign_up(browser, email=email)
    safe = settings.model_copy(update={"public_url": "https://fostr.test"})
    app = create_app(safe, runtime=replace(runtime, settings=safe), lazily=True)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="https://fostr.test") as inner:
        client = Client(inner, browser.checker, {})
        assert "secure" in cookie_of(await login(client, email))
        assert "secure" in cookie_of(await client.post("/api/v1/auth/logout"))
        assert refusal(await who(client)) == (401, "unauthorized")


async def test_digests_are_kept_and_secrets_are_not(visit: Visit, runtime: Runtime) -> None:
    made = await sign_up(visit())
    secrets = [made["refresh_token"], made["access_token"], PASSWORD]
    async with runtime.database.unit() as unit:
        rows = await unit.rows(
            """
            select s::text as row from sessions s where s.user_id = :user_id
            union all
            select t::text from refresh_tokens t join sessions s on s.id = t.session_id where s.user_id = :user_id
            union all
            select u::text from users u where u.id = :user_id
            """,
            user_id=made["user"]["id"],
        )
    assert len(rows) == 3
    assert not any(secret in row["row"] for secret in secrets for row in rows)


async def test_unknown_accounts_and_wrong_passwords_are_answered_alike(visit: Visit) -> None:
    email = new_email()
    await sign_up(visit(), email=email)
    wrong = await login(visit(), email, password="Not-the-one-1843")
    unknown = await login(visit(), new_email("nobody"))
    assert refusal(wrong) == refusal(unknown) == (401, "invalid_credentials")
    assert wrong.json()["detail"] == unknown.json()["detail"]
    assert wrong.json().keys() == unknown.json().keys()
    assert "set-cookie" not in wrong.headers


async def test_a_closed_account_is_answered_like_an_unknown_one(visit: Visit, runtime: Runtime) -> None:
    email = new_email()
    made = await sign_up(visit(), email=email)
    async with runtime.database.unit() as unit:
        await unit.run("update users set is_active = false where email = :email", email=email)
    assert refusal(await login(visit(), email)) == (401, "invalid_credentials")
    assert refusal(await who(visit().with_token(made["access_token"]))) == (401, "unauthorized")
    assert refusal(await refresh(visit(), made["refresh_token"])) == (401, "refresh_token_invalid")


async def test_an_account_without_a_password_cannot_sign_in_by_one(visit: Visit, runtime: Runtime) -> None:
    email = new_email()
    await sign_up(visit(), email=email)
    async with runtime.database.unit() as unit:
        await unit.run("update users set password_hash = null where email = :email", email=email)
    for password in (PASSWORD, "", "None"):
        assert refusal(await login(visit(), email, password=password)) == (401, "invalid_credentials")


async def test_a_hash_of_another_cost_is_renewed_at_the_next_sign_in(visit: Visit, runtime: Runtime) -> None:
    from fostr.kernel.crypto.passwords import hash_password

    async def stored() -> str:
        async with runtime.database.unit() as unit:
            return await unit.value("select password_hash from users where email = :email", email=email)

    email = new_email()
    await sign_up(visit(), email=email)
    dear = await hash_password(PASSWORD, cost="default")
    async with runtime.database.unit() as unit:
        await unit.run("update users set password_hash = :dear where email = :email", dear=dear, email=email)
    assert (await login(visit(), email)).status_code == 200
    assert await stored() != dear
    assert (await login(visit(), email)).status_code == 200


async def test_guessing_is_throttled_for_the_guesser_and_not_for_the_owner(visit: Visit) -> None:
    email = new_email()
    await sign_up(visit(), email=email)
    guesser = visit()
    guesses = await asyncio.gather(*(login(guesser, email, password=f"Guess-{n}-{n}") for n in range(15)))
    assert sorted(guess.status_code for guess in guesses) == [401] * 10 + [429] * 5

    # Even the right password does not help any more, from there.
    refused = await login(guesser, email)
    assert refusal(refused) == (429, "sign_in_throttled")
    assert 0 < int(refused.headers["retry-after"]) <= 900
    assert refused.json()["retry_after"] == int(refused.headers["retry-after"])
    assert (await login(visit(), email)).status_code == 200

    with clock.travel(to=clock.now() + timedelta(minutes=16)):
        assert (await login(guesser, email)).status_code == 200


async def test_one_who_gets_it_right_is_not_counted(visit: Visit) -> None:
    email = new_email()
    await sign_up(visit(), email=email)
    person = visit()
    for _ in range(3):
        for _ in range(9):
            assert (await login(person, email, password="Wrong-again-1")).status_code == 401
        assert (await login(person, email)).status_code == 200


async def test_trying_many_accounts_from_one_place_is_throttled(visit: Visit) -> None:
    sprayer = visit()
    for _ in range(100):
        assert (await login(sprayer, new_email("somebody"))).status_code == 401
    assert refusal(await login(sprayer, new_email("somebody"))) == (429, "sign_in_throttled")


async def test_trying_one_account_from_many_places_is_throttled(visit: Visit) -> None:
    email = new_email()
    for _ in range(100):
        assert (await login(visit(), email)).status_code == 401
    assert refusal(await login(visit(), email)) == (429, "sign_in_throttled")


async def test_an_ipv6_site_counts_as_one_address(visit: Visit) -> None:
    email = new_email()
    for number in range(10):
        client = visit(f"2001:db8:{email[4:8]}:1::{number:x}")
        assert (await login(client, email)).status_code == 401
    assert (await login(visit(f"2001:db8:{email[4:8]}:1::ffff"), email)).status_code == 429
    assert (await login(visit(f"2001:db8:{email[4:8]}:2::1"), email)).status_code == 401


async def test_signing_out_ends_the_session_on_the_server(visit: Visit) -> None:
    browser = visit()
    made = await sign_up(browser)
    stolen = browser.inner.cookies[COOKIE]
    thief = visit()
    thief.inner.cookies.set(COOKIE, stolen)
    assert (await who(thief)).status_code == 200

    response = await browser.post("/api/v1/auth/logout")
    assert (response.status_code, response.json()) == (200, {"ok": True})
    assert COOKIE not in browser.inner.cookies
    assert cookie_of(response)["max-age"] == "0"
    assert refusal(await who(thief)) == (401, "unauthorized")
    assert refusal(await who(visit().with_token(made["access_token"]))) == (401, "unauthorized")
    assert refusal(await refresh(visit(), made["refresh_token"])) == (401, "refresh_token_invalid")


async def test_signing_out_by_token_ends_the_cookie_too(visit: Visit) -> None:
    browser = visit()
    made = await sign_up(browser)
    assert (await visit().with_token(made["access_token"]).post("/api/v1/auth/logout")).status_code == 200
    assert refusal(await who(browser)) == (401, "unauthorized")


async def test_signing_out_leaves_other_sessions_alone(visit: Visit) -> None:
    email = new_email()
    first, second = visit(), visit()
    await sign_up(first, email=email)
    await login(second, email)
    await first.post("/api/v1/auth/logout")
    assert (await who(second)).status_code == 200


async def test_a_cookie_ends_by_itself(browser: Client) -> None:
    await sign_up(browser)
    with clock.travel(to=clock.now() + timedelta(days=29)):
        assert (await who(browser)).status_code == 200
    cookie = browser.inner.cookies[COOKIE]
    with clock.travel(to=clock.now() + timedelta(days=30, seconds=1)):
        assert refusal(await browser.get("/api/v1/auth/me", headers={"Cookie": f"{COOKIE}={cookie}"})) == (
            401,
            "unauthorized",
        )


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Origin": "http://fostr.test"}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Origin": "https://elsewhere.example"}, False),
        ({"Origin": "http://fostr.test.elsewhere.example"}, False),
        ({"Origin": "null"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
    ],
)
async def test_a_cookie_is_no_use_to_other_sites(browser: Client, headers: dict[str, str], *, allowed: bool) -> None:
    await sign_up(browser)
    response = await browser.post("/api/v1/workspaces", json={"name": "Planted"}, headers=headers)
    if allowed:
        assert response.status_code == 201
    else:
        assert refusal(response) == (403, "cross_site_request")
        assert (await browser.get("/api/v1/workspaces", headers=headers)).status_code == 200


async def test_another_site_cannot_sign_somebody_in(visit: Visit) -> None:
    email = new_email()
    await sign_up(visit(), email=email)
    body = {"email": email, "password": PASSWORD}
    headers = {"Origin": "https://elsewhere.example"}
    response = await visit().post("/api/v1/auth/login", json=body, headers=headers)
    assert refusal(response) == (403, "cross_site_request")


async def test_a_form_of_another_site_is_not_taken_for_json(visit: Visit) -> None:
    email = new_email()
    await sign_up(visit(), email=email)
    body = f'{{"email": "{email}", "password": "{PASSWORD}"}}'
    response = await visit().post("/api/v1/auth/login", content=body, headers={"Content-Type": "text/plain"})
    assert refusal(response) == (422, "validation_failed")
