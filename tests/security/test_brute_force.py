"""Guessing is stopped, wherever something is guessed, and whoever is guessed at is not shut out by it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import pytest

from fostr.kernel import clock
from fostr.kernel.crypto.tokens import mint_token
from tests.contract.walk import Operation
from tests.identity.conftest import Visit
from tests.identity.people import PASSWORD, login, new_email, sign_up, who
from tests.identity.test_passkeys import register, sign_in
from tests.identity.test_second_factor import begin, code, complete, enable
from tests.security.test_enumeration import WRONG
from tests.support.authenticator import Device
from tests.support.client import Client, Response, refusal


@dataclass(frozen=True, slots=True)
class Guess:
    """What somebody sends who guesses.

    Attributes:
        most: how many are looked at, from one place and about one account.
        code: how the next is refused.
        answer: the status of those before.
    """

    most: int
    code: str
    answer: int
    body: dict[str, Any] | None = None
    query: dict[str, str] = field(default_factory=dict[str, str])

    async def send(self, client: Client, operation: str, *, email: str) -> Response:
        """Send it, about an account where it is about one."""
        method, _, path = operation.partition(" ")
        body = self.body
        if body is not None and "email" in body:
            body = {**body, "email": email}
        return await client.request(method, path.replace("{job_id}", "0" * 32), params=self.query, json=body)


LINK: Final = mint_token("fos_lnk")
ACCOUNT: Final[dict[str, Any]] = {"email": "", "password": "short", "full_name": "Ada"}

GUESSES: Final[dict[str, Guess]] = {
    "POST /api/v1/auth/login": Guess(10, "sign_in_throttled", 401, {"email": "", "password": WRONG}),
    "POST /api/v1/auth/refresh": Guess(100, "refresh_throttled", 401, {"refresh_token": mint_token("fos_ref")}),
    "POST /api/v1/auth/reset-password": Guess(30, "link_throttled", 403, {"token": LINK, "new_password": PASSWORD}),
    "POST /api/v1/auth/request-password-reset": Guess(5, "password_reset_throttled", 200, {"email": ""}),
    "GET /api/v1/auth/activation/validate": Guess(30, "link_throttled", 403, query={"token": LINK}),
    "POST /api/v1/auth/activation/complete": Guess(30, "link_throttled", 403, {"token": LINK, "password": PASSWORD}),
    "POST /api/v1/auth/activation/resend": Guess(5, "activation_throttled", 200, {"email": ""}),
    "POST /api/v1/auth/impersonate/exchange": Guess(30, "link_throttled", 403, {"token": LINK}),
    "GET /api/v1/notifications/unsubscribe": Guess(30, "unsubscribe_throttled", 400, query={"token": LINK}),
    "POST /api/v1/notifications/unsubscribe": Guess(30, "unsubscribe_throttled", 400, query={"token": LINK}),
    "GET /api/v1/workspaces/invitation-details": Guess(30, "link_throttled", 404, query={"token": LINK}),
    "POST /api/v1/workspaces/accept-invitation": Guess(30, "link_throttled", 404, {"token": LINK}),
    "POST /api/v1/auth/setup": Guess(
        30, "setup_throttled", 403, {**ACCOUNT, "password": PASSWORD, "company_name": "A", "token": LINK}
    ),
    "GET /api/v1/auth/signup/jobs/{job_id}/stream": Guess(30, "following_throttled", 404),
    "POST /api/v1/auth/register": Guess(100, "registration_throttled", 422, ACCOUNT),
    "POST /api/v1/auth/signup": Guess(100, "registration_throttled", 422, {**ACCOUNT, "company_name": "A"}),
    "POST /api/v1/auth/signup/async": Guess(100, "registration_throttled", 422, {**ACCOUNT, "company_name": "A"}),
    "POST /api/v1/auth/passkeys/begin": Guess(200, "passkey_throttled", 200),
}
"""Each public operation at which something can be guessed, or filled up."""

SHARED: Final = "a token of 160 bits; tests/records/test_shares.py counts what is tried for a link's password"
NOT_GUESSED: Final = {
    "POST /api/v1/auth/login/second-factor": "five codes for a token of 256 bits, and twenty an hour for an account",
    "POST /api/v1/auth/passkeys/sign-in": "a signature on a challenge, of which only so many are given out",
    "POST /api/v1/auth/clerk/check-user": "off, until the operator sets a secret; its own tests set one, and count",
    "GET /api/v1/files/pictures/{owner_id}/{picture_id}": "a picture that is shown to whoever has its address",
    "GET /api/v1/files/signed/{key}": "a signature of 256 bits",
    "HEAD /api/v1/files/signed/{key}": "a signature of 256 bits",
    "PUT /api/v1/files/signed/{key}": "a signature of 256 bits",
    "GET /api/v1/import/error-reports/{job_id}/download": "a signature of 256 bits",
    "GET /api/v1/public/tables/{share_token}": SHARED,
    "GET /api/v1/public/tables/{share_token}/rows": SHARED,
    "GET /api/v1/public/tables/{share_token}/download": SHARED,
    "GET /api/v1/ready": "holds no secret",
}
"""The others, and what there is in the place of a count."""


def test_every_public_operation_is_counted_or_cannot_be_guessed(operations: list[Operation]) -> None:
    public = {o.name for o in operations if o.guard == "public" and o.path.startswith("/api/")}
    assert public == GUESSES.keys() | NOT_GUESSED.keys()


@pytest.mark.parametrize("name", GUESSES)
async def test_guessing_is_stopped_there_and_only_for_a_while(visit: Visit, name: str) -> None:
    guess, email = GUESSES[name], new_email("victim")
    guesser = visit()
    for _ in range(guess.most):
        assert (await guess.send(guesser, name, email=email)).status_code == guess.answer
    refused = await guess.send(guesser, name, email=email)
    assert refusal(refused) == (429, guess.code)
    seconds = int(refused.headers["retry-after"])
    assert 0 < seconds <= 3600
    # Somebody who is elsewhere is not kept from it.
    assert (await guess.send(visit(), name, email=email)).status_code == guess.answer
    # Trying on does not make the pause longer.
    with clock.travel(to=clock.now() + timedelta(seconds=seconds - 30)):
        for _ in range(3):
            assert (await guess.send(guesser, name, email=email)).status_code == 429
    with clock.travel(to=clock.now() + timedelta(seconds=seconds + 1)):
        assert (await guess.send(guesser, name, email=email)).status_code == guess.answer


async def test_whoever_is_guessed_at_from_everywhere_goes_on_and_gets_in(visit: Visit) -> None:
    """A hundred wrong passwords from as many places stop the next password, and nothing else of the person's."""
    browser, email, device = visit(), new_email("victim"), Device()
    made = await sign_up(browser, email=email)
    assert (await register(browser, device)).status_code == 201
    for _ in range(100):
        await login(visit(), email, password=WRONG)
    refused = await login(visit(), email)
    assert refusal(refused) == (429, "sign_in_throttled")
    assert (await who(browser)).status_code == 200
    assert (await who(visit().with_token(made["access_token"]))).status_code == 200
    pair = await visit().post("/api/v1/auth/refresh", json={"refresh_token": made["refresh_token"]})
    assert pair.status_code == 200
    assert (await sign_in(visit(), device)).status_code == 200
    # It is over in a quarter of an hour, although the guessing went on all the time.
    start = clock.now()
    with clock.travel(to=start + timedelta(minutes=14)):
        assert refusal(await login(visit(), email, password=WRONG)) == (429, "sign_in_throttled")
    with clock.travel(to=start + timedelta(minutes=15, seconds=5)):
        assert (await login(visit(), email)).status_code == 200


async def test_right_passwords_do_not_open_a_way_to_guess_on(visit: Visit) -> None:
    """Somebody with an account of their own signs in between, so that their address seems a good one."""
    victim, own, guesser = new_email("victim"), new_email("guesser"), visit()
    for email in (victim, own):
        await sign_up(visit(), email=email)
    answers: list[int] = []
    for _ in range(12):
        answers.append((await login(guesser, victim, password=WRONG)).status_code)
        assert (await login(guesser, own)).status_code == 200
    assert answers == [401] * 10 + [429] * 2


async def test_who_has_the_password_does_not_guess_the_code_nor_shut_its_owner_out_for_long(visit: Visit) -> None:
    browser, email = visit(), new_email("victim")
    await sign_up(browser, email=email)
    secret, codes = await enable(browser)
    outcomes: list[tuple[int, str]] = []
    for _ in range(5):
        token = await begin(visit(), email)
        # Each from a place of its own: what is counted is the account, since a code is a short thing.
        outcomes += [refusal(await complete(visit(), token, f"{number:06}")) for number in range(5)]
    assert outcomes[:20] == [(401, "second_factor_wrong")] * 20
    assert set(outcomes[20:]) <= {(429, "second_factor_throttled"), (401, "mfa_token_invalid")}
    throttled = await complete(visit(), await begin(visit(), email), codes[0])
    assert refusal(throttled) == (429, "second_factor_throttled")
    with clock.travel(to=clock.now() + timedelta(hours=1, seconds=5)):
        assert (await complete(visit(), await begin(visit(), email), code(secret))).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "answer", "refused"),
    [
        ("/api/v1/auth/confirm", {"password": WRONG}, 403, "confirmation_throttled"),
        (
            "/api/v1/auth/me/password",
            {"current_password": WRONG, "new_password": "Note-G-Bernoulli-7"},
            403,
            "password_change_throttled",
        ),
    ],
)
async def test_a_session_that_was_left_open_does_not_give_the_password_away(
    visit: Visit, path: str, body: dict[str, Any], answer: int, refused: str
) -> None:
    browser, email = visit(), new_email()
    await sign_up(browser, email=email)
    for _ in range(10):
        assert (await browser.post(path, json=body)).status_code == answer
    assert refusal(await browser.post(path, json=body)) == (429, refused)
    # Its owner is elsewhere, and signs in as always.
    assert (await login(visit(), email)).status_code == 200


async def test_counts_are_kept_for_the_account_however_its_address_is_written(visit: Visit) -> None:
    email, guesser = new_email("victim"), visit()
    await sign_up(visit(), email=email)
    local, _, domain = email.partition("@")
    written = [email, email.upper(), f"{local.title()}@{domain}", f"{local}@{domain.upper()}"]
    answers = [(await login(guesser, written[number % 4], password=WRONG)).status_code for number in range(12)]
    assert answers == [401] * 10 + [429] * 2
