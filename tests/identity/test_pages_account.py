"""The pages of an account: name, picture, password, sessions, second factor, passkeys."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fostr.domains.identity.passkeys.tables import passkeys
from fostr.kernel import clock
from fostr.kernel.db.gateway import insert_row
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.identity.conftest import Visit
from tests.identity.people import PASSWORD, login, sign_up, who
from tests.identity.test_second_factor import code, enable
from tests.support.client import Client, refusal
from tests.support.forms import AS_BROWSERS, FROM_OUR_PAGE, open_page, send_form, submit
from tests.support.pictures import SVG, picture

ACCOUNT = "/account"
CHANGE = "/account/password"
SESSIONS = "/account/sessions"
FACTORS = "/account/factors"
CONFIRM = "/account/confirm"
NEW = "Note-G-Bernoulli-7"
UNKNOWN_PASSKEY = "01920000-0000-7000-8000-000000000000"
"""The same in every process that collects the tests."""
FORMS = (
    ACCOUNT,
    "/account/avatar",
    "/account/avatar/delete",
    CHANGE,
    SESSIONS,
    "/account/sessions/end",
    f"{FACTORS}/app",
    f"{FACTORS}/app/confirm",
    f"{FACTORS}/disable",
    f"{FACTORS}/recovery-codes",
    f"{FACTORS}/passkeys/{UNKNOWN_PASSKEY}/delete",
    CONFIRM,
    "/sign-out",
    "/workspace-selector",
    "/workspace-selector/new",
)


@pytest.fixture
async def email(browser: Client) -> str:
    """The address of somebody who is signed in with the browser."""
    return (await sign_up(browser))["user"]["email"]


@pytest.mark.parametrize("path", FORMS)
async def test_a_form_takes_a_page_of_this_session(browser: Client, other: Client, email: str, path: str) -> None:
    mine = (await open_page(browser, ACCOUNT)).forms["/sign-out"]["form_token"]
    await sign_up(other)
    theirs = (await open_page(other, ACCOUNT)).forms["/sign-out"]["form_token"]
    visitors = (await open_page(other, "/forgot-password")).forms["/forgot-password"]["form_token"]
    for token in ("", "x", theirs, visitors, mine[:-1]):
        response = await browser.post(path, data={"form_token": token}, headers={"Origin": "http://fostr.test"})
        assert refusal(response) == (403, "form_token_invalid")
    foreign = await browser.post(path, data={"form_token": mine}, headers={"Origin": "https://evil.test"})
    assert refusal(foreign) == (403, "cross_site_request")
    assert (await who(browser)).json()["email"] == email
    nobody = await other.anonymous().post(path, data={"form_token": mine}, headers={"Cookie": ""})
    assert nobody.status_code in {401, 403}


async def test_whoever_is_not_signed_in_is_led_there(visit: Visit) -> None:
    for path in FORMS:
        response = await visit().post(path, data={"form_token": "x"}, headers=FROM_OUR_PAGE)
        assert (response.status_code, response.headers["location"]) == (303, "/sign-in")


async def test_the_name_is_changed(browser: Client, email: str) -> None:
    page = await open_page(browser, ACCOUNT)
    assert (email in page.text, page.field("full_name")["value"]) == (True, "Ada Lovelace")
    sent = await send_form(browser, page, ACCOUNT, full_name=" Ada <King> ")
    assert sent.place == "/account?notice=name-saved"
    page = await open_page(browser, sent.place)
    assert "Your name is saved." in page.text
    assert page.field("full_name")["value"] == "Ada <King>"
    refused = await send_form(browser, page, ACCOUNT, full_name="x" * 201)
    assert refused.response.status_code == 422
    assert "at most 200" in refused.page.fault("full_name")
    assert (await who(browser)).json()["full_name"] == "Ada <King>"


async def test_a_picture_is_given_and_taken_away(browser: Client, email: str) -> None:
    del email
    page = await open_page(browser, ACCOUNT)
    sent = await send_form(browser, page, "/account/avatar", files={"file": ("me.png", picture(), "image/png")})
    assert sent.place == "/account?notice=picture-saved"
    page = await open_page(browser, sent.place)
    (image,) = page.named("img")
    assert image["src"] is not None
    # The page loads pictures from this server alone.
    assert image["src"].startswith("/api/v1/files/pictures/")
    assert image["alt"] == "Your picture"
    assert (await browser.get(image["src"])).status_code == 302
    assert (await send_form(browser, page, "/account/avatar/delete")).place == "/account?notice=picture-deleted"
    assert (await open_page(browser, ACCOUNT)).named("img") == []


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"file": ("me.svg", SVG, "image/svg+xml")}, "no JPEG"),
        ({"file": ("", b"", "application/octet-stream")}, "Choose a file."),
        ({"other": ("me.png", b"x", "image/png")}, "Choose a file."),
        ({"file": ("big.png", b"\x89PNG" + bytes(5 * 1024**2), "image/png")}, "large"),
    ],
)
async def test_what_is_no_picture_is_refused(browser: Client, email: str, files: Any, said: str) -> None:
    del email
    sent = await send_form(browser, await open_page(browser, ACCOUNT), "/account/avatar", files=files)
    assert sent.response.status_code in {413, 422}
    assert said in sent.page.fault("file")
    assert (await who(browser)).json()["avatar_url"] is None


async def test_a_picture_from_elsewhere_is_not_loaded(browser: Client, email: str) -> None:
    del email
    changed = await browser.patch("/api/v1/auth/me", json={"avatar_url": "https://tracker.test/me.png"})
    assert changed.status_code == 200
    assert "tracker.test" not in (await open_page(browser, ACCOUNT)).response.text


async def test_the_password_is_changed(visit: Visit, browser: Client, email: str) -> None:
    elsewhere = visit()
    await login(elsewhere, email)
    wrong = await submit(browser, CHANGE, current_password="Guess-1", new_password=NEW)
    assert (wrong.response.status_code, wrong.page.fault("current_password") != "") == (403, True)
    weak = await submit(browser, CHANGE, current_password=PASSWORD, new_password="password")
    assert (weak.response.status_code, weak.page.fault("new_password") != "") == (422, True)
    assert (await who(elsewhere)).status_code == 200
    sent = await submit(browser, CHANGE, current_password=PASSWORD, new_password=NEW)
    assert sent.place == "/account?notice=password-changed"
    assert (await who(browser)).status_code == 200
    assert refusal(await who(elsewhere)) == (401, "unauthorized")
    assert (await login(visit(), email, password=NEW)).status_code == 200


async def test_sessions_are_seen_and_ended(visit: Visit, browser: Client, email: str) -> None:
    first, second = visit(), visit()
    for elsewhere in (first, second):
        elsewhere.headers = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
        await login(elsewhere, email)
    page = await open_page(browser, SESSIONS)
    assert page.text.count("Firefox on Linux") >= 2
    listed = (await browser.get("/api/v1/auth/sessions")).json()["items"]
    newest = next(session for session in listed if not session["is_current"])
    sent = await send_form(browser, page, "/account/sessions/end", session_id=newest["id"])
    assert sent.place == "/account/sessions?notice=session-ended"
    assert sorted([(await who(first)).status_code, (await who(second)).status_code]) == [200, 401]
    again = await send_form(browser, page, "/account/sessions/end", session_id=newest["id"])
    assert (again.response.status_code, "no such session" in again.page.text) == (404, True)
    malformed = await send_form(browser, page, "/account/sessions/end", session_id="x")
    assert malformed.response.status_code == 422
    assert (await send_form(browser, page, SESSIONS)).place == "/account/sessions?notice=sessions-ended"
    assert [(await who(one)).status_code for one in (browser, first, second)] == [200, 401, 401]
    assert SESSIONS not in {given.get("action") for given in (await open_page(browser, SESSIONS)).named("form")}


async def test_a_session_of_somebody_else_is_not_ended(browser: Client, other: Client, email: str) -> None:
    del email
    await sign_up(other)
    theirs = (await other.get("/api/v1/auth/sessions")).json()["items"][0]["id"]
    page = await open_page(browser, SESSIONS)
    token = page.forms["/sign-out"]["form_token"]
    data = {"form_token": token, "session_id": theirs}
    assert (await browser.post("/account/sessions/end", data=data)).status_code == 404
    assert (await who(other)).status_code == 200


async def test_an_authenticator_app_is_set_up_and_switched_off(visit: Visit, browser: Client, email: str) -> None:
    app = f"{FACTORS}/app"
    shown = (await submit(browser, app)).page
    assert shown.response.status_code == 200
    assert "<svg" in shown.response.text
    key = shown.response.text.partition('<code class="key">')[2].partition("</code>")[0].replace(" ", "")
    wrong = await send_form(browser, shown, f"{app}/confirm", code="000000")
    assert (wrong.response.status_code, wrong.page.fault("code") != "") == (403, True)
    # What the first page showed is not shown again.
    assert key not in wrong.response.text.replace(" ", "")
    # The code of the step before leaves the present one for later, unless the step ends on the way.
    with clock.travel(to=clock.now(), frozen=True):
        confirmed = await send_form(browser, wrong.page, f"{app}/confirm", code=code(key, steps=-1))
    assert confirmed.response.status_code == 200
    assert len(confirmed.page.named("li")) >= 10
    assert "recovery codes are left" in (await open_page(browser, FACTORS)).text
    assert (await login(visit(), email)).json()["mfa_required"] is True

    refused = await submit(browser, f"{FACTORS}/recovery-codes", code="1234567")
    assert (refused.response.status_code, refused.page.fault("code") != "") == (403, True)
    renewed = await submit(browser, f"{FACTORS}/recovery-codes", code=code(key))
    codes = [part.partition("</code>")[0] for part in renewed.response.text.split("<li><code>")[1:]]
    assert len(codes) == 10
    again = await submit(browser, app)
    assert again.response.status_code == 409

    off = await submit(browser, f"{FACTORS}/disable", code=codes[0])
    assert off.place == "/account/factors?notice=factor-off"
    assert (await login(visit(), email)).json()["mfa_required"] is False


async def test_whoever_signed_in_a_while_ago_confirms_who_they_are(browser: Client, email: str) -> None:
    del email
    app = f"{FACTORS}/app"
    page = await open_page(browser, app)
    with clock.travel(to=clock.now() + timedelta(minutes=16)):
        led = await browser.get(app, headers=AS_BROWSERS)
        assert (led.status_code, led.headers["location"]) == (303, "/account/confirm?next=%2Faccount%2Ffactors%2Fapp")
        # Also who had opened the page before.
        assert (await send_form(browser, page, app)).place == led.headers["location"]
        assert refusal(await browser.get(app)) == (403, "recent_sign_in_required")
        wrong = await submit(browser, led.headers["location"], password="Guess-1")
        assert (wrong.response.status_code, "does not prove" in wrong.page.text) == (403, True)
        empty = await send_form(browser, wrong.page, CONFIRM, password="")
        assert (empty.response.status_code, empty.page.fault("password")) == (422, "Fill this in.")
        assert (await send_form(browser, wrong.page, CONFIRM, password=PASSWORD)).place == app
        assert (await submit(browser, app)).response.status_code == 200
        evil = await submit(browser, f"{CONFIRM}?next=//evil.test", password=PASSWORD)
        assert evil.place == "/workspace-selector"


async def test_a_code_confirms_as_well(browser: Client, email: str) -> None:
    del email
    secret, _ = await enable(browser)
    with clock.travel(to=clock.now() + timedelta(minutes=16)):
        sent = await submit(browser, f"{CONFIRM}?next=/account/factors/disable&by=code", code=code(secret))
        assert sent.place == "/account/factors/disable"
        await open_page(browser, sent.place)


async def test_a_passkey_is_deleted(browser: Client, other: Client, email: str, runtime: Runtime) -> None:
    del email
    user_id, passkey_id = (await who(browser)).json()["id"], new_id()
    values: dict[str, Any] = {
        "id": passkey_id,
        "user_id": user_id,
        "name": "Blue <key>",
        "credential_id": passkey_id.bytes,
        "public_key": b"",
        "sign_count": 0,
        "transports": [],
        "is_backed_up": False,
    }
    async with runtime.database.unit() as unit:
        await insert_row(unit, passkeys, values)
    path = f"{FACTORS}/passkeys/{passkey_id}/delete"
    assert path in {given.get("href") for given in (await open_page(browser, FACTORS)).named("a")}
    await sign_up(other)
    stranger = await open_page(other, path, status=404)
    assert "Blue" not in stranger.response.text
    token = (await open_page(other, ACCOUNT)).forms["/sign-out"]["form_token"]
    assert (await other.post(path, data={"form_token": token})).status_code == 404
    page = await open_page(browser, path)
    assert "Blue <key>" in page.text
    assert (await send_form(browser, page, path)).place == "/account/factors?notice=passkey-deleted"
    assert (await browser.get("/api/v1/auth/me/factors")).json()["passkeys"] == []


async def test_adding_a_passkey_is_left_to_the_script(browser: Client, email: str) -> None:
    del email
    page = await open_page(browser, f"{FACTORS}/passkeys/new")
    policy = page.response.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "connect-src 'self'" in policy
    (script,) = page.named("script")
    assert script["type"] == "module"
    assert script["src"] is not None
    assert (await browser.get(script["src"])).status_code == 200
    (form,) = [given for given in page.named("form") if "data-passkey" in given]
    # Without scripts there is nothing to send.
    assert "hidden" in form
