"""The first administrator."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from datetime import timedelta
from typing import Any

import pytest

from fostr.domains.identity.public import ensure_setup_link
from fostr.kernel import clock
from fostr.kernel.crypto.tokens import mint_token
from fostr.kernel.runtime import Runtime
from tests.identity.conftest import Visit
from tests.identity.people import PASSWORD, login, new_email, who
from tests.support.client import Client, Response, refusal

INVALID = (403, "setup_link_invalid")


@pytest.fixture(autouse=True)
async def nobody_administers(runtime: Runtime) -> None:
    """Other tests may have made administrators in the same database."""
    async with runtime.database.unit() as unit:
        await unit.run("update users set is_superuser = false")


async def print_link(runtime: Runtime) -> str | None:
    return await ensure_setup_link(runtime.database, public_url="http://fostr.test")


async def token_of(runtime: Runtime) -> str:
    link = await print_link(runtime)
    assert link is not None
    address, _, token = link.partition("#token=")
    assert address == "http://fostr.test/setup"
    return token


async def set_up(client: Client, token: str, **fields: Any) -> Response:
    body = {
        "token": token,
        "email": new_email("first"),
        "password": PASSWORD,
        "full_name": "First",
        "company_name": "Home",
        **fields,
    }
    return await client.post("/api/v1/auth/setup", json=body)


async def test_the_link_makes_the_administrator_once(visit: Visit, runtime: Runtime) -> None:
    token, browser, email = await token_of(runtime), visit(), new_email("first")
    response = await set_up(browser, token, email=email)
    assert response.status_code == 201
    made = response.json()
    assert made["user"]["is_superuser"] is True
    assert (made["workspace"]["name"], made["workspace"]["role"]) == ("Home", "owner")
    assert (await who(browser)).json()["id"] == made["user"]["id"]
    assert (await login(visit(), email)).status_code == 200

    assert refusal(await set_up(visit(), token)) == INVALID
    assert await print_link(runtime) is None


async def test_of_many_at_once_one_is_made(visit: Visit, runtime: Runtime) -> None:
    token = await token_of(runtime)
    answers = await asyncio.gather(*(set_up(visit(), token) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201, *[403] * 9]


async def test_each_start_makes_a_new_link_and_voids_the_last(visit: Visit, runtime: Runtime) -> None:
    first = await token_of(runtime)
    second = await token_of(runtime)
    assert refusal(await set_up(visit(), first)) == INVALID
    assert (await set_up(visit(), second)).status_code == 201


async def test_the_link_ends_after_a_day(visit: Visit, runtime: Runtime) -> None:
    token = await token_of(runtime)
    with clock.travel(to=clock.now() + timedelta(hours=24, seconds=1)):
        assert refusal(await set_up(visit(), token)) == INVALID
    with clock.travel(to=clock.now() + timedelta(hours=23)):
        assert (await set_up(visit(), token)).status_code == 201


async def test_ordinary_people_do_not_take_the_place_of_the_administrator(visit: Visit, runtime: Runtime) -> None:
    await visit().post("/api/v1/auth/register", json={"email": new_email(), "password": PASSWORD, "full_name": "Early"})
    assert (await set_up(visit(), await token_of(runtime))).status_code == 201


async def test_an_administrator_who_came_another_way_voids_the_link(visit: Visit, runtime: Runtime) -> None:
    token, email = await token_of(runtime), new_email()
    await visit().post("/api/v1/auth/register", json={"email": email, "password": PASSWORD})
    async with runtime.database.unit() as unit:
        await unit.run("update users set is_superuser = true where email = :email", email=email)
    assert refusal(await set_up(visit(), token)) == INVALID


async def test_a_refused_attempt_leaves_the_link_good(visit: Visit, runtime: Runtime) -> None:
    token, taken = await token_of(runtime), new_email()
    await visit().post("/api/v1/auth/register", json={"email": taken, "password": PASSWORD})
    assert refusal(await set_up(visit(), token, password="weak")) == (422, "password_too_weak")
    assert refusal(await set_up(visit(), token, email=taken)) == (409, "email_taken")
    assert refusal(await set_up(visit(), token, company_name=" ")) == (422, "validation_failed")
    assert (await set_up(visit(), token)).status_code == 201


async def test_wrong_links_are_refused_and_throttled(visit: Visit, runtime: Runtime) -> None:
    token, guesser = await token_of(runtime), visit()
    for wrong in ("", "x", token[:-1], mint_token("fos_pat"), mint_token("fos_set")):
        assert refusal(await set_up(guesser, wrong)) == INVALID
    for _ in range(25):
        assert refusal(await set_up(guesser, mint_token("fos_set"))) == INVALID
    assert refusal(await set_up(guesser, token)) == (429, "setup_throttled")
    assert (await set_up(visit(), token)).status_code == 201


async def test_another_site_cannot_send_the_form(visit: Visit, runtime: Runtime) -> None:
    token = await token_of(runtime)
    response = await visit().post(
        "/api/v1/auth/setup",
        json={"token": token, "email": new_email(), "password": PASSWORD, "company_name": "Trap"},
        headers={"Origin": "https://elsewhere.example"},
    )
    assert refusal(response) == (403, "cross_site_request")


async def test_the_token_is_kept_as_a_digest(runtime: Runtime) -> None:
    token = await token_of(runtime)
    async with runtime.database.unit() as unit:
        rows = await unit.rows("select s::text as row from setup_links s")
    assert len(rows) == 1
    assert token not in rows[0]["row"]


async def test_the_page_loads_nothing_and_runs_its_own_script_alone(browser: Client) -> None:
    response = await browser.get("/setup")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-frame-options"] == "DENY"
    policy = dict(
        directive.strip().split(" ", 1) for directive in response.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    for kind in ("script", "style"):
        (inline,) = re.findall(rf"<{kind}>(.*?)</{kind}>", response.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert policy[f"{kind}-src"] == f"'sha256-{digest}'"
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!/["'])|url\(|@import|\son\w+=|style=""", response.text)


async def test_every_field_of_the_page_has_a_label_and_a_place_for_its_fault(browser: Client) -> None:
    page = (await browser.get("/setup")).text
    fields = re.findall(r'<input id="(\w+)"', page)
    assert fields == ["full_name", "email", "password", "company_name"]
    for field in fields:
        assert f'<label for="{field}">' in page
        assert f'id="{field}_fault"' in page
        assert re.search(rf'<input id="{field}"[^>]*aria-describedby="[^"]*{field}_fault"', page)
        assert re.search(rf'<input id="{field}"[^>]*autocomplete="[a-z-]+"', page)
    assert '<html lang="en">' in page
    assert 'role="alert"' in page
