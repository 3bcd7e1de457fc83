"""What cannot be undone takes a person who has just shown who they are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fostr.kernel import clock
from fostr.kernel.runtime import Runtime
from tests.identity.conftest import Visit
from tests.identity.people import PASSWORD, login, new_email, sign_up
from tests.support.cast import Cast
from tests.support.client import Client, Response, refusal

CONFIRM = "/api/v1/auth/confirm"
TOKENS = "/api/v1/personal-access-tokens"
KEYS = "/api/v1/api-keys"


async def make_token(client: Client) -> Response:
    return await client.post(TOKENS, json={"name": "Script", "scope": "read"})


async def make_key(client: Client, made: dict[str, Any]) -> Response:
    return await client.post(KEYS, json={"name": "Sync"}, headers={"X-Workspace-Id": made["workspace"]["id"]})


async def test_a_session_makes_credentials_for_a_while_after_signing_in(visit: Visit) -> None:
    browser = visit()
    made = await sign_up(browser)
    assert (await make_token(browser)).status_code == 201
    assert (await make_key(browser, made)).status_code == 201
    with clock.travel(to=clock.now() + timedelta(minutes=16)):
        for response in (await make_token(browser), await make_key(browser, made)):
            assert refusal(response) == (403, "recent_sign_in_required")
            assert response.json()["confirm_at"] == CONFIRM
            assert response.json()["within_minutes"] == 15
        # What can be undone goes on as before.
        assert (await browser.get(TOKENS)).status_code == 200


async def test_an_access_token_is_as_old_as_its_session(visit: Visit) -> None:
    browser = visit()
    made = await sign_up(browser)
    with clock.travel(to=clock.now() + timedelta(minutes=16)):
        pair = (await visit().post("/api/v1/auth/refresh", json={"refresh_token": made["refresh_token"]})).json()
        program = visit().with_token(pair["access_token"])
        assert refusal(await make_token(program)) == (403, "recent_sign_in_required")
        assert (await program.post(CONFIRM, json={"password": PASSWORD})).status_code == 200
        assert (await make_token(program)).status_code == 201


async def test_the_password_renews_the_session_that_asks_and_no_other(visit: Visit) -> None:
    email = new_email()
    first, second = visit(), visit()
    await sign_up(first, email=email)
    await login(second, email)
    with clock.travel(to=clock.now() + timedelta(minutes=30)):
        confirmed = await first.post(CONFIRM, json={"password": PASSWORD})
        assert confirmed.status_code == 200
        assert confirmed.json()["recent_until"] > confirmed.json()["authenticated_at"]
        assert (await make_token(first)).status_code == 201
        assert refusal(await make_token(second)) == (403, "recent_sign_in_required")


async def test_a_wrong_password_renews_nothing_and_guessing_is_throttled(visit: Visit) -> None:
    browser = visit()
    await sign_up(browser)
    with clock.travel(to=clock.now() + timedelta(minutes=30)):
        for _ in range(10):
            wrong = await browser.post(CONFIRM, json={"password": "Not-the-one-1843"})
            assert refusal(wrong) == (403, "confirmation_wrong")
        late = await browser.post(CONFIRM, json={"password": PASSWORD})
        assert refusal(late) == (429, "confirmation_throttled")
        assert int(late.headers["retry-after"]) > 0
        assert refusal(await make_token(browser)) == (403, "recent_sign_in_required")


async def test_a_token_that_administers_makes_others_without_a_session(client: Client, cast: Cast) -> None:
    owner = client.as_(cast.owner)
    assert (await make_token(owner)).status_code == 201
    assert (await owner.post(KEYS, json={"name": "Sync"})).status_code == 201


async def test_a_token_confirms_nothing(client: Client, cast: Cast) -> None:
    refused = await client.as_(cast.owner).post(CONFIRM, json={"password": PASSWORD})
    assert refusal(refused) == (403, "person_required")


async def test_a_stranger_is_not_told_to_confirm(visit: Visit, cast: Cast) -> None:
    browser = visit()
    await sign_up(browser)
    with clock.travel(to=clock.now() + timedelta(minutes=30)):
        response = await browser.post(KEYS, json={"name": "Sync"}, headers={"X-Workspace-Id": str(cast.acme)})
        assert refusal(response) == (404, "not_found")


async def test_whoever_acts_in_somebody_s_name_confirms_nothing_and_makes_no_keys(
    visit: Visit, cast: Cast, runtime: Runtime
) -> None:
    browser = visit()
    made = await sign_up(browser)
    async with runtime.database.unit() as unit:
        await unit.run(
            "update sessions set acting_user_id = :by where user_id = :user_id",
            by=cast.stranger.user_id,
            user_id=made["user"]["id"],
        )
    assert refusal(await browser.post(CONFIRM, json={"password": PASSWORD})) == (403, "impersonating")
    assert refusal(await make_key(browser, made)) == (403, "impersonating")


@pytest.mark.parametrize("body", [{}, {"password": None}, {"password": "x" * 1001}])
async def test_bad_input_is_refused(browser: Client, body: dict[str, Any]) -> None:
    await sign_up(browser)
    assert refusal(await browser.post(CONFIRM, json=body)) == (422, "validation_failed")


async def test_nobody_confirms_without_signing_in(browser: Client) -> None:
    assert refusal(await browser.post(CONFIRM, json={"password": PASSWORD})) == (401, "unauthorized")
