"""Passkeys, by a device in software and the real library."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from fostr.kernel import clock
from fostr.kernel.ids import new_id
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.jobs.registry import list_schedules
from fostr.kernel.runtime import Runtime
from tests.identity.conftest import Visit
from tests.identity.people import COOKIE, PASSWORD, new_email, sign_up, who
from tests.support.authenticator import Device, encode
from tests.support.cast import Cast
from tests.support.client import Client, Response, refusal

PATH = "/api/v1/auth/me/factors/passkeys"
BEGIN = "/api/v1/auth/passkeys/begin"
SIGN_IN = "/api/v1/auth/passkeys/sign-in"


async def register(client: Client, device: Device, **changed: Any) -> Response:
    options = await client.post(f"{PATH}/begin")
    assert options.status_code == 200, options.text
    return await client.post(PATH, json={"name": "Phone", "credential": device.register(options.json(), **changed)})


async def sign_in(client: Client, device: Device, **changed: Any) -> Response:
    options = (await client.post(BEGIN)).json()
    return await client.post(SIGN_IN, json={"credential": device.sign(options, **changed)})


async def with_passkey(client: Client, device: Device) -> dict[str, Any]:
    """Sign up and register the device; return the answer of signing up."""
    made = await sign_up(client)
    response = await register(client, device)
    assert response.status_code == 201, response.text
    return made


async def test_a_passkey_signs_in_without_a_name_or_a_password(visit: Visit) -> None:
    device = Device()
    made = await with_passkey(visit(), device)
    other = visit()
    response = await sign_in(other, device)
    assert response.status_code == 200
    assert response.json()["user"]["id"] == made["user"]["id"]
    assert response.json()["mfa_required"] is False
    assert COOKIE in response.headers["set-cookie"]
    assert (await who(other)).json()["id"] == made["user"]["id"]
    assert (await who(visit().with_token(response.json()["access_token"]))).status_code == 200


async def test_the_browser_is_asked_for_a_key_that_knows_its_owner(visit: Visit) -> None:
    browser, device = visit(), Device()
    made = await with_passkey(browser, device)
    options = (await browser.post(f"{PATH}/begin")).json()
    assert options["rp"] == {"id": "fostr.test", "name": "Fostr"}
    assert options["user"]["name"] == made["user"]["email"]
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert [known["id"] for known in options["excludeCredentials"]] == [encode(device.credential_id)]
    # Browsers throw at a null in the place of a list.
    assert [known["transports"] for known in options["excludeCredentials"]] == [[]]
    asked = (await visit().post(BEGIN)).json()
    assert (asked["rpId"], asked["userVerification"], asked["allowCredentials"]) == ("fostr.test", "required", [])


@pytest.mark.parametrize(
    ("device", "changed"),
    [
        (Device(origin="https://fostr.test.evil.example"), {}),
        (Device(origin="http://fostr.test:8080"), {}),
        (Device(rp_id="evil.example"), {}),
        (Device(verifies=False), {}),
        (Device(), {"type": "webauthn.get"}),
        (Device(), {"challenge": encode(b"x" * 32)}),
        (Device(), {"challenge": 7}),
    ],
    ids=["origin", "port", "site", "unverified", "type", "challenge", "no challenge"],
)
async def test_what_does_not_fit_a_registration_is_refused(
    browser: Client, device: Device, changed: dict[str, Any]
) -> None:
    await sign_up(browser)
    assert refusal(await register(browser, device, **changed)) == (422, "passkey_invalid")
    assert (await browser.get("/api/v1/auth/me/factors")).json()["passkeys"] == []


@pytest.mark.parametrize(
    ("fault", "changed"),
    [
        ({"origin": "https://evil.example"}, {}),
        ({"rp_id": "evil.example"}, {}),
        ({"verifies": False}, {}),
        ({"user_handle": new_id().bytes}, {}),
        ({}, {"type": "webauthn.create"}),
        ({}, {"challenge": encode(b"x" * 32)}),
    ],
    ids=["origin", "site", "unverified", "person", "type", "challenge"],
)
async def test_what_does_not_fit_a_sign_in_is_refused(
    visit: Visit, fault: dict[str, Any], changed: dict[str, Any]
) -> None:
    device = Device()
    await with_passkey(visit(), device)
    for name, value in fault.items():
        setattr(device, name, value)
    browser = visit()
    assert refusal(await sign_in(browser, device, **changed)) == (401, "passkey_refused")
    assert refusal(await who(browser)) == (401, "unauthorized")


async def test_another_key_does_not_sign_for_a_passkey(visit: Visit) -> None:
    device = Device()
    await with_passkey(visit(), device)
    forged = Device(credential_id=device.credential_id, user_handle=device.user_handle, sign_count=5)
    assert refusal(await sign_in(visit(), forged)) == (401, "passkey_refused")
    unknown = Device(user_handle=new_id().bytes)
    assert refusal(await sign_in(visit(), unknown)) == (401, "passkey_refused")
    assert (await sign_in(visit(), device)).status_code == 200


async def test_an_answer_is_good_once(visit: Visit) -> None:
    device, browser = Device(), visit()
    await with_passkey(browser, device)
    options = (await browser.post(BEGIN)).json()
    body = {"credential": device.sign(options)}
    answers = await asyncio.gather(*(visit().post(SIGN_IN, json=body) for _ in range(8)))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 401: 7}
    options = (await browser.post(f"{PATH}/begin")).json()
    twice = {"name": "Twin", "credential": Device().register(options)}
    assert [(await browser.post(PATH, json=twice)).status_code for _ in range(2)] == [201, 422]


async def test_a_refused_answer_has_used_its_challenge_up(visit: Visit) -> None:
    device, browser = Device(), visit()
    await with_passkey(browser, device)
    options = (await browser.post(BEGIN)).json()
    wrong = {"credential": device.sign(options, origin="https://evil.example")}
    assert (await browser.post(SIGN_IN, json=wrong)).status_code == 401
    right = {"credential": device.sign(options)}
    assert refusal(await browser.post(SIGN_IN, json=right)) == (401, "passkey_refused")


async def test_a_challenge_ends_and_is_for_its_purpose_and_its_session(visit: Visit) -> None:
    device, browser, other = Device(), visit(), visit()
    await with_passkey(browser, device)
    await sign_up(other)
    options = (await browser.post(f"{PATH}/begin")).json()
    body = {"name": "Theirs", "credential": Device().register(options)}
    assert refusal(await other.post(PATH, json=body)) == (422, "passkey_invalid")
    signed = {"credential": device.sign({**options, "rpId": "fostr.test"})}
    assert refusal(await browser.post(SIGN_IN, json=signed)) == (401, "passkey_refused")
    options = (await browser.post(BEGIN)).json()
    with clock.travel(to=clock.now() + timedelta(minutes=6)):
        late = await browser.post(SIGN_IN, json={"credential": device.sign(options)})
        assert refusal(late) == (401, "passkey_refused")


async def test_a_count_that_does_not_grow_betrays_a_copy(visit: Visit) -> None:
    device = Device()
    await with_passkey(visit(), device)
    assert (await sign_in(visit(), device)).status_code == 200
    device.sign_count -= 1
    assert refusal(await sign_in(visit(), device)) == (401, "passkey_refused")
    device.sign_count += 1
    assert (await sign_in(visit(), device)).status_code == 200


async def test_a_device_that_does_not_count_signs_in_again_and_again(visit: Visit) -> None:
    device = Device(counts=False)
    await with_passkey(visit(), device)
    for _ in range(2):
        assert (await sign_in(visit(), device)).status_code == 200


async def test_passkeys_are_renamed_and_deleted_by_their_owner_alone(visit: Visit) -> None:
    device, browser, other = Device(), visit(), visit()
    await with_passkey(browser, device)
    await sign_up(other)
    (passkey,) = (await browser.get("/api/v1/auth/me/factors")).json()["passkeys"]
    one = f"{PATH}/{passkey['id']}"
    assert refusal(await other.patch(one, json={"name": "Mine"})) == (404, "passkey_not_found")
    assert refusal(await other.delete(one)) == (404, "passkey_not_found")
    assert (await browser.patch(one, json={"name": "Old phone"})).json()["name"] == "Old phone"
    assert (await browser.delete(one)).status_code == 204
    assert refusal(await sign_in(visit(), device)) == (401, "passkey_refused")
    assert refusal(await browser.delete(one)) == (404, "passkey_not_found")


async def test_a_passkey_is_registered_once(visit: Visit) -> None:
    device, browser, other = Device(), visit(), visit()
    await with_passkey(browser, device)
    await sign_up(other)
    assert refusal(await register(other, device)) == (409, "passkey_taken")


async def test_a_closed_account_has_no_passkey(visit: Visit, runtime: Runtime) -> None:
    device = Device()
    made = await with_passkey(visit(), device)
    async with runtime.database.unit() as unit:
        await unit.run("update users set is_active = false where id = :id", id=made["user"]["id"])
    assert refusal(await sign_in(visit(), device)) == (401, "passkey_refused")


async def test_a_passkey_confirms_who_is_there_and_not_who_is_not(visit: Visit) -> None:
    device, others, browser = Device(), Device(), visit()
    await with_passkey(browser, device)
    await with_passkey(visit(), others)
    with clock.travel(to=clock.now() + timedelta(minutes=30)):
        assert refusal(await browser.post(f"{PATH}/begin")) == (403, "recent_sign_in_required")
        for used, outcome in ((others, 403), (device, 200)):
            options = (await browser.post(BEGIN)).json()
            response = await browser.post("/api/v1/auth/confirm", json={"credential": used.sign(options)})
            assert response.status_code == outcome, response.text
        assert (await browser.post(f"{PATH}/begin")).status_code == 200


@pytest.mark.parametrize("fields", [{}, {"id": "!"}, {"rawId": "A"}, {"type": "password"}, {"response": {}}])
async def test_what_is_no_credential_is_refused(browser: Client, fields: dict[str, Any]) -> None:
    blank = {"clientDataJSON": "A", "authenticatorData": "AA", "signature": "AA"}
    credential = {"id": "AA", "rawId": "AA", "type": "public-key", "response": blank, **fields}
    response = await browser.post(SIGN_IN, json={"credential": credential})
    assert refusal(response) in {(401, "passkey_refused"), (422, "validation_failed")}


async def test_bytes_that_mean_nothing_are_refused(visit: Visit) -> None:
    browser, device = visit(), Device()
    await with_passkey(browser, device)
    for broken in ("AA", encode(b"\xff" * 200), encode(b"\xa1\x63fmt\x64none")):
        options = (await browser.post(f"{PATH}/begin")).json()
        credential = Device().register(options)
        credential["response"]["attestationObject"] = broken
        response = await browser.post(PATH, json={"name": "Broken", "credential": credential})
        assert refusal(response) == (422, "passkey_invalid")
        options = (await browser.post(BEGIN)).json()
        signed = device.sign(options)
        signed["response"]["authenticatorData"] = broken
        assert refusal(await browser.post(SIGN_IN, json={"credential": signed})) == (401, "passkey_refused")


async def test_a_token_registers_no_passkey(client: Client, cast: Cast) -> None:
    assert refusal(await client.as_(cast.owner).post(f"{PATH}/begin")) == (403, "person_required")


async def test_beginning_is_limited_by_address(visit: Visit) -> None:
    browser = visit()
    answers = [(await browser.post(BEGIN)).status_code for _ in range(201)]
    assert Counter(answers) == {200: 200, 429: 1}


async def test_another_site_cannot_sign_somebody_in(visit: Visit) -> None:
    device = Device()
    await with_passkey(visit(), device)
    browser = visit()
    options = (await browser.post(BEGIN)).json()
    body, headers = {"credential": device.sign(options)}, {"Origin": "https://evil.example"}
    assert refusal(await browser.post(SIGN_IN, json=body, headers=headers)) == (403, "cross_site_request")


async def test_a_passkey_does_not_change_signing_in_by_password(visit: Visit) -> None:
    browser, email = visit(), new_email()
    await sign_up(browser, email=email)
    await register(browser, Device())
    body = {"email": email, "password": PASSWORD}
    assert (await visit().post("/api/v1/auth/login", json=body)).json()["mfa_required"] is False


async def test_what_nobody_answered_is_deleted_by_the_clock(
    visit: Visit, runtime: Runtime, run_jobs: Callable[[], Awaitable[None]]
) -> None:
    moment = clock.now()

    async def kept() -> int:
        async with runtime.database.unit() as unit:
            return await unit.value(
                """
                select (select count(*) from passkey_challenges where expires_at < :moment)
                    + (select count(*) from pending_sign_ins where expires_at < :moment)
                """,
                moment=moment,
            )

    with clock.travel(to=clock.now() - timedelta(minutes=30)):
        await visit().post(BEGIN)
    assert await kept() >= 1
    for name in ("identity.delete_passkey_challenges", "identity.delete_pending_sign_ins"):
        assert name in {entry.name for entry in list_schedules()}
        async with runtime.database.unit() as unit:
            await dispatch(unit, name, {}, workspace=None)
    await run_jobs()
    assert await kept() == 0
