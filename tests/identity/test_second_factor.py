"""The second factor: an authenticator app, and recovery codes."""

from __future__ import annotations

import asyncio
import xml.etree.ElementTree as ET
from collections import Counter
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

import pytest
from pyotp.totp import TOTP

from fostr.domains.identity.factors.repository import delete_expired
from fostr.domains.identity.factors.totp import open_secret, seal_secret
from fostr.kernel import clock
from fostr.kernel.crypto.envelopes import EnvelopeRefused
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.identity.conftest import Visit
from tests.identity.people import COOKIE, PASSWORD, login, new_email, sign_up, who
from tests.support.cast import Cast
from tests.support.client import Client, Response, refusal

FACTORS = "/api/v1/auth/me/factors"
COMPLETE = "/api/v1/auth/login/second-factor"


def code(secret: str, *, steps: int = 0) -> str:
    """Return what the app shows, some steps of 30 seconds from now."""
    return TOTP(secret).at(clock.now() + timedelta(seconds=30 * steps))


async def enable(client: Client) -> tuple[str, list[str]]:
    """Switch the second factor on; return the secret and the recovery codes.

    The code of the step before is used up by it, so that the present one is still good.
    """
    secret = (await client.post(f"{FACTORS}/totp")).json()["secret"]
    # Were a step to end on the way, it would be the code of the step before last, which is good no more.
    with clock.travel(to=clock.now(), frozen=True):
        response = await client.post(f"{FACTORS}/totp/confirm", json={"code": code(secret, steps=-1)})
    assert response.status_code == 200, response.text
    return secret, response.json()["recovery_codes"]


async def begin(client: Client, email: str) -> str:
    """Sign in by password, as far as that goes; return the token."""
    response = await login(client, email)
    assert response.status_code == 200, response.text
    return response.json()["mfa_token"]


async def complete(client: Client, token: str, given: str) -> Response:
    return await client.post(COMPLETE, json={"mfa_token": token, "code": given})


async def test_the_password_alone_opens_no_session(visit: Visit) -> None:
    browser, email = visit(), new_email()
    made = await sign_up(browser, email=email)
    secret, _ = await enable(browser)
    second = visit()
    answer = await login(second, email)
    assert answer.status_code == 200
    assert answer.json().keys() == {"mfa_required", "mfa_token", "methods", "expires_in"}
    assert (answer.json()["mfa_required"], answer.json()["expires_in"]) == (True, 300)
    assert "set-cookie" not in answer.headers
    token = answer.json()["mfa_token"]
    assert refusal(await who(second)) == (401, "unauthorized")
    assert refusal(await who(visit().with_token(token))) == (401, "unauthorized")

    done = await complete(second, token, code(secret))
    assert done.status_code == 200
    assert (done.json()["user"]["id"], done.json()["mfa_required"]) == (made["user"]["id"], False)
    assert COOKIE in done.headers["set-cookie"]
    assert (await who(second)).json()["id"] == made["user"]["id"]
    assert (await who(visit().with_token(done.json()["access_token"]))).status_code == 200
    assert refusal(await complete(visit(), token, code(secret, steps=1))) == (401, "mfa_token_invalid")


async def test_nothing_changes_until_the_app_has_shown_that_it_works(visit: Visit) -> None:
    browser, email = visit(), new_email()
    await sign_up(browser, email=email)
    assert refusal(await browser.post(f"{FACTORS}/totp/confirm", json={"code": "123456"})) == (
        409,
        "authenticator_missing",
    )
    first = (await browser.post(f"{FACTORS}/totp")).json()["secret"]
    second = (await browser.post(f"{FACTORS}/totp")).json()["secret"]
    assert (await login(visit(), email)).json()["mfa_required"] is False
    assert (await browser.get(FACTORS)).json() == {
        "second_factor": False,
        "authenticator_since": None,
        "recovery_codes_left": 0,
        "passkeys": [],
    }
    void = await browser.post(f"{FACTORS}/totp/confirm", json={"code": code(first)})
    assert refusal(void) == (403, "factor_code_wrong")
    done = await browser.post(f"{FACTORS}/totp/confirm", json={"code": code(second)})
    assert len(set(done.json()["recovery_codes"])) == 10
    shown = (await browser.get(FACTORS)).json()
    assert (shown["second_factor"], shown["recovery_codes_left"]) == (True, 10)
    assert refusal(await browser.post(f"{FACTORS}/totp")) == (409, "authenticator_exists")
    again = await browser.post(f"{FACTORS}/totp/confirm", json={"code": code(second, steps=1)})
    assert refusal(again) == (409, "authenticator_exists")


async def test_the_app_is_told_whose_secret_it_is_by_a_picture(visit: Visit) -> None:
    browser, email = visit(), new_email()
    await sign_up(browser, email=email)
    enrolment = (await browser.post(f"{FACTORS}/totp")).json()
    address: str = enrolment["provisioning_uri"]
    uri = urlsplit(address)
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert unquote(uri.path) == f"/Fostr (fostr.test):{email}"
    assert parse_qs(uri.query) == {"secret": [enrolment["secret"]], "issuer": ["Fostr (fostr.test)"]}
    picture = ET.fromstring(enrolment["qr_svg"])  # noqa: S314 - made by this server a moment ago
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    assert picture.find("{http://www.w3.org/2000/svg}path") is not None


async def test_a_code_is_good_once_and_none_before_it_after(visit: Visit) -> None:
    browser, email = visit(), new_email()
    await sign_up(browser, email=email)
    secret, _ = await enable(browser)
    used, older = code(secret), code(secret, steps=-1)
    assert (await complete(visit(), await begin(visit(), email), used)).status_code == 200
    for replayed in (used, older):
        response = await complete(visit(), await begin(visit(), email), replayed)
        assert refusal(response) == (401, "second_factor_wrong")
    with clock.travel(to=clock.now() + timedelta(seconds=60)):
        assert (await complete(visit(), await begin(visit(), email), code(secret))).status_code == 200


async def test_a_phone_may_be_half_a_minute_off_and_no_more(visit: Visit) -> None:
    browser, email = visit(), new_email()
    await sign_up(browser, email=email)
    secret, _ = await enable(browser)
    with clock.travel(to=clock.now() + timedelta(hours=1), frozen=True):
        for steps in (-2, 2):
            wrong = await complete(visit(), await begin(visit(), email), code(secret, steps=steps))
            assert refusal(wrong) == (401, "second_factor_wrong")
        for steps in (-1, 0, 1):
            right = await complete(visit(), await begin(visit(), email), code(secret, steps=steps))
            assert right.status_code == 200


async def test_of_many_with_one_code_or_one_token_one_gets_in(visit: Visit) -> None:
    browser, email = visit(), new_email()
    await sign_up(browser, email=email)
    secret, recovery = await enable(browser)
    tokens = [await begin(visit(), email) for _ in range(8)]
    shown = code(secret)
    answers = await asyncio.gather(*(complete(visit(), token, shown) for token in tokens))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 401: 7}
    token = await begin(visit(), email)
    answers = await asyncio.gather(*(complete(visit(), token, given) for given in recovery[:5]))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 401: 4}
    # The codes of those who came too late are still good.
    assert (await browser.get(FACTORS)).json()["recovery_codes_left"] == 9


async def test_a_recovery_code_stands_in_once(visit: Visit) -> None:
    browser, email = visit(), new_email()
    await sign_up(browser, email=email)
    _, recovery = await enable(browser)
    spelt = recovery[0].replace("-", " ").upper()
    assert (await complete(visit(), await begin(visit(), email), spelt)).status_code == 200
    again = await complete(visit(), await begin(visit(), email), recovery[0])
    assert refusal(again) == (401, "second_factor_wrong")
    assert (await browser.get(FACTORS)).json()["recovery_codes_left"] == 9


async def test_codes_of_others_do_not_help(visit: Visit) -> None:
    first, second, email = visit(), visit(), new_email()
    await sign_up(first, email=email)
    await sign_up(second)
    await enable(first)
    secret, recovery = await enable(second)
    token = await begin(visit(), email)
    for given in (code(secret), recovery[0]):
        assert refusal(await complete(visit(), token, given)) == (401, "second_factor_wrong")


async def test_five_codes_may_be_tried_for_one_password(visit: Visit) -> None:
    browser, email = visit(), new_email()
    await sign_up(browser, email=email)
    secret, _ = await enable(browser)
    token = await begin(visit(), email)
    for _ in range(5):
        assert refusal(await complete(visit(), token, "wrong-code")) == (401, "second_factor_wrong")
    assert refusal(await complete(visit(), token, code(secret))) == (401, "mfa_token_invalid")
    assert (await complete(visit(), await begin(visit(), email), code(secret))).status_code == 200


async def test_guessing_on_is_throttled(visit: Visit) -> None:
    browser, email = visit(), new_email()
    await sign_up(browser, email=email)
    secret, _ = await enable(browser)
    for _ in range(4):
        token = await begin(visit(), email)
        for _ in range(5):
            assert (await complete(visit(), token, "wrong-code")).status_code == 401
    late = await complete(visit(), await begin(visit(), email), code(secret))
    assert refusal(late) == (429, "second_factor_throttled")
    with clock.travel(to=clock.now() + timedelta(hours=2)):
        assert (await complete(visit(), await begin(visit(), email), code(secret))).status_code == 200


async def test_a_sign_in_waits_five_minutes(visit: Visit, runtime: Runtime) -> None:
    browser, email = visit(), new_email()
    await sign_up(browser, email=email)
    secret, _ = await enable(browser)
    token = await begin(visit(), email)
    with clock.travel(to=clock.now() + timedelta(minutes=6)):
        assert refusal(await complete(visit(), token, code(secret))) == (401, "mfa_token_invalid")
        async with runtime.database.unit() as unit:
            assert await delete_expired(unit, now=clock.now()) >= 1


async def test_a_closed_account_completes_no_sign_in(visit: Visit, runtime: Runtime) -> None:
    browser, email = visit(), new_email()
    made = await sign_up(browser, email=email)
    secret, _ = await enable(browser)
    token = await begin(visit(), email)
    async with runtime.database.unit() as unit:
        await unit.run("update users set is_active = false where id = :id", id=made["user"]["id"])
    assert refusal(await complete(visit(), token, code(secret))) == (401, "mfa_token_invalid")


async def test_switching_off_takes_a_code_and_voids_everything(visit: Visit) -> None:
    browser, email = visit(), new_email()
    await sign_up(browser, email=email)
    assert refusal(await browser.post(f"{FACTORS}/totp/disable", json={"code": "123456"})) == (
        409,
        "authenticator_missing",
    )
    secret, _ = await enable(browser)
    token = await begin(visit(), email)
    wrong = await browser.post(f"{FACTORS}/totp/disable", json={"code": "wrong-code"})
    assert refusal(wrong) == (403, "factor_code_wrong")
    assert (await browser.post(f"{FACTORS}/totp/disable", json={"code": code(secret)})).status_code == 200
    shown = (await browser.get(FACTORS)).json()
    assert (shown["second_factor"], shown["recovery_codes_left"]) == (False, 0)
    assert (await login(visit(), email)).json()["mfa_required"] is False
    assert refusal(await complete(visit(), token, code(secret, steps=1))) == (401, "mfa_token_invalid")


async def test_new_recovery_codes_void_the_old(visit: Visit) -> None:
    browser, email = visit(), new_email()
    await sign_up(browser, email=email)
    secret, old = await enable(browser)
    wrong = await browser.post(f"{FACTORS}/recovery-codes", json={"code": "wrong-code"})
    assert refusal(wrong) == (403, "factor_code_wrong")
    new = (await browser.post(f"{FACTORS}/recovery-codes", json={"code": code(secret)})).json()["recovery_codes"]
    assert set(new).isdisjoint(old)
    assert (await complete(visit(), await begin(visit(), email), old[0])).status_code == 401
    assert (await complete(visit(), await begin(visit(), email), new[0])).status_code == 200


async def test_it_all_takes_a_recent_sign_in_in_person(visit: Visit, client: Client, cast: Cast) -> None:
    browser = visit()
    await sign_up(browser)
    asked = {"": None, "/totp": None, "/totp/confirm": "123456", "/totp/disable": "123456", "/recovery-codes": "123456"}
    with clock.travel(to=clock.now() + timedelta(minutes=16)):
        assert (await browser.get(FACTORS)).status_code == 200
        for path, given in list(asked.items())[1:]:
            body = {"json": {"code": given}} if given else {}
            response = await browser.post(f"{FACTORS}{path}", **body)
            assert refusal(response) == (403, "recent_sign_in_required")
    assert refusal(await client.as_(cast.owner).post(f"{FACTORS}/totp")) == (403, "person_required")
    assert refusal(await visit().post(f"{FACTORS}/totp")) == (401, "unauthorized")


async def test_a_code_confirms_who_is_there(visit: Visit) -> None:
    browser = visit()
    await sign_up(browser)
    secret, recovery = await enable(browser)
    with clock.travel(to=clock.now() + timedelta(minutes=30)):
        wrong = await browser.post("/api/v1/auth/confirm", json={"code": "wrong-code"})
        assert refusal(wrong) == (403, "confirmation_wrong")
        for given in (code(secret), recovery[3]):
            assert (await browser.post("/api/v1/auth/confirm", json={"code": given})).status_code == 200
        both = {"code": recovery[4], "password": PASSWORD}
        assert refusal(await browser.post("/api/v1/auth/confirm", json=both)) == (422, "validation_failed")
        assert (await browser.post(f"{FACTORS}/recovery-codes", json={"code": recovery[5]})).status_code == 200


async def test_secrets_are_sealed_for_their_person_and_codes_are_digests(visit: Visit, runtime: Runtime) -> None:
    browser = visit()
    made = await sign_up(browser)
    secret, recovery = await enable(browser)
    async with runtime.database.unit() as unit:
        user_id = UUID(made["user"]["id"])
        row = await unit.value("select a::text from authenticators a where user_id = :id", id=user_id)
        kept = await unit.value("select array_agg(r::text)::text from recovery_codes r where user_id = :id", id=user_id)
    assert secret not in row
    assert not any(spelt.replace("-", "") in kept or spelt in kept for spelt in recovery)
    sealed = seal_secret(runtime.keys, secret, user_id=user_id)
    assert open_secret(runtime.keys, sealed, user_id=user_id) == secret
    with pytest.raises(EnvelopeRefused):
        open_secret(runtime.keys, sealed, user_id=new_id())


async def test_signing_in_ends_nobody_s_cookie_and_keeps_none_that_was_there(visit: Visit) -> None:
    browser, email = visit(), new_email()
    await sign_up(browser, email=email)
    before = browser.inner.cookies[COOKIE]
    secret, _ = await enable(browser)
    # The same browser, with the cookie of before: a sign-in gives it another, and waiting for the code changes nothing.
    token = await begin(browser, email)
    assert browser.inner.cookies[COOKIE] == before
    assert (await complete(browser, token, code(secret))).status_code == 200
    assert browser.inner.cookies[COOKIE] != before


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, (422, "validation_failed")),
        ({"mfa_token": "fos_mfa_x", "code": "1"}, (422, "validation_failed")),
        ({"mfa_token": "fos_mfa_x", "code": "123456"}, (401, "mfa_token_invalid")),
        ({"mfa_token": "x" * 201, "code": "123456"}, (422, "validation_failed")),
    ],
)
async def test_bad_input_is_refused(browser: Client, body: dict[str, Any], expected: tuple[int, str]) -> None:
    assert refusal(await browser.post(COMPLETE, json=body)) == expected


async def test_another_site_cannot_complete_a_sign_in(visit: Visit) -> None:
    browser, email = visit(), new_email()
    await sign_up(browser, email=email)
    secret, _ = await enable(browser)
    body = {"mfa_token": await begin(visit(), email), "code": code(secret)}
    response = await visit().post(COMPLETE, json=body, headers={"Origin": "https://evil.example"})
    assert refusal(response) == (403, "cross_site_request")
