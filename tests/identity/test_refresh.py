"""Refresh tokens: each good once, and a copy ends the session."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

from fostr.kernel import clock
from fostr.kernel.crypto.tokens import mint_token
from fostr.kernel.runtime import Runtime
from tests.identity.conftest import Visit
from tests.identity.people import login, new_email, refresh, sign_up, who
from tests.support.client import Client, refusal


async def session_of(runtime: Runtime, made: dict[str, Any]) -> dict[str, Any]:
    async with runtime.database.unit() as unit:
        row = await unit.row(
            "select revoked_at, revoked_reason from sessions where user_id = :user_id order by created_at limit 1",
            user_id=made["user"]["id"],
        )
    assert row is not None
    return dict(row)


async def test_a_pair_is_exchanged_for_the_next(visit: Visit) -> None:
    made = await sign_up(visit())
    response = await refresh(visit(), made["refresh_token"])
    assert response.status_code == 200
    pair = response.json()
    assert pair.keys() == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert pair["refresh_token"] != made["refresh_token"]
    assert (await who(visit().with_token(pair["access_token"]))).json()["id"] == made["user"]["id"]
    # The access token before is good until its end: it belongs to the same session.
    assert (await who(visit().with_token(made["access_token"]))).status_code == 200
    assert "set-cookie" not in response.headers


async def test_a_replay_ends_the_family_and_says_so_in_the_log_of_sessions(visit: Visit, runtime: Runtime) -> None:
    browser = visit()
    made = await sign_up(browser)
    pair = (await refresh(visit(), made["refresh_token"])).json()
    assert refusal(await refresh(visit(), made["refresh_token"])) == (401, "refresh_token_replayed")

    assert (await session_of(runtime, made))["revoked_reason"] == "refresh_token_replayed"
    assert refusal(await refresh(visit(), pair["refresh_token"])) == (401, "refresh_token_invalid")
    for client in (visit().with_token(pair["access_token"]), visit().with_token(made["access_token"]), browser):
        assert refusal(await who(client)) == (401, "unauthorized")
    assert refusal(await refresh(visit(), made["refresh_token"])) == (401, "refresh_token_replayed")


async def test_a_replay_leaves_other_sessions_alone(visit: Visit) -> None:
    email = new_email()
    made = await sign_up(visit(), email=email)
    second = (await login(visit(), email)).json()
    await refresh(visit(), made["refresh_token"])
    await refresh(visit(), made["refresh_token"])
    assert (await refresh(visit(), second["refresh_token"])).status_code == 200


async def test_twenty_at_once_come_to_one_outcome(visit: Visit, runtime: Runtime) -> None:
    made = await sign_up(visit())
    clients = [visit() for _ in range(20)]
    answers = await asyncio.gather(*(refresh(client, made["refresh_token"]) for client in clients))
    codes = Counter(answer.json().get("code", "ok") for answer in answers)
    assert codes == {"ok": 1, "refresh_token_replayed": 19}

    assert (await session_of(runtime, made))["revoked_reason"] == "refresh_token_replayed"
    winner = next(answer.json() for answer in answers if answer.status_code == 200)
    assert refusal(await refresh(visit(), winner["refresh_token"])) == (401, "refresh_token_invalid")
    assert refusal(await who(visit().with_token(winner["access_token"]))) == (401, "unauthorized")
    async with runtime.database.unit() as unit:
        made_tokens = await unit.value(
            "select count(*) from refresh_tokens t join sessions s on s.id = t.session_id where s.user_id = :user_id",
            user_id=made["user"]["id"],
        )
    assert made_tokens == 2


async def test_an_unused_token_ends_and_a_used_one_carries_the_session_on(visit: Visit) -> None:
    made = await sign_up(visit())
    start = clock.now()
    with clock.travel(to=start + timedelta(days=20)):
        pair = (await refresh(visit(), made["refresh_token"])).json()
    with clock.travel(to=start + timedelta(days=40)):
        later = (await refresh(visit(), pair["refresh_token"])).json()
        assert (await who(visit().with_token(later["access_token"]))).status_code == 200
    with clock.travel(to=start + timedelta(days=71)):
        assert refusal(await refresh(visit(), later["refresh_token"])) == (401, "refresh_token_expired")


async def test_refreshing_does_not_lengthen_the_life_of_the_cookie(visit: Visit) -> None:
    browser = visit()
    made = await sign_up(browser)
    start = clock.now()
    with clock.travel(to=start + timedelta(days=20)):
        pair = (await refresh(visit(), made["refresh_token"])).json()
    headers = {"Cookie": f"fostr_session={browser.inner.cookies['fostr_session']}"}
    with clock.travel(to=start + timedelta(days=31)):
        assert (await visit().get("/api/v1/auth/me", headers=headers)).status_code == 401
        assert (await refresh(visit(), pair["refresh_token"])).status_code == 200


async def test_what_is_no_refresh_token_is_refused(visit: Visit) -> None:
    made = await sign_up(visit())
    token = made["refresh_token"]
    wrong = [
        "",
        token[:-1],
        token[:-1] + ("a" if token[-1] != "a" else "b"),
        mint_token("fos_ref"),
        mint_token("fos_pat"),
        made["access_token"][:200],
        "\0",
        "ü" * 50,
    ]
    for value in wrong:
        assert refusal(await refresh(visit(), value)) == (401, "refresh_token_invalid"), value
    assert refusal(await refresh(visit(), "x" * 201)) == (422, "validation_failed")
    assert (await refresh(visit(), token)).status_code == 200


async def test_a_refresh_token_is_no_credential(visit: Visit) -> None:
    made = await sign_up(visit())
    assert refusal(await who(visit().with_token(made["refresh_token"]))) == (401, "unauthorized")


async def test_refused_tokens_from_one_address_are_limited(visit: Visit) -> None:
    script: Client = visit()
    made = await sign_up(visit())
    for _ in range(100):
        assert (await refresh(script, mint_token("fos_ref"))).status_code == 401
    response = await refresh(script, made["refresh_token"])
    assert refusal(response) == (429, "refresh_throttled")
    assert (await refresh(visit(), made["refresh_token"])).status_code == 200
