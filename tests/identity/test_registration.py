"""Making accounts, with and without a workspace."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fostr.kernel.runtime import Runtime
from tests.identity.conftest import Visit
from tests.identity.people import COOKIE, PASSWORD, login, new_email, sign_up, who
from tests.support.client import Client, refusal
from tests.support.events import event_types


async def register(client: Client, **fields: Any) -> Any:
    body = {"email": new_email(), "password": PASSWORD, "full_name": "Ada Lovelace", **fields}
    return await client.post("/api/v1/auth/register", json=body)


async def test_an_account_is_made_and_nobody_is_signed_in(browser: Client) -> None:
    email = new_email()
    response = await register(browser, email=email)
    assert response.status_code == 201
    made = response.json()
    assert (made["email"], made["full_name"], made["version"]) == (email, "Ada Lovelace", 1)
    assert (made["is_superuser"], made["email_verified_at"], made["last_sign_in_at"]) == (False, None, None)
    assert "password" not in response.text
    assert "set-cookie" not in response.headers
    assert refusal(await who(browser)) == (401, "unauthorized")
    assert (await login(browser, email)).status_code == 200


async def test_addresses_are_the_same_in_any_case(browser: Client) -> None:
    email = new_email()
    assert (await register(browser, email=f"  {email.upper()}  ".strip())).json()["email"] == email
    assert refusal(await register(browser, email=email)) == (409, "email_taken")
    assert (await login(browser, email.title())).status_code == 200


async def test_addresses_of_private_networks_will_do(browser: Client) -> None:
    email = new_email().replace("example.com", "intranet.local")
    assert (await register(browser, email=email)).status_code == 201


async def test_of_twins_one_is_made(visit: Visit) -> None:
    email = new_email()
    answers = await asyncio.gather(*(register(visit(), email=email) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]


@pytest.mark.parametrize(
    ("password", "unmet"),
    [
        ("short1!", ["too_short"]),
        ("Password123!", ["too_common"]),
        ("1234567", ["too_short", "too_common"]),
        ("Aa1!" * 33, ["too_long"]),
    ],
)
async def test_weak_passwords_are_refused_with_every_reason(browser: Client, password: str, unmet: list[str]) -> None:
    response = await register(browser, password=password)
    assert refusal(response) == (422, "password_too_weak")
    assert response.json()["unmet"] == unmet
    assert password not in response.text


@pytest.mark.parametrize(
    "fields",
    [
        {"email": "nobody"},
        {"email": "a@b@example.com"},
        {"email": "x" * 250 + "@example.com"},
        {"email": None},
        {"password": None},
        {"password": "A" * 2000},
        {"full_name": "x" * 201},
        {"full_name": 7},
    ],
)
async def test_bad_input_is_refused_without_repeating_it(browser: Client, fields: dict[str, Any]) -> None:
    response = await register(browser, **fields)
    assert refusal(response) == (422, "validation_failed")
    assert response.json()["detail"][0]["loc"][-1] in fields
    assert "AAAA" not in response.text


async def test_text_that_cannot_be_stored_is_refused(browser: Client) -> None:
    assert refusal(await register(browser, full_name="a\0b")) == (422, "text_not_storable")
    half = f'{{"email": "{new_email()}", "password": "{PASSWORD}", "full_name": "\\ud800"}}'
    headers = {"Content-Type": "application/json"}
    response = await browser.post("/api/v1/auth/register", content=half, headers=headers)
    assert refusal(response) == (422, "validation_failed")


async def test_signing_up_makes_account_and_workspace_and_signs_in(browser: Client, runtime: Runtime) -> None:
    email = new_email()
    made = await sign_up(browser, email=email, company_name="Überseehafen GmbH & Co.")
    assert made["user"]["email"] == email
    assert made["user"]["last_sign_in_at"] is not None
    workspace = made["workspace"]
    assert workspace["name"] == "Überseehafen GmbH & Co."
    assert workspace["slug"].startswith("uberseehafen-gmbh-co")
    assert (workspace["role"], workspace["is_current"], workspace["version"]) == ("owner", True, 1)
    assert (made["token_type"], made["expires_in"]) == ("bearer", 900)

    by_cookie = (await browser.get("/api/v1/auth/me", params={"workspace_id": workspace["id"]})).json()
    assert by_cookie["member"]["id"] == workspace["member_id"]
    assert (by_cookie["member"]["email"], by_cookie["member"]["role"]) == (email, "owner")
    by_token = await browser.with_token(made["access_token"]).get("/api/v1/developers/me")
    assert by_token.json()["credential"] == {"kind": "jwt", "scope": "admin"}

    # The workspace needs no header from here on: the session is in it.
    listed = (await browser.get("/api/v1/workspaces")).json()
    assert listed == {"items": [workspace], "total": 1, "has_more": False}
    types = await event_types(runtime, workspace["id"], entity_id=workspace["id"])
    assert types == ["workspace.created"]
    types = await event_types(runtime, workspace["id"], entity_id=workspace["member_id"])
    assert types == ["member.added"]


async def test_workspaces_of_one_name_get_slugs_of_their_own(visit: Visit) -> None:
    made = await asyncio.gather(*(sign_up(visit(), company_name="Same Name Ltd") for _ in range(4)))
    slugs = {answer["workspace"]["slug"] for answer in made}
    assert len(slugs) == 4
    assert all(slug.startswith("same-name-ltd") for slug in slugs)


async def test_a_refused_sign_up_leaves_nothing_behind(browser: Client, other: Client) -> None:
    email = new_email()
    first = await sign_up(browser, email=email)
    body = {"email": email, "password": PASSWORD, "company_name": "Second"}
    response = await other.post("/api/v1/auth/signup", json=body)
    assert refusal(response) == (409, "email_taken")
    assert COOKIE not in other.inner.cookies
    listed = (await browser.get("/api/v1/workspaces")).json()
    assert [item["id"] for item in listed["items"]] == [first["workspace"]["id"]]


async def test_another_site_cannot_sign_somebody_up(browser: Client) -> None:
    body = {"email": new_email(), "password": PASSWORD, "company_name": "Trap"}
    headers = {"Origin": "https://elsewhere.example"}
    response = await browser.post("/api/v1/auth/signup", json=body, headers=headers)
    assert refusal(response) == (403, "cross_site_request")


async def test_accounts_from_one_address_are_limited(visit: Visit) -> None:
    script = visit()
    for _ in range(100):
        assert (await register(script, password="weak")).status_code == 422
    response = await register(script)
    assert refusal(response) == (429, "registration_throttled")
    assert 0 < int(response.headers["retry-after"]) <= 3600
    assert response.json()["limit"] == 100
    assert (await register(visit())).status_code == 201
