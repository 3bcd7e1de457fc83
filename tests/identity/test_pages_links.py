"""Where the links of mails lead: setting a new password, activating an account."""

from __future__ import annotations

from datetime import timedelta

from fostr.domains.identity.public import create_account, request_activation
from fostr.kernel import clock
from fostr.kernel.runtime import Runtime
from tests.identity.conftest import Visit
from tests.identity.letters import Letter, last_letter, letters_to
from tests.identity.people import login, new_email, sign_up, who
from tests.identity.test_second_factor import code, enable
from tests.support.client import BASE, refusal
from tests.support.forms import open_page, send_form, submit

FORGOTTEN = "/forgot-password"
RESET = "/reset-password"
ACTIVATE = "/activate"
AGAIN = "/activate/again"
NEW = "Note-G-Bernoulli-7"


def path_of(letter: Letter) -> str:
    """Return where a letter's link leads, as a browser that followed it asks for it."""
    assert letter.link.startswith(BASE)
    return letter.link.removeprefix(BASE)


async def test_a_forgotten_password_is_replaced(visit: Visit, runtime: Runtime) -> None:
    email, browser = new_email(), visit()
    await sign_up(visit(), email=email)
    assert (await submit(browser, FORGOTTEN, email=email)).place == "/sign-in?notice=reset-asked"
    letter = await last_letter(runtime, email, "password_reset")
    sent = await submit(browser, path_of(letter), new_password=NEW)
    assert sent.place == "/sign-in?notice=password-set"
    assert (await submit(browser, sent.place, email=email, password=NEW)).place == "/workspace-selector"
    # The link is used up.
    again = await submit(visit(), path_of(letter), new_password="Another-one-77")
    assert again.response.status_code == 403
    assert "not valid any more" in again.page.text


async def test_asking_for_a_link_tells_nothing(visit: Visit, runtime: Runtime) -> None:
    known, unknown = new_email(), new_email("nobody")
    await sign_up(visit(), email=known)
    answers = [(await submit(visit(), FORGOTTEN, email=email)).response for email in (known, unknown)]
    assert {(answer.status_code, answer.headers["location"]) for answer in answers} == {
        (303, "/sign-in?notice=reset-asked")
    }
    assert await letters_to(runtime, unknown) == []


async def test_asking_is_throttled(visit: Visit) -> None:
    browser = visit()
    page = await open_page(browser, FORGOTTEN)
    email = new_email("nobody")
    statuses = [(await send_form(browser, page, FORGOTTEN, email=email)).response.status_code for _ in range(6)]
    assert statuses == [303] * 5 + [429]


async def test_a_weak_password_leaves_the_link_good(visit: Visit, runtime: Runtime) -> None:
    email, browser = new_email(), visit()
    await sign_up(visit(), email=email)
    await submit(browser, FORGOTTEN, email=email)
    letter = await last_letter(runtime, email, "password_reset")
    refused = await submit(browser, path_of(letter), new_password="P@ssw0rd1!")
    assert refused.response.status_code == 422
    assert "tried first" in refused.page.fault("new_password")
    # The page that is shown again can be sent as it stands.
    assert (await send_form(browser, refused.page, RESET, new_password=NEW)).place == "/sign-in?notice=password-set"


async def test_a_page_behind_a_link_keeps_it_to_itself(visit: Visit, runtime: Runtime) -> None:
    email = new_email()
    await sign_up(visit(), email=email)
    await submit(visit(), FORGOTTEN, email=email)
    for template in ("password_reset", "activation"):
        page = await open_page(visit(), path_of(await last_letter(runtime, email, template)))
        assert page.response.headers["referrer-policy"] == "same-origin"
        assert page.response.headers["cache-control"] == "no-store"
        addresses = {given.get(name) for _, given in page.elements for name in ("src", "href", "action")}
        assert all(address is None or address.startswith(("/", "#")) for address in addresses)


async def test_an_account_that_was_made_for_somebody_is_activated(visit: Visit, runtime: Runtime) -> None:
    email, browser = new_email("grace"), visit()
    async with runtime.database.unit() as unit:
        user = await create_account(unit, email=email, full_name="Grace")
        await request_activation(unit, user_id=user.id)
    letter = await last_letter(runtime, email, "activation")
    page = await open_page(browser, path_of(letter))
    assert "Choose your password" in page.text
    assert page.field("full_name")["value"] == "Grace"
    refused = await send_form(browser, page, ACTIVATE, password="")
    assert (refused.response.status_code, refused.page.fault("password") != "") == (422, True)
    weak = await send_form(browser, page, ACTIVATE, password="Grace-1")
    assert (weak.response.status_code, weak.page.fault("password") != "") == (422, True)
    sent = await send_form(browser, weak.page, ACTIVATE, full_name="Grace Hopper", password=NEW)
    assert sent.place == "/workspace-selector"
    found = (await who(browser)).json()
    assert (found["full_name"], found["email_verified_at"] is not None) == ("Grace Hopper", True)
    assert (await login(visit(), email, password=NEW)).status_code == 200


async def test_an_address_is_confirmed_by_one_click(visit: Visit, runtime: Runtime) -> None:
    email, browser = new_email(), visit()
    await sign_up(visit(), email=email)
    letter = await last_letter(runtime, email, "activation")
    assert "workspace_id=" in letter.link
    page = await open_page(browser, path_of(letter))
    assert (email in page.text, "Analytical Engines" in page.text) == (True, True)
    assert "password" not in page.forms[ACTIVATE]
    assert (await send_form(browser, page, ACTIVATE)).place == "/workspace-selector"
    assert (await who(browser)).json()["email_verified_at"] is not None
    # Looking at the page had not used the link up; sending the form has.
    over = await open_page(visit(), path_of(letter), status=403)
    assert "not valid any more" in over.text


async def test_activation_asks_for_the_second_factor(visit: Visit, runtime: Runtime) -> None:
    email, owner, browser = new_email(), visit(), visit()
    await sign_up(owner, email=email)
    secret, _ = await enable(owner)
    sent = await submit(browser, path_of(await last_letter(runtime, email, "activation")))
    assert sent.place.startswith("/sign-in/code")
    assert refusal(await who(browser)) == (401, "unauthorized")
    assert (await submit(browser, sent.place, code=code(secret))).place == "/workspace-selector"


async def test_a_link_that_is_over_leads_to_a_new_one(visit: Visit, runtime: Runtime) -> None:
    email, browser = new_email(), visit()
    await sign_up(visit(), email=email)
    letter = await last_letter(runtime, email, "activation")
    shown = await open_page(browser, path_of(letter))
    with clock.travel(to=clock.now() + timedelta(days=8)):
        page = await open_page(browser, path_of(letter), status=403)
        late = await send_form(browser, shown, ACTIVATE)
        assert (late.response.status_code, AGAIN in late.page.forms) == (403, True)
        sent = await send_form(browser, page, AGAIN, email=email)
        assert sent.place == "/sign-in?notice=activation-asked"
        new = await last_letter(runtime, email, "activation")
        assert new.link != letter.link
        assert (await open_page(browser, path_of(new))).forms[ACTIVATE]["token"] == new.token


async def test_what_is_no_link_is_refused(visit: Visit) -> None:
    for path in (ACTIVATE, f"{ACTIVATE}?token=x", f"{ACTIVATE}?token=fos_lnk_{'0' * 49}"):
        await open_page(visit(), path, status=403)
    sent = await submit(visit(), f"{RESET}?token=x", new_password=NEW)
    assert sent.response.status_code == 403
    cut = await open_page(visit(), RESET)
    assert ("not complete" in cut.text, RESET in cut.forms) == (True, False)
    browser = visit()
    page = await open_page(browser, AGAIN)
    token = page.forms[AGAIN]["form_token"]
    for fields in ({"token": "x"}, {"workspace_id": "x"}, {}):
        response = await browser.post(ACTIVATE, data={"form_token": token, **fields})
        assert response.status_code in {403, 422}
        assert AGAIN in response.text


async def test_other_sites_do_nothing_by_a_link(visit: Visit, runtime: Runtime) -> None:
    email, browser = new_email(), visit()
    await sign_up(visit(), email=email)
    letter = await last_letter(runtime, email, "activation")
    page = await open_page(browser, path_of(letter))
    refused = await browser.post(ACTIVATE, data=page.forms[ACTIVATE], headers={"Origin": "https://evil.test"})
    assert refusal(refused) == (403, "cross_site_request")
    refused = await visit().post(ACTIVATE, data=page.forms[ACTIVATE])
    assert refusal(refused) == (403, "form_token_invalid")
    assert (await send_form(browser, page, ACTIVATE)).place == "/workspace-selector"
