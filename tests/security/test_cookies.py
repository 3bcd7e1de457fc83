"""The session cookie: its flags, and that nobody goes on in a session that somebody else has planted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from http.cookies import SimpleCookie
from typing import Any, Final, TypeAlias

import httpx2
import pytest
from fastapi import FastAPI

from fostr.app import create_app
from fostr.domains.identity.public import ensure_setup_link
from fostr.kernel.auth.credentials import COOKIE, SESSION_PREFIX
from fostr.kernel.crypto.tokens import mint_token
from fostr.kernel.runtime import Runtime
from tests.identity.conftest import Visit
from tests.identity.letters import last_letter
from tests.identity.people import PASSWORD, login, new_email, sign_up, who
from tests.identity.test_activation import params_of, provide
from tests.identity.test_second_factor import begin, code, complete, enable
from tests.support.authenticator import Device
from tests.support.client import BASE, Client, Response, new_host, refusal

Enter: TypeAlias = Callable[[Client], Awaitable[Response]]
Way: TypeAlias = Callable[[Visit, Runtime, str], Awaitable[Enter]]

SAFE_SITE: Final = BASE.replace("http:", "https:")


async def by_password(visit: Visit, runtime: Runtime, email: str) -> Enter:
    del runtime
    await sign_up(visit(), email=email)
    return lambda client: login(client, email)


async def by_second_factor(visit: Visit, runtime: Runtime, email: str) -> Enter:
    del runtime
    maker = visit()
    await sign_up(maker, email=email)
    secret, _ = await enable(maker)

    async def enter(client: Client) -> Response:
        return await complete(client, await begin(client, email), code(secret))

    return enter


async def by_passkey(visit: Visit, runtime: Runtime, email: str) -> Enter:
    del runtime
    maker, device = visit(), Device()
    await sign_up(maker, email=email)
    factors = "/api/v1/auth/me/factors/passkeys"
    options = (await maker.post(f"{factors}/begin")).json()
    made = await maker.post(factors, json={"name": "Key", "credential": device.register(options)})
    assert made.status_code == 201, made.text

    async def enter(client: Client) -> Response:
        device.origin = str(client.inner.base_url).rstrip("/")
        asked = (await client.post("/api/v1/auth/passkeys/begin")).json()
        return await client.post("/api/v1/auth/passkeys/sign-in", json={"credential": device.sign(asked)})

    return enter


async def by_signing_up(visit: Visit, runtime: Runtime, email: str) -> Enter:
    del visit, runtime
    body = {"email": email, "password": PASSWORD, "full_name": "Ada", "company_name": "Engines"}
    return lambda client: client.post("/api/v1/auth/signup", json=body)


async def by_activation(visit: Visit, runtime: Runtime, email: str) -> Enter:
    del visit
    await provide(runtime, email)
    given = {**params_of(await last_letter(runtime, email, "activation")), "password": PASSWORD}
    return lambda client: client.post("/api/v1/auth/activation/complete", json=given)


async def by_setting_up(visit: Visit, runtime: Runtime, email: str) -> Enter:
    del visit
    async with runtime.database.unit() as unit:
        await unit.run("update users set is_superuser = false")
    link = await ensure_setup_link(runtime.database, public_url=BASE)
    assert link is not None
    body = {"email": email, "password": PASSWORD, "company_name": "Home", "token": link.partition("#token=")[2]}
    return lambda client: client.post("/api/v1/auth/setup", json=body)


WAYS: Final[dict[str, Way]] = {
    "password": by_password,
    "second factor": by_second_factor,
    "passkey": by_passkey,
    "sign-up": by_signing_up,
    "activation": by_activation,
    "setup": by_setting_up,
}
"""Each operation that gives a browser a session."""


@pytest.fixture(scope="session")
def sites(runtime: Runtime) -> dict[str, FastAPI]:
    """The application as it is reached by http, and by https."""
    apps: dict[str, FastAPI] = {}
    for address in (BASE, SAFE_SITE):
        settings = runtime.settings.model_copy(update={"public_url": address})
        apps[address] = create_app(settings, runtime=replace(runtime, settings=settings), lazily=True)
    return apps


@pytest.fixture(params=[BASE, SAFE_SITE])
async def site(request: pytest.FixtureRequest, sites: dict[str, FastAPI], client: Client) -> AsyncIterator[Client]:
    """A browser at each of them."""
    transport = httpx2.ASGITransport(app=sites[request.param], client=new_host())
    async with httpx2.AsyncClient(transport=transport, base_url=request.param) as inner:
        yield Client(inner, client.checker, {})


def cookie_in(response: Response) -> dict[str, Any]:
    """Return the session cookie as it was set: its value, and the attributes that it has.

    Where people come by https, its name keeps other hosts of the domain from setting one.
    """
    name = f"__Host-{COOKIE}" if response.request.url.scheme == "https" else COOKIE
    (line,) = [line for line in response.headers.get_list("set-cookie") if COOKIE in line]
    morsel = SimpleCookie(line)[name]
    return {"value": morsel.value, **{name: value for name, value in morsel.items() if value}}


@pytest.mark.parametrize("way", WAYS)
async def test_the_cookie_is_kept_from_scripts_other_sites_and_the_open_wire(
    site: Client, visit: Visit, runtime: Runtime, way: str
) -> None:
    entered = await (await WAYS[way](visit, runtime, new_email()))(site)
    assert entered.status_code in {200, 201}, entered.text
    given = cookie_in(entered)
    assert given.pop("value").startswith(SESSION_PREFIX)
    is_safe = str(site.inner.base_url).startswith("https:")
    expected = {"httponly": True, "samesite": "lax", "path": "/", "max-age": str(30 * 86400)}
    assert given == ({**expected, "secure": True} if is_safe else expected)
    assert entered.headers["cache-control"] == "no-store"

    taken = cookie_in(await site.post("/api/v1/auth/logout"))
    assert (taken["max-age"], taken["path"], "secure" in taken) == ("0", "/", is_safe)
    assert refusal(await who(site)) == (401, "unauthorized")


@pytest.mark.parametrize("way", WAYS)
async def test_a_planted_session_is_left_behind_on_every_way_in(visit: Visit, runtime: Runtime, way: str) -> None:
    thief, victim, email = visit(), visit(), new_email("victim")
    thiefs = new_email("thief")
    await sign_up(thief, email=thiefs)
    enter = await WAYS[way](visit, runtime, email)
    mine = thief.inner.cookies[COOKIE]
    victim.inner.cookies.set(COOKIE, mine, domain="fostr.test", path="/")
    entered = await enter(victim)
    assert entered.status_code in {200, 201}, entered.text
    assert cookie_in(entered)["value"] != mine
    assert (await who(victim)).json()["email"] == email
    # What the thief has is still their own session, and nobody else's.
    assert (await who(thief)).json()["email"] == thiefs


async def test_a_secret_that_we_did_not_make_is_never_taken_up(visit: Visit) -> None:
    victim, thief, email = visit(), visit(), new_email()
    planted = mint_token(SESSION_PREFIX)
    for browser in (victim, thief):
        browser.inner.cookies.set(COOKIE, planted, domain="fostr.test", path="/")
    await sign_up(victim, email=email)
    assert (await who(victim)).json()["email"] == email
    assert refusal(await who(thief)) == (401, "unauthorized")


async def test_two_cookies_of_the_name_do_not_open_two_accounts(visit: Visit) -> None:
    """A neighbouring site may set one for our path; whichever is read, it is one whole session, or none."""
    first, second = visit(), visit()
    people = {(await sign_up(browser))["user"]["id"]: browser.inner.cookies[COOKIE] for browser in (first, second)}
    both = "; ".join(f"{COOKIE}={value}" for value in people.values())
    answered = await visit().get("/api/v1/auth/me", headers={"Cookie": both})
    assert answered.json()["id"] in people
    listed = await visit().get("/api/v1/auth/sessions", headers={"Cookie": both})
    assert listed.json()["total"] == 1


async def test_by_https_a_cookie_that_a_neighbour_could_set_is_not_read(site: Client, visit: Visit) -> None:
    browser = visit()
    await sign_up(browser)
    secret, is_safe = browser.inner.cookies[COOKIE], str(site.inner.base_url).startswith("https:")
    plain = await site.get("/api/v1/auth/me", headers={"Cookie": f"{COOKIE}={secret}"})
    prefixed = await site.get("/api/v1/auth/me", headers={"Cookie": f"__Host-{COOKIE}={secret}"})
    assert (plain.status_code, prefixed.status_code) == ((401, 200) if is_safe else (200, 401))


async def test_a_session_is_named_by_no_address(visit: Visit) -> None:
    """A secret in an address would stand in logs, in histories and in what is sent to other sites."""
    browser = visit()
    await sign_up(browser)
    secret, bare = browser.inner.cookies[COOKIE], visit()
    for name in (COOKIE, "session", "token", "access_token", "api_key", "authorization", "X-Api-Key"):
        assert refusal(await bare.get("/api/v1/auth/me", params={name: secret})) == (401, "unauthorized")
