"""The outbox as administrators see it, and as nobody else does."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from fostr.app import create_app
from fostr.kernel.ids import new_id
from fostr.kernel.jobs.worker import drain
from fostr.kernel.runtime import Runtime
from tests.identity.people import sign_up
from tests.kernel.mail.writing import LINK, new_address, read, write
from tests.support.cast import Cast, create_token
from tests.support.client import BASE, Client, new_host, refusal
from tests.support.mail import Mailbox, serve_mail, with_mail


@pytest.fixture
async def browser(app: FastAPI, client: Client) -> AsyncIterator[Client]:
    """A client that keeps its cookies."""
    async with open_browser(app, client) as inner:
        yield Client(inner, client.checker, {})


def open_browser(app: FastAPI, client: Client) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=app, client=new_host())
    return httpx2.AsyncClient(transport=transport, base_url=BASE)


async def sign_in_superuser(browser: Client, runtime: Runtime) -> dict[str, Any]:
    made = await sign_up(browser)
    async with runtime.database.unit() as unit:
        await unit.run("update users set is_superuser = true where id = :id", id=made["user"]["id"])
    return made


async def test_a_superuser_reads_what_was_kept(browser: Client, runtime: Runtime) -> None:
    to = new_address()
    mail_id = await write(runtime, to, values={"place": "<b>bold</b>"})
    await sign_in_superuser(browser, runtime)

    listed = await browser.get("/outbox")
    assert listed.status_code == 200
    assert "not sent" in listed.text
    assert f'href="/outbox/{mail_id}"' in listed.text
    assert to in listed.text
    assert "&lt;b&gt;bold&lt;/b&gt;" in listed.text
    assert "<b>bold" not in listed.text

    shown = await browser.get(f"/outbox/{mail_id}")
    assert shown.status_code == 200
    assert LINK in shown.text
    assert f'<iframe class="letter" src="/outbox/{mail_id}/body" sandbox=""' in shown.text
    assert "<form" not in shown.text
    assert shown.headers["cache-control"] == "no-store"
    assert "script-src" not in shown.headers["content-security-policy"]
    assert "default-src 'none'" in shown.headers["content-security-policy"]


async def test_who_may_read_it_finds_the_way_there(browser: Client, runtime: Runtime) -> None:
    made = await sign_up(browser)
    place = 'href="/outbox"'
    assert place not in (await browser.get("/account")).text
    async with runtime.database.unit() as unit:
        await unit.run("update users set is_superuser = true where id = :id", id=made["user"]["id"])
    assert place in (await browser.get("/account")).text
    for way_back in ('href="/workspace-selector"', 'href="/account"'):
        assert way_back in (await browser.get("/outbox")).text


async def test_the_frame_lets_nothing_run_load_or_lead_away(browser: Client, runtime: Runtime) -> None:
    mail_id = await write(runtime, new_address(), values={"place": "<script>alert(1)</script>"})
    await sign_in_superuser(browser, runtime)
    letter = await browser.get(f"/outbox/{mail_id}/body")
    assert letter.status_code == 200
    assert "<script" not in letter.text
    assert f'href="{LINK}"' in letter.text
    policy = letter.headers["content-security-policy"]
    assert re.findall(r"(\S+-src|sandbox|frame-ancestors)\b", policy) == [
        "default-src",
        "style-src",
        "frame-ancestors",
        "sandbox",
    ]
    assert "default-src 'none'" in policy
    assert policy.rstrip().endswith("sandbox")
    assert letter.headers["x-frame-options"] == "SAMEORIGIN"
    assert letter.headers["referrer-policy"] == "no-referrer"


async def test_to_others_there_is_no_outbox(browser: Client, client: Client, runtime: Runtime, cast: Cast) -> None:
    mail_id = await write(runtime, new_address())
    made = await sign_up(browser)
    token = await create_token(runtime, made["user"]["id"])
    paths = [("GET", "/outbox"), ("GET", f"/outbox/{mail_id}"), ("GET", f"/outbox/{mail_id}/body")]
    paths.append(("POST", f"/outbox/{mail_id}/send"))
    for method, path in paths:
        assert refusal(await browser.request(method, path)) == (404, "not_found"), path
        assert refusal(await client.as_(cast.owner).request(method, path)) == (404, "not_found"), path
        assert refusal(await client.anonymous().request(method, path)) == (401, "unauthorized"), path
    async with runtime.database.unit() as unit:
        await unit.run("update users set is_superuser = true where id = :id", id=made["user"]["id"])
    # Nor to a token of somebody who does administer the server.
    for method, path in paths:
        assert refusal(await client.with_token(token).request(method, path)) == (404, "not_found"), path
    assert (await browser.get("/outbox")).status_code == 200


async def test_who_acts_in_a_superusers_name_sees_nothing(browser: Client, runtime: Runtime, cast: Cast) -> None:
    made = await sign_in_superuser(browser, runtime)
    async with runtime.database.unit() as unit:
        await unit.run(
            "update sessions set acting_user_id = :acting where user_id = :id",
            id=made["user"]["id"],
            acting=cast.stranger.user_id,
        )
    assert refusal(await browser.get("/outbox")) == (404, "not_found")


async def test_a_mail_that_is_not_there(browser: Client, runtime: Runtime) -> None:
    await sign_in_superuser(browser, runtime)
    for path in (f"/outbox/{new_id()}", f"/outbox/{new_id()}/body"):
        assert refusal(await browser.get(path)) == (404, "mail_not_found")


async def test_sending_takes_a_server(browser: Client, runtime: Runtime) -> None:
    mail_id = await write(runtime, new_address())
    await sign_in_superuser(browser, runtime)
    response = await browser.post(f"/outbox/{mail_id}/send", headers={"Origin": BASE})
    assert refusal(response) == (503, "mail_not_configured")


async def test_what_failed_shows_its_error_and_is_sent_by_a_button(client: Client, runtime: Runtime) -> None:
    to = new_address()
    mailbox = Mailbox(answers={to: ["550 5.7.1 Not today"]})
    with serve_mail(mailbox) as port:
        sending = with_mail(runtime, f"smtp://127.0.0.1:{port}")
        app = create_app(sending.settings, runtime=sending, lazily=True)
        mail_id = await write(sending, to)
        await drain(sending)
        async with open_browser(app, client) as inner:
            browser = Client(inner, client.checker, {})
            await sign_in_superuser(browser, runtime)
            assert "550 5.7.1 Not today" in (await browser.get("/outbox")).text
            shown = (await browser.get(f"/outbox/{mail_id}")).text
            assert f'<form method="post" action="/outbox/{mail_id}/send">' in shown
            elsewhere = await browser.post(f"/outbox/{mail_id}/send", headers={"Origin": "https://evil.example"})
            assert refusal(elsewhere) == (403, "cross_site_request")
            again = await browser.post(f"/outbox/{mail_id}/send", headers={"Origin": BASE})
            assert (again.status_code, again.headers["location"]) == (303, f"/outbox/{mail_id}")
            await drain(sending)
            assert len(mailbox.to(to)) == 1
            sent = (await browser.get(f"/outbox/{mail_id}")).text
            assert "The text of this mail is deleted." in sent
            assert LINK not in sent
            assert refusal(await browser.get(f"/outbox/{mail_id}/body")) == (404, "mail_not_found")
            twice = await browser.post(f"/outbox/{mail_id}/send", headers={"Origin": BASE})
            assert refusal(twice) == (409, "mail_not_sendable")
    assert (await read(runtime, mail_id)).status == "sent"


async def test_the_list_has_pages(browser: Client, runtime: Runtime) -> None:
    for _ in range(52):
        await write(runtime, new_address())
    await sign_in_superuser(browser, runtime)
    first, second = await browser.get("/outbox"), await browser.get("/outbox", params={"page": 2})
    assert first.text.count("<tr>") == 51
    assert "/outbox?page=2" in first.text
    assert "/outbox?page=1" in second.text
    assert not set(re.findall(r"/outbox/([0-9a-f-]{36})", first.text)) & set(
        re.findall(r"/outbox/([0-9a-f-]{36})", second.text)
    )
    assert refusal(await browser.get("/outbox", params={"page": 0})) == (422, "validation_failed")
