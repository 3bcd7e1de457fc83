"""The pages about workspaces: choosing one, its first page, accepting an invitation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from fostr.domains.workspaces.public import add_member
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.identity.people import PASSWORD, login, new_email, sign_up, who
from tests.support.cast import Cast, Person
from tests.support.client import BASE, Client, new_host, refusal
from tests.support.forms import AS_BROWSERS, FROM_OUR_PAGE, Sent, open_page, send_form, submit
from tests.support.mail import link_of
from tests.support.mailing import Mailing
from tests.support.records import create_recordset, grant
from tests.workspaces.sessions import signed_in

HOME = "/workspace-selector"
ACCEPT = "/accept-invitation"
UNSENT = "This server sends no mail"


@pytest.fixture
async def browser(app: FastAPI, client: Client) -> AsyncIterator[Client]:
    """A client that keeps its cookies, at an address of its own."""
    transport = httpx2.ASGITransport(app=app, client=new_host())
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as inner:
        yield Client(inner, client.checker, {})


async def enter(client: Client, runtime: Runtime, person: Person) -> Client:
    """Return a browser of somebody, in their workspace."""
    browser = await signed_in(client, runtime, person)
    return Client(client.inner, client.checker, {"Cookie": browser.headers["Cookie"]})


async def slug_of(client: Client, person: Person) -> str:
    response = await client.as_(person).get(f"/api/v1/workspaces/{person.workspace_id}")
    return response.json()["slug"]


async def test_somebody_chooses_among_their_workspaces(browser: Client, cast: Cast, runtime: Runtime) -> None:
    made = await sign_up(browser, company_name="Zeta <Works>")
    user_id = made["user"]["id"]
    async with runtime.database.unit(cast.acme) as unit:
        await add_member(unit, workspace_id=cast.acme, user_id=user_id, role="viewer")
    page = await open_page(browser, HOME)
    assert page.text.index("Acme") < page.text.index("Zeta <Works>")
    assert "viewer" in page.text
    assert "Globex" not in page.text
    sent = await send_form(browser, page, HOME, workspace_id=str(cast.acme))
    assert sent.place == f"/w/{await slug_of(browser, cast.owner)}"
    assert "Acme" in (await open_page(browser, sent.place)).text
    # From now on the session means this workspace.
    assert (await browser.get("/api/v1/members/me")).json()["role"] == "viewer"


async def test_a_page_that_several_guards_look_at_takes_one_connection(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    browser, slug = await enter(client, runtime, cast.owner), await slug_of(client, cast.owner)
    pool = runtime.database.pool
    for place in (HOME, f"/w/{slug}", f"/w/{slug}x", "/account"):
        out = pool.get_size() - pool.get_idle_size()
        await browser.get(place)
        assert pool.get_size() - pool.get_idle_size() == out, place


async def test_a_workspace_of_others_is_not_entered(browser: Client, cast: Cast) -> None:
    await sign_up(browser)
    before = (await browser.get("/api/v1/members/me")).json()["id"]
    page = await open_page(browser, HOME)
    for given, status in ((str(cast.acme), 404), (str(new_id()), 404), ("x", 422), ("", 422)):
        sent = await send_form(browser, page, HOME, workspace_id=given)
        assert sent.response.status_code == status
        assert "Acme" not in sent.page.text
    foreign = await browser.post(HOME, data=page.forms[HOME], headers={"Origin": "https://evil.test"})
    assert refusal(foreign) == (403, "cross_site_request")
    forged = await browser.post(HOME, data={**page.forms[HOME], "form_token": "a.b"}, headers={"Origin": BASE})
    assert refusal(forged) == (403, "form_token_invalid")
    assert (await browser.get("/api/v1/members/me")).json()["id"] == before


async def test_somebody_without_a_workspace_makes_one(browser: Client) -> None:
    body = {"email": new_email(), "password": PASSWORD, "full_name": "Ada"}
    assert (await browser.post("/api/v1/auth/register", json=body)).status_code == 201
    await login(browser, body["email"])
    assert "You are in no workspace yet" in (await open_page(browser, HOME)).text
    refused = await submit(browser, f"{HOME}/new", name=" ")
    assert (refused.response.status_code, refused.page.fault("name")) == (422, "Fill this in.")
    sent = await submit(browser, f"{HOME}/new", name="Harbour & Sons")
    assert sent.place.startswith("/w/harbour-sons")
    home = await open_page(browser, sent.place)
    assert "Harbour & Sons" in home.text
    assert "1 member · you are owner" in home.text
    assert (await browser.get("/api/v1/members/me")).json()["role"] == "owner"


async def test_a_logo_is_shown_if_it_is_kept_here(client: Client, cast: Cast, runtime: Runtime) -> None:
    path = f"/api/v1/workspaces/{cast.acme}"
    owner = await enter(client, runtime, cast.owner)
    for address, shown in ((f"{BASE}/api/v1/files/pictures/x/y", 1), ("https://tracker.test/x.png", 0)):
        assert (await client.as_(cast.owner).patch(path, json={"logo_url": address})).status_code == 200
        for page in (HOME, f"/w/{await slug_of(client, cast.owner)}"):
            assert len((await open_page(owner, page)).named("img")) == shown


async def test_the_first_page_shows_what_its_reader_may_know(client: Client, cast: Cast, runtime: Runtime) -> None:
    admin = client.as_(cast.admin)
    shared = await create_recordset(admin, name="Soundings <deep>", fields=[{"name": "Name", "type": "text"}])
    await create_recordset(admin, name="Salaries", fields=[{"name": "Name", "type": "text"}])
    path = f"/w/{await slug_of(client, cast.owner)}"
    assert "There are none that you may see." in (await open_page(await enter(client, runtime, cast.viewer), path)).text
    await grant(admin, shared, cast.viewer, "can_view")
    email = new_email("grace")
    invited = await admin.post(f"/api/v1/workspaces/{cast.acme}/invite", json={"email": email, "role": "viewer"})
    assert invited.status_code == 201

    seen = (await open_page(await enter(client, runtime, cast.owner), path)).text
    for part in ("4 members · you are owner", "Soundings <deep>", "Salaries", email, UNSENT):
        assert part in seen
    seen = (await open_page(await enter(client, runtime, cast.viewer), path)).text
    assert ("Soundings <deep>" in seen, "Salaries" in seen) == (True, False)
    assert ("Invitations" in seen, email in seen) == (False, False)

    off = await client.as_(cast.owner).post("/api/v1/modules/records/toggle")
    assert off.json()["is_enabled"] is False
    assert "Recordsets" not in (await open_page(await enter(client, runtime, cast.owner), path)).text


async def test_where_mail_is_sent_nobody_is_asked_to_hand_links_on(mailing: Mailing, cast: Cast) -> None:
    email = new_email("grace")
    await invite(mailing, cast, email, role="viewer")
    owner = await enter(mailing.client, mailing.runtime, cast.owner)
    seen = (await open_page(owner, f"/w/{await slug_of(mailing.client, cast.owner)}")).text
    assert (email in seen, UNSENT in seen) == (True, False)


async def test_whoever_acts_in_somebodys_name_is_told_so(client: Client, cast: Cast, runtime: Runtime) -> None:
    acting = await signed_in(client, runtime, cast.member, acting=cast.admin)
    acting = Client(acting.inner, acting.checker, {"Cookie": acting.headers["Cookie"]})
    page = await open_page(acting, HOME)
    assert "You are acting in the name of Member Example" in page.text
    assert "acting in the name" not in (await open_page(await enter(client, runtime, cast.member), HOME)).text
    # What is the person's alone stays so.
    for path in ("/account/password", "/account/factors/app", "/account/confirm"):
        assert "for the person alone" in (await open_page(acting, path, status=403)).text


async def test_a_stranger_is_told_the_same_of_what_is_there_and_what_is_not(
    client: Client, cast: Cast, runtime: Runtime
) -> None:
    stranger = await enter(client, runtime, cast.stranger)
    for path in (f"/w/{await slug_of(client, cast.owner)}", "/w/nowhere-at-all"):
        page = await open_page(stranger, path, status=404)
        assert "Acme" not in page.text
        assert refusal(await stranger.get(path)) == (404, "not_found")
        assert refusal(await client.get(path)) == (401, "unauthorized")
        led = await client.get(path, headers=AS_BROWSERS)
        assert led.status_code == 303
        assert led.headers["location"].startswith("/sign-in?next=%2Fw%2F")


async def invite(mailing: Mailing, cast: Cast, email: str, **fields: Any) -> str:
    """Invite somebody, and return where the link of the mail leads."""
    invited = await mailing.client.as_(cast.admin).post(
        f"/api/v1/workspaces/{cast.acme}/invite", json={"email": email, **fields}
    )
    assert invited.status_code == 201, invited.text
    link = link_of(await mailing.mail_to(email))
    assert link.startswith(f"{BASE}{ACCEPT}?token=")
    return link.removeprefix(BASE)


async def test_somebody_without_an_account_accepts(mailing: Mailing, cast: Cast) -> None:
    client, email = mailing.client, new_email("grace")
    path = await invite(mailing, cast, email, role="viewer")
    page = await open_page(client, path)
    for part in ("Admin Example invites you to Acme", "viewer", email, "Choose a password"):
        assert part in page.text
    assert page.response.headers["referrer-policy"] == "same-origin"
    missing = await send_form(client, page, ACCEPT, password="")
    assert (missing.response.status_code, missing.page.fault("password") != "") == (422, True)
    weak = await send_form(client, missing.page, ACCEPT, full_name="Grace Hopper", password="password1")
    assert (weak.response.status_code, weak.page.field("full_name")["value"]) == (422, "Grace Hopper")
    assert "tried first" in weak.page.fault("password")
    sent = await send_form(client, weak.page, ACCEPT, full_name="Grace Hopper", password=PASSWORD)
    assert sent.place == "/sign-in?notice=joined"
    assert refusal(await who(client)) == (401, "unauthorized")
    entered = await submit(client, sent.place, email=email, password=PASSWORD)
    assert "Acme" in (await open_page(client, entered.place)).text
    over = await open_page(client, path, status=404)
    assert "not valid any more" in over.text
    assert ACCEPT not in over.forms


async def test_somebody_with_an_account_accepts(mailing: Mailing, cast: Cast, runtime: Runtime) -> None:
    client, email = mailing.client, new_email("ada")
    await sign_up(client, email=email)
    async with runtime.database.unit() as unit:
        await unit.run("update users set email_verified_at = now() where email = :email", email=email)
    page = await open_page(client, await invite(mailing, cast, email))
    assert "password" not in page.forms[ACCEPT]
    assert (await send_form(client, page, ACCEPT)).place == HOME
    assert "Acme" in (await open_page(client, HOME)).text


async def test_somebody_else_is_told_whose_invitation_it_is(mailing: Mailing, cast: Cast) -> None:
    client, email = mailing.client, new_email("grace")
    own = (await sign_up(client))["user"]["email"]
    page = await open_page(client, await invite(mailing, cast, email))
    assert f"You are signed in as {own}. The invitation is for {email}" in page.text
    assert (await send_form(client, page, ACCEPT, password=PASSWORD)).place == "/sign-in?notice=joined"
    assert "Acme" not in (await open_page(client, HOME)).text


async def test_of_parallel_acceptances_one_counts(mailing: Mailing, cast: Cast) -> None:
    client, email = mailing.client, new_email("grace")
    page = await open_page(client, await invite(mailing, cast, email))
    sent: list[Sent] = await asyncio.gather(
        *(send_form(client, page, ACCEPT, password=f"{PASSWORD}-{n}") for n in range(4))
    )
    statuses = sorted(one.response.status_code for one in sent)
    assert statuses[0] == 303
    assert set(statuses[1:]) <= {404, 409}


async def test_other_sites_accept_nothing(mailing: Mailing, cast: Cast, browser: Client) -> None:
    client, email = mailing.client, new_email("grace")
    page = await open_page(client, await invite(mailing, cast, email))
    data = {**page.forms[ACCEPT], "password": PASSWORD}
    refused = await client.post(ACCEPT, data=data, headers={"Origin": "https://evil.test"})
    assert refusal(refused) == (403, "cross_site_request")
    # Somebody else's browser with the token of this one's page.
    refused = await browser.post(ACCEPT, data=data, headers={"Origin": BASE})
    assert refusal(refused) == (403, "form_token_invalid")
    assert refusal(await login(client, email)) == (401, "invalid_credentials")
    assert (await client.post(ACCEPT, data=data, headers=FROM_OUR_PAGE)).status_code == 303


@pytest.mark.parametrize("token", ["", "x", "fos_lnk_" + "0" * 49])
async def test_what_is_no_invitation_is_refused_alike(browser: Client, token: str) -> None:
    page = await open_page(browser, f"{ACCEPT}?token={token}", status=404)
    assert "This invitation is not valid any more" in page.text
    form_token = (await open_page(browser, "/sign-in")).forms["/sign-in"]["form_token"]
    data = {"form_token": form_token, "token": token, "password": PASSWORD}
    sent = await browser.post(ACCEPT, data=data, headers=FROM_OUR_PAGE)
    assert sent.status_code == 404
