"""Making an account by the page: whoever does it is not told who has one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fostr.domains.identity.accounts.rules import REGISTRATIONS
from fostr.domains.identity.pages.signing_up.rules import LETTERS
from fostr.kernel import clock
from fostr.kernel.limits.limit import check_limit
from fostr.kernel.runtime import Runtime
from tests.identity.conftest import Visit
from tests.identity.letters import last_letter, letters_to
from tests.identity.people import COOKIE, PASSWORD, login, new_email, sign_up, who
from tests.support.client import new_host, refusal
from tests.support.forms import Sent, open_page, send_form, submit

SIGN_UP = "/sign-up"
NOTICE = "/sign-in?notice=signed-up"


async def ask(visit: Visit, email: str, **fields: str) -> Sent:
    given = {"full_name": "Ada Lovelace", "password": PASSWORD, "company_name": "Analytical Engines"}
    return await submit(visit(), SIGN_UP, **given | {"email": email} | fields)


async def test_an_account_with_a_workspace_is_made(visit: Visit, runtime: Runtime) -> None:
    email, browser = new_email(), visit()
    assert (await ask(visit, email)).place == NOTICE
    said = await open_page(browser, NOTICE)
    # Nothing pretends to have been sent where there is no mail server.
    assert "This server sends no mail yet" in said.text
    entered = await send_form(browser, said, "/sign-in", email=email, password=PASSWORD)
    assert entered.place == "/workspace-selector"
    assert (await who(browser)).json()["full_name"] == "Ada Lovelace"
    assert "Analytical Engines" in (await open_page(browser, "/workspace-selector")).text
    assert (await last_letter(runtime, email, "activation")).token


async def test_an_address_that_is_known_gets_the_same_answer_and_its_owner_a_mail(
    visit: Visit, runtime: Runtime
) -> None:
    known, unknown = new_email(), new_email("new")
    made = await sign_up(visit(), email=known)
    await letters_to(runtime, known)
    answers = [(await ask(visit, email, password="Somebody-elses-7")).response for email in (known, unknown)]
    assert {(answer.status_code, answer.headers["location"], answer.content) for answer in answers} == {
        (303, NOTICE, b"")
    }
    assert [COOKIE in answer.headers.get("set-cookie", "") for answer in answers] == [False, False]
    assert {frozenset(answer.headers) for answer in answers} == {frozenset(answers[0].headers)}
    letter = await last_letter(runtime, known, "account_known")
    assert letter.subject == "You have an account already"
    assert "/forgot-password" in letter.text
    assert "account_known" not in {one.template for one in await letters_to(runtime, unknown)}
    # The account is as it was.
    assert refusal(await login(visit(), known, password="Somebody-elses-7")) == (401, "invalid_credentials")
    assert (await login(visit(), known)).json()["user"]["id"] == made["user"]["id"]


async def test_a_mailbox_is_not_flooded(visit: Visit, runtime: Runtime) -> None:
    email = new_email()
    await sign_up(visit(), email=email)
    for _ in range(LETTERS.most + 2):
        assert (await ask(visit, email)).place == NOTICE
    written = [one.template for one in await letters_to(runtime, email)]
    assert written.count("account_known") == LETTERS.most
    with clock.travel(to=clock.now() + timedelta(hours=25)):
        await ask(visit, email)
        assert [one.template for one in await letters_to(runtime, email)].count("account_known") == LETTERS.most + 1


async def test_what_is_wrong_is_said_beside_its_field_and_the_rest_is_kept(visit: Visit) -> None:
    email = new_email()
    sent = await ask(visit, email, password="P@ssw0rd1!", full_name="<i>Ada</i>")
    page = sent.page
    assert sent.response.status_code == 422
    assert "tried first" in page.fault("password")
    assert (page.fault("email"), page.fault("company_name")) == ("", "")
    assert page.field("email")["value"] == email
    assert page.field("full_name")["value"] == "<i>Ada</i>"
    assert "<i>" not in sent.response.text
    assert "P@ssw0rd1!" not in sent.response.text
    assert "Error: " in page.text
    assert refusal(await login(visit(), email, password="P@ssw0rd1!")) == (401, "invalid_credentials")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("email", "ada@", "must"),
        ("email", "", "Fill this in."),
        ("company_name", " ", "Fill this in."),
        ("company_name", "x" * 201, "at most 200"),
        ("password", "", "Fill this in."),
    ],
)
async def test_each_field_is_checked(visit: Visit, name: str, value: str, said: str) -> None:
    sent = await ask(visit, **{"email": new_email(), name: value})
    assert sent.response.status_code == 422
    assert said in sent.page.fault(name)


async def test_accounts_are_not_made_in_series(visit: Visit, runtime: Runtime) -> None:
    address, _ = new_host()
    browser = visit(address)
    page = await open_page(browser, SIGN_UP)
    for _ in range(REGISTRATIONS.most):
        await check_limit(runtime.database, REGISTRATIONS, subject=address)
    fields = {"email": new_email(), "password": PASSWORD, "company_name": "Engines"}
    sent = await send_form(browser, page, SIGN_UP, **fields)
    assert sent.response.status_code == 429
    assert sent.page.field("company_name")["value"] == "Engines"


async def test_another_site_makes_no_account(visit: Visit) -> None:
    browser, email = visit(), new_email()
    page = await open_page(browser, SIGN_UP)
    data = {**page.forms[SIGN_UP], "email": email, "password": PASSWORD, "company_name": "Engines"}
    refused = await browser.post(SIGN_UP, data=data, headers={"Origin": "https://evil.test"})
    assert refusal(refused) == (403, "cross_site_request")
    refused = await visit().post(SIGN_UP, data=data, headers={"Origin": "http://fostr.test"})
    assert refusal(refused) == (403, "form_token_invalid")
    assert refusal(await login(visit(), email)) == (401, "invalid_credentials")
