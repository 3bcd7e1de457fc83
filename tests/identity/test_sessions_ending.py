"""Ending sessions all at once, telling them apart, and not taking over one that was there."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from fostr.domains.identity.sessions.devices import name_device
from fostr.kernel import clock
from fostr.kernel.crypto.tokens import mint_token
from fostr.kernel.runtime import Runtime
from tests.identity.conftest import Visit
from tests.identity.people import COOKIE, PASSWORD, login, new_email, refresh, sign_up, who
from tests.support.cast import Cast, create_token
from tests.support.client import Client, refusal

PATH = "/api/v1/auth/sessions"


async def test_all_others_end_at_once(visit: Visit, runtime: Runtime) -> None:
    email = new_email()
    browsers = [visit() for _ in range(3)]
    tokens = await sign_up(browsers[0], email=email)
    for browser in browsers[1:]:
        await login(browser, email)
    stranger = visit()
    await sign_up(stranger)

    ended = await browsers[1].delete(PATH)
    assert (ended.status_code, ended.json()) == (200, {"ended": 2})
    assert [(await who(browser)).status_code for browser in (*browsers, stranger)] == [401, 200, 401, 200]
    assert refusal(await refresh(visit(), tokens["refresh_token"])) == (401, "refresh_token_invalid")
    (left,) = (await browsers[1].get(PATH)).json()["items"]
    assert left["is_current"]
    assert (await browsers[1].delete(PATH)).json() == {"ended": 0}


async def test_by_token_every_session_ends(visit: Visit, runtime: Runtime) -> None:
    browser = visit()
    await sign_up(browser)
    made = await browser.post("/api/v1/personal-access-tokens", json={"name": "Script", "scope": "admin"})
    script = visit().with_token(made.json()["token"])
    assert (await script.delete(PATH)).json() == {"ended": 1}
    assert refusal(await who(browser)) == (401, "unauthorized")
    assert (await who(script)).status_code == 200


async def test_it_takes_the_person_and_a_credential_that_administers(
    visit: Visit, client: Client, cast: Cast, runtime: Runtime
) -> None:
    assert refusal(await visit().delete(PATH)) == (401, "unauthorized")
    writer = client.with_token(await create_token(runtime, cast.owner.user_id, scope="write"))
    assert refusal(await writer.delete(PATH)) == (403, "pat_scope_insufficient")
    key = client.with_token(await create_token(runtime, cast.owner.user_id, workspace_id=cast.acme))
    assert refusal(await key.delete(PATH)) == (403, "api_key_is_bound")
    browser = visit()
    made = await sign_up(browser)
    async with runtime.database.unit() as unit:
        await unit.run(
            "update sessions set acting_user_id = :by where user_id = :user_id",
            by=cast.owner.user_id,
            user_id=made["user"]["id"],
        )
    assert refusal(await browser.delete(PATH)) == (403, "impersonating")


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/18.0 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537",
            "Chrome on Android",
        ),
        ("curl/8.9.1", "curl"),
        ("Sync 2", "Sync"),
        ("", "Unknown"),
    ],
)
def test_devices_have_names_for_people(user_agent: str, name: str) -> None:
    assert name_device(user_agent) == name


async def test_the_list_says_what_device_it_was_and_when_its_person_was_there(visit: Visit) -> None:
    browser, email = visit(), new_email()
    await sign_up(browser, email=email)
    with clock.travel(to=clock.now() + timedelta(minutes=20)):
        firefox = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
        body = {"email": email, "password": PASSWORD}
        await visit().post("/api/v1/auth/login", json=body, headers=firefox)
        before = {item["device"]: item for item in (await browser.get(PATH)).json()["items"]}
        assert before.keys() == {"Firefox on Linux", "python-httpx2"}
        await browser.post("/api/v1/auth/confirm", json={"password": PASSWORD})
        after = {item["device"]: item for item in (await browser.get(PATH)).json()["items"]}
    assert after["python-httpx2"]["authenticated_at"] > before["python-httpx2"]["authenticated_at"]
    assert after["Firefox on Linux"]["authenticated_at"] == before["Firefox on Linux"]["authenticated_at"]


async def test_a_cookie_that_was_planted_is_not_taken_over(visit: Visit, runtime: Runtime) -> None:
    thief, victim, email = visit(), visit(), new_email()
    await sign_up(victim, email=email)
    await victim.post("/api/v1/auth/logout")
    await sign_up(thief)
    for planted in (thief.inner.cookies[COOKIE], mint_token("fos_ses")):
        victim.inner.cookies.clear()
        victim.inner.cookies.set(COOKIE, planted, domain="fostr.test", path="/")
        assert (await login(victim, email)).status_code == 200
        assert planted not in {cookie.value for cookie in victim.inner.cookies.jar}
        assert (await who(victim)).json()["email"] == email
        stale = visit()
        stale.inner.cookies.set(COOKIE, planted, domain="fostr.test", path="/")
        response = await who(stale)
        assert response.status_code == 401 or response.json()["email"] != email


async def test_each_sign_in_has_a_session_of_its_own(visit: Visit) -> None:
    email = new_email()
    browser = visit()
    await sign_up(browser, email=email)
    cookies = {browser.inner.cookies[COOKIE]}
    for _ in range(3):
        await login(browser, email)
        cookies.add(browser.inner.cookies[COOKIE])
    assert len(cookies) == 4


async def test_refreshing_and_ending_at_once_leaves_nothing_alive(visit: Visit) -> None:
    email = new_email()
    made = await sign_up(visit(), email=email)
    other = visit()
    await login(other, email)
    answers = await asyncio.gather(refresh(visit(), made["refresh_token"]), other.delete(PATH))
    assert answers[1].json() == {"ended": 1}
    pair = answers[0].json()
    if answers[0].status_code == 200:
        assert refusal(await who(visit().with_token(pair["access_token"]))) == (401, "unauthorized")
        assert refusal(await refresh(visit(), pair["refresh_token"])) == (401, "refresh_token_invalid")
    codes = Counter([(await refresh(visit(), made["refresh_token"])).json()["code"]])
    assert codes.keys() <= {"refresh_token_invalid", "refresh_token_replayed"}
