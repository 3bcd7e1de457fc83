"""Signing in and out by the pages: the same rules as for programs, and no other site can have it done."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import quote

import httpx2
import pytest

from fostr.app import create_app
from fostr.kernel import clock
from fostr.kernel.http.forms import own_path
from fostr.kernel.runtime import Runtime
from tests.identity.conftest import Visit
from tests.identity.people import COOKIE, PASSWORD, login, new_email, sign_up, who
from tests.identity.test_second_factor import code, enable
from tests.support.client import Client, new_host, refusal
from tests.support.forms import AS_BROWSERS, FROM_OUR_PAGE, Page, open_page, send_form, submit

SIGN_IN = "/sign-in"
CODE = "/sign-in/code"
HOME = "/workspace-selector"


async def test_somebody_signs_in_by_the_form(visit: Visit) -> None:
    email = new_email()
    await sign_up(visit(), email=email)
    browser = visit()
    page = await open_page(browser, SIGN_IN)
    given = page.response.headers["set-cookie"]
    assert given.startswith("fostr_form=")
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(given.split("; "))
    sent = await send_form(browser, page, SIGN_IN, email=email.upper(), password=PASSWORD)
    assert sent.place == HOME
    cookie = sent.response.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=fos_ses_")
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    assert (await who(browser)).json()["email"] == email


async def test_signing_in_opens_a_session_of_its_own(visit: Visit) -> None:
    victim, attacker, browser = new_email(), new_email("mallory"), visit()
    await sign_up(visit(), email=victim)
    page = await open_page(browser, SIGN_IN)
    # The browser was given somebody else's session before.
    await sign_up(browser, email=attacker)
    planted = browser.inner.cookies[COOKIE]
    await send_form(browser, page, SIGN_IN, email=victim, password=PASSWORD)
    assert browser.inner.cookies[COOKIE] != planted
    assert (await who(browser)).json()["email"] == victim
    holder = visit()
    holder.inner.cookies.set(COOKIE, planted, domain="fostr.test", path="/")
    assert (await who(holder)).json()["email"] == attacker


async def test_a_refusal_is_shown_at_the_form_and_tells_nothing(visit: Visit) -> None:
    known, unknown = new_email(), new_email("nobody")
    await sign_up(visit(), email=known)
    shown: list[str] = []
    for email in (known, unknown):
        sent = await submit(visit(), SIGN_IN, email=email, password="Guess-<b>-1")
        page = sent.page
        assert sent.response.status_code == 401
        assert COOKIE not in sent.response.headers.get("set-cookie", "")
        assert page.field("email")["value"] == email
        assert "value" not in page.field("password")
        assert "Guess-" not in sent.response.text
        (summary,) = [given for _, given in page.elements if given.get("id") == "summary"]
        assert summary["role"] == "alert"
        assert {"autofocus", "tabindex"} <= summary.keys()
        shown.append(page.text)
    assert "E-mail address or password is wrong." in shown[0]
    assert shown[0] == shown[1]


async def test_what_is_missing_is_said_beside_its_field(visit: Visit) -> None:
    sent = await submit(visit(), SIGN_IN, email="ada", password="")
    assert sent.response.status_code == 422
    assert "@" in sent.page.fault("email")
    assert sent.page.fault("password") == "Fill this in."
    assert ("a", {"href": "#password"}) in sent.page.elements


async def test_another_sites_form_signs_nobody_in(visit: Visit) -> None:
    email = new_email()
    await sign_up(visit(), email=email)
    browser, attacker = visit(), visit()
    page = await open_page(browser, SIGN_IN)
    theirs = (await open_page(attacker, SIGN_IN)).forms[SIGN_IN]["form_token"]
    right = {**page.forms[SIGN_IN], "email": email, "password": PASSWORD}
    nonce, _, signature = right["form_token"].partition(".")
    forged = [
        {name: value for name, value in right.items() if name != "form_token"},
        right | {"form_token": ""},
        right | {"form_token": f"{nonce}.{signature[:-2]}xx"},
        right | {"form_token": f"x{nonce}.{signature}"},
        right | {"form_token": theirs},
    ]
    for data in forged:
        response = await browser.post(SIGN_IN, data=data, headers={"Origin": "http://fostr.test"})
        assert refusal(response) == (403, "form_token_invalid")
    for headers in (
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        assert refusal(await browser.post(SIGN_IN, data=right, headers=headers)) == (403, "cross_site_request")
    # A browser without the cookie of the page, as when another site sends the form with a token that it was given.
    assert refusal(await visit().post(SIGN_IN, data=right)) == (403, "form_token_invalid")
    assert refusal(await who(browser)) == (401, "unauthorized")
    assert (await browser.post(SIGN_IN, data=right, headers=FROM_OUR_PAGE)).status_code == 303


async def test_a_person_is_told_of_a_form_that_is_not_ours(visit: Visit) -> None:
    response = await visit().post(SIGN_IN, data={"email": "a@b.test"}, headers=FROM_OUR_PAGE)
    assert response.status_code == 403
    assert "Open the page again" in Page(response).text


@pytest.mark.parametrize(
    "place",
    [
        "https://evil.test/",
        "//evil.test/",
        "/\\evil.test",
        "/\t/evil.test",
        "\\\\evil.test",
        "javascript:alert(1)",
        "evil.test",
        "/ok\r\nSet-Cookie: a=b",
        " //evil.test",
        "",
        "/" + "a" * 1000,
    ],
)
async def test_no_link_leads_through_us_to_elsewhere(visit: Visit, place: str) -> None:
    email, browser = new_email(), visit()
    await sign_up(browser, email=email)
    response = await browser.get(f"{SIGN_IN}?next={quote(place)}", headers=AS_BROWSERS)
    assert (response.status_code, response.headers["location"]) == (303, HOME)
    page = await open_page(visit(), f"{SIGN_IN}?next={quote(place)}")
    assert page.forms[SIGN_IN]["next"] == HOME
    sender = visit()
    shown = await open_page(sender, SIGN_IN)
    sent = await send_form(sender, shown, SIGN_IN, email=email, password=PASSWORD, next=place)
    assert sent.place == HOME


def test_own_paths_are_gone_on_to() -> None:
    for place in ("/", "/w/acme", "/outbox?page=2", "/account/factors#app", "/w/%C3%A9"):
        assert own_path(place) == place


async def test_whoever_wants_a_page_comes_to_it_by_signing_in(visit: Visit) -> None:
    email, browser = new_email(), visit()
    await sign_up(visit(), email=email)
    response = await browser.get("/account/sessions?notice=x", headers=AS_BROWSERS)
    assert response.status_code == 303
    assert response.headers["location"] == "/sign-in?next=%2Faccount%2Fsessions%3Fnotice%3Dx"
    assert response.headers["cache-control"] == "no-store"
    sent = await submit(browser, response.headers["location"], email=email, password=PASSWORD)
    assert sent.place == "/account/sessions?notice=x"
    # A program is told as ever.
    assert refusal(await visit().get("/account/sessions")) == (401, "unauthorized")


async def test_the_first_page_leads_on_whoever_is_signed_in(visit: Visit) -> None:
    browser = visit()
    first = await open_page(browser, "/")
    assert {"/sign-in", "/sign-up"} <= {given.get("href") for given in first.named("a")}
    assert first.response.headers["vary"] == "Cookie"
    assert (await browser.request("HEAD", "/")).status_code == 200
    await sign_up(browser)
    for path in ("/", SIGN_IN, "/sign-up"):
        response = await browser.get(path, headers=AS_BROWSERS)
        assert (response.status_code, response.headers["location"]) == (303, HOME)


async def test_the_second_step_takes_a_code(visit: Visit) -> None:
    email, owner, browser = new_email(), visit(), visit()
    await sign_up(owner, email=email)
    secret, recovery_codes = await enable(owner)
    sent = await submit(browser, f"{SIGN_IN}?next=/account", email=email, password=PASSWORD)
    assert sent.place == f"{CODE}?next=%2Faccount"
    cookie = sent.response.headers["set-cookie"]
    assert cookie.startswith("fostr_pending=fos_mfa_")
    assert {"HttpOnly", "SameSite=lax"} <= set(cookie.split("; "))
    assert refusal(await who(browser)) == (401, "unauthorized")

    page = await open_page(browser, sent.place)
    assert "fos_mfa_" not in page.response.text
    wrong = await send_form(browser, page, CODE, code="000000")
    assert wrong.response.status_code == 401
    assert "wrong" in wrong.page.fault("code")
    missing = await send_form(browser, page, CODE, code="")
    assert (missing.response.status_code, missing.page.fault("code")) == (422, "Fill this in.")
    entered = await send_form(browser, page, CODE, code=code(secret))
    assert entered.place == "/account"
    assert (await who(browser)).json()["email"] == email

    other = visit()
    await submit(other, SIGN_IN, email=email, password=PASSWORD)
    assert (await submit(other, CODE, code=recovery_codes[0].upper())).place == HOME


async def test_the_second_step_comes_after_the_first_and_soon(visit: Visit) -> None:
    email, owner, browser = new_email(), visit(), visit()
    response = await browser.get(CODE, headers=AS_BROWSERS)
    assert (response.status_code, response.headers["location"]) == (303, SIGN_IN)
    await sign_up(owner, email=email)
    secret, _ = await enable(owner)
    await submit(browser, SIGN_IN, email=email, password=PASSWORD)
    page = await open_page(browser, CODE)
    with clock.travel(to=clock.now() + timedelta(minutes=6)):
        late = await send_form(browser, page, CODE, code=code(secret))
    assert late.response.status_code == 401
    assert "begin again" in late.page.text


async def test_guessing_is_throttled_as_for_programs(visit: Visit) -> None:
    email = new_email()
    await sign_up(visit(), email=email)
    browser = visit()
    page = await open_page(browser, SIGN_IN)
    for _ in range(10):
        assert (await send_form(browser, page, SIGN_IN, email=email, password="Guess-1")).response.status_code == 401
    sent = await send_form(browser, page, SIGN_IN, email=email, password=PASSWORD)
    assert sent.response.status_code == 429
    assert int(sent.response.headers["retry-after"]) > 0
    assert "Too many failed attempts" in sent.page.text
    # The operation for programs counts in the same place.
    assert refusal(await login(browser, email)) == (429, "sign_in_throttled")


async def test_signing_out_ends_the_session_on_the_server(visit: Visit) -> None:
    browser = visit()
    made = await sign_up(browser)
    page = await open_page(browser, "/account")
    cookie = browser.inner.cookies[COOKIE]
    refused = await browser.post("/sign-out", data={"form_token": "x.y"}, headers={"Origin": "http://fostr.test"})
    assert refusal(refused) == (403, "form_token_invalid")
    foreign = await browser.post("/sign-out", data=page.forms["/sign-out"], headers={"Origin": "https://evil.test"})
    assert refusal(foreign) == (403, "cross_site_request")
    assert (await who(browser)).status_code == 200
    sent = await send_form(browser, page, "/sign-out")
    assert sent.place == f"{SIGN_IN}?notice=signed-out"
    assert COOKIE not in browser.inner.cookies
    kept = visit()
    kept.inner.cookies.set(COOKIE, cookie, domain="fostr.test", path="/")
    assert refusal(await who(kept)) == (401, "unauthorized")
    assert refusal(await who(visit().with_token(made["access_token"]))) == (401, "unauthorized")


async def test_a_notice_is_one_of_ours(visit: Visit) -> None:
    page = await open_page(visit(), f"{SIGN_IN}?notice=signed-out")
    assert "You are signed out." in page.text
    for notice in ("Call+0123+now", "%3Cb%3E", "x" * 40):
        page = await open_page(visit(), f"{SIGN_IN}?notice={notice}")
        assert "role" not in {key for given in page.named("p") for key in given if given.get("role") == "status"}


@pytest.fixture
async def secure(runtime: Runtime, client: Client) -> AsyncIterator[Client]:
    """A client of a server that is reached by https."""
    settings = runtime.settings.model_copy(update={"public_url": "https://fostr.test"})
    app = create_app(settings, runtime=dataclasses.replace(runtime, settings=settings), lazily=True)
    transport = httpx2.ASGITransport(app=app, client=new_host())
    async with httpx2.AsyncClient(transport=transport, base_url="https://fostr.test") as inner:
        yield Client(inner, client.checker, {})


async def test_by_https_no_other_host_can_set_the_cookie(secure: Client, visit: Visit) -> None:
    email = new_email()
    await sign_up(visit(), email=email)
    page = await open_page(secure, SIGN_IN)
    given = page.response.headers["set-cookie"].split("; ")
    assert given[0].startswith("__Host-fostr_form=")
    assert {"Secure", "HttpOnly", "Path=/"} <= set(given)
    assert not any(part.lower().startswith("domain") for part in given)
    data = {**page.forms[SIGN_IN], "email": email, "password": PASSWORD}
    response = await secure.post(SIGN_IN, data=data, headers={"Origin": "https://fostr.test"})
    assert response.status_code == 303
    assert "Secure" in response.headers["set-cookie"].split("; ")
    # A cookie of the same name without the prefix, which a neighbour could set, binds nothing.
    neighbour = page.response.cookies["__Host-fostr_form"]
    secure.inner.cookies.clear()
    secure.inner.cookies.set("fostr_form", neighbour, domain="fostr.test", path="/")
    response = await secure.post(SIGN_IN, data=data, headers={"Origin": "https://fostr.test"})
    assert refusal(response) == (403, "form_token_invalid")
