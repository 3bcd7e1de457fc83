"""Whoever gets another way into their account, or loses one, hears of it by mail; and who lost theirs gets help."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from fostr.kernel import clock
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.identity.conftest import Visit
from tests.identity.letters import letters_to
from tests.identity.people import login, new_email, refresh, sign_up, who
from tests.identity.test_second_factor import FACTORS, begin, code, complete, enable
from tests.support.authenticator import Device
from tests.support.cast import Cast, create_token
from tests.support.client import Client, Response, refusal
from tests.support.events import event_types

PASSKEYS = f"{FACTORS}/passkeys"


async def subjects_to(runtime: Runtime, email: str) -> list[str]:
    """Return the subjects of what somebody was written about signing in, the newest last."""
    return [letter.subject for letter in await letters_to(runtime, email) if letter.template == "sign_in_changed"]


async def test_every_change_of_the_second_factor_is_told(visit: Visit, runtime: Runtime) -> None:
    browser, email = visit(), new_email()
    await sign_up(browser, email=email)
    secret, codes = await enable(browser)
    assert await subjects_to(runtime, email) == ["Your second factor is on"]
    assert (await browser.post(f"{FACTORS}/recovery-codes", json={"code": code(secret)})).status_code == 200
    assert (await subjects_to(runtime, email))[1:] == ["You have new recovery codes"]
    assert refusal(await browser.post(f"{FACTORS}/totp/disable", json={"code": codes[0]})) == (
        403,
        "factor_code_wrong",
    )
    gone = await browser.post(f"{FACTORS}/totp/disable", json={"code": code(secret, steps=1)})
    assert gone.status_code == 200, gone.text
    assert (await subjects_to(runtime, email))[2:] == ["Your second factor is off"]
    letter = (await letters_to(runtime, email))[-1]
    assert f"account {email}" in letter.text
    assert "/forgot-password" in letter.text
    assert secret not in letter.text


async def test_passkeys_that_come_and_go_are_told_and_a_refused_one_is_not(visit: Visit, runtime: Runtime) -> None:
    browser, email, device = visit(), new_email(), Device()
    await sign_up(browser, email=email)
    options = (await browser.post(f"{PASSKEYS}/begin")).json()
    given = {"name": "Phone", "credential": device.register(options)}
    made = await browser.post(PASSKEYS, json=given)
    assert made.status_code == 201, made.text
    assert refusal(await browser.post(PASSKEYS, json=given)) == (422, "passkey_invalid")
    assert await subjects_to(runtime, email) == ["A passkey was added"]
    assert (await browser.patch(f"{PASSKEYS}/{made.json()['id']}", json={"name": "Old phone"})).status_code == 200
    assert (await browser.delete(f"{PASSKEYS}/{made.json()['id']}")).status_code == 204
    assert refusal(await browser.delete(f"{PASSKEYS}/{made.json()['id']}")) == (404, "passkey_not_found")
    assert await subjects_to(runtime, email) == ["A passkey was added", "A passkey was removed"]


@dataclass(frozen=True, slots=True)
class LockedOut:
    """Somebody with a second factor, and somebody who administers the installation."""

    browser: Client
    email: str
    made: dict[str, Any]
    codes: list[str]
    operator: Client
    operator_id: UUID

    async def reset(self, by: Client, *, user_id: object = None) -> Response:
        """Ask for the second factor to be switched off; of the person, unless told."""
        return await by.post(f"/api/v1/auth/{user_id or self.made['user']['id']}/factors/reset")


@pytest.fixture
async def locked_out(visit: Visit, runtime: Runtime) -> LockedOut:
    browser, operator, email = visit(), visit(), new_email("locked")
    made = await sign_up(browser, email=email)
    _, codes = await enable(browser)
    running = await sign_up(operator, email=new_email("operator"))
    async with runtime.database.unit() as unit:
        await unit.run("update users set is_superuser = true where id = :id", id=running["user"]["id"])
    return LockedOut(browser, email, made, codes, operator, UUID(running["user"]["id"]))


async def test_who_lost_their_second_factor_gets_in_by_their_password(
    locked_out: LockedOut, visit: Visit, runtime: Runtime
) -> None:
    waiting = await begin(visit(), locked_out.email)
    answered = await locked_out.reset(locked_out.operator)
    assert answered.json() == {"user_id": locked_out.made["user"]["id"], "sessions_ended": 1}
    for client in (locked_out.browser, visit().with_token(locked_out.made["access_token"])):
        assert refusal(await who(client)) == (401, "unauthorized")
    assert refusal(await refresh(visit(), locked_out.made["refresh_token"])) == (401, "refresh_token_invalid")
    # A sign-in that was under way is over, and so is every recovery code.
    assert refusal(await complete(visit(), waiting, locked_out.codes[0])) == (401, "mfa_token_invalid")

    back = visit()
    assert (await login(back, locked_out.email)).json()["mfa_required"] is False
    shown = (await back.get(FACTORS)).json()
    assert (shown["second_factor"], shown["recovery_codes_left"]) == (False, 0)
    assert refusal(await login(visit(), locked_out.email, password="Not-the-one-1843")) == (
        401,
        "invalid_credentials",
    )
    assert (await subjects_to(runtime, locked_out.email))[-1] == "Your second factor was switched off for you"
    user_id, workspace = UUID(locked_out.made["user"]["id"]), UUID(locked_out.made["workspace"]["id"])
    assert await event_types(runtime, workspace, entity_id=user_id) == ["account.second_factor_reset"]
    async with runtime.database.unit(workspace) as unit:
        actor = await unit.value(
            "select e.actor ->> 'user_id' from events e where e.workspace_id = :workspace and e.entity_id = :id",
            id=user_id,
        )
    assert actor == str(locked_out.operator_id)


async def test_of_many_at_once_one_switches_it_off(locked_out: LockedOut, runtime: Runtime) -> None:
    answers = await asyncio.gather(*(locked_out.reset(locked_out.operator) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    assert (await subjects_to(runtime, locked_out.email))[1:] == ["Your second factor was switched off for you"]


async def test_it_takes_an_operator_who_has_just_signed_in(
    locked_out: LockedOut, visit: Visit, runtime: Runtime, cast: Cast
) -> None:
    token = visit().with_token(await create_token(runtime, locked_out.operator_id))
    # To everybody else there is no such thing, the owner of the person's workspace and the person among them.
    for client in (token, visit().with_token(cast.owner.token, workspace=cast.acme), locked_out.browser):
        assert refusal(await locked_out.reset(client)) == (404, "not_found")
    assert refusal(await locked_out.reset(visit())) == (401, "unauthorized")
    with clock.travel(to=clock.now() + timedelta(minutes=16)):
        assert refusal(await locked_out.reset(locked_out.operator)) == (403, "recent_sign_in_required")
    waiting = await begin(visit(), locked_out.email)
    assert (await complete(visit(), waiting, locked_out.codes[0])).status_code == 200


async def test_what_there_is_not_cannot_be_switched_off(locked_out: LockedOut, visit: Visit, runtime: Runtime) -> None:
    plain = (await sign_up(visit()))["user"]["id"]
    operator = locked_out.operator
    assert refusal(await locked_out.reset(operator, user_id=plain)) == (409, "authenticator_missing")
    assert refusal(await locked_out.reset(operator, user_id=new_id())) == (404, "account_not_found")
    assert refusal(await locked_out.reset(operator, user_id="nobody")) == (422, "validation_failed")
    await enable(operator)
    own = await locked_out.reset(operator, user_id=locked_out.operator_id)
    assert refusal(own) == (403, "own_second_factor")
    async with runtime.database.unit() as unit:
        await unit.run("update users set is_active = false where email = :email", email=locked_out.email)
    assert refusal(await locked_out.reset(operator)) == (404, "account_not_found")
