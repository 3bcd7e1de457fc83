"""Activation: proving an address, choosing the first password, and asking for another link."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from fostr.domains.identity.public import create_account, request_activation
from fostr.domains.workspaces.public import add_member
from fostr.kernel import clock
from fostr.kernel.runtime import Runtime
from tests.identity.conftest import Visit
from tests.identity.letters import Letter, last_letter, letters_to
from tests.identity.people import COOKIE, PASSWORD, login, new_email, refresh, sign_up, who
from tests.support.cast import Cast, create_token
from tests.support.client import Client, Response, refusal
from tests.support.events import event_types
from tests.support.statements import watch_statements

VALIDATE = "/api/v1/auth/activation/validate"
COMPLETE = "/api/v1/auth/activation/complete"
RESEND = "/api/v1/auth/activation/resend"


async def provide(runtime: Runtime, email: str, *, workspace: UUID | None = None, name: str = "Grace") -> UUID:
    """Make an account without a password, as an invitation does, and have its activation mailed."""
    async with runtime.database.unit() as unit:
        user = await create_account(unit, email=email, full_name=name)
        if workspace is not None:
            await add_member(unit, workspace_id=workspace, user_id=user.id, role="member")
        await request_activation(unit, user_id=user.id, workspace_id=workspace)
    return user.id


async def validate(client: Client, letter: Letter) -> Response:
    return await client.get(VALIDATE, params=params_of(letter))


def params_of(letter: Letter) -> dict[str, str]:
    """Return what a page reads from the link."""
    query = parse_qs(urlsplit(letter.link).query)
    return {"token": letter.token, **{name: values[0] for name, values in query.items()}}


async def complete(client: Client, letter: Letter, **fields: Any) -> Response:
    return await client.post(COMPLETE, json={**params_of(letter), **fields})


async def test_an_account_without_a_password_is_activated(visit: Visit, runtime: Runtime, cast: Cast) -> None:
    email, browser = new_email("grace"), visit()
    user_id = await provide(runtime, email, workspace=cast.acme)
    letter = await last_letter(runtime, email, "activation")
    assert letter.subject == "Choose your password"
    assert letter.link.startswith(f"{runtime.settings.public_url}/activate?workspace_id={cast.acme}&token=fos_lnk_")

    shown = (await validate(browser, letter)).json()
    assert shown["user"] == {"id": str(user_id), "email": email, "full_name": "Grace"}
    assert shown["workspace"] == {"id": str(cast.acme), "name": "Acme"}
    assert shown["password_required"] is True

    assert refusal(await login(visit(), email)) == (401, "invalid_credentials")
    response = await complete(browser, letter, password=PASSWORD, full_name="Grace Hopper")
    assert response.status_code == 200
    answer = response.json()
    assert answer["user"]["email_verified_at"] is not None
    assert answer["user"]["full_name"] == "Grace Hopper"
    assert COOKIE in browser.inner.cookies
    (session,) = (await browser.get("/api/v1/auth/sessions")).json()["items"]
    assert (session["workspace_id"], session["is_current"]) == (str(cast.acme), True)
    assert (await who(visit().with_token(answer["access_token"]))).json()["email"] == email
    assert (await refresh(visit(), answer["refresh_token"])).status_code == 200
    assert (await login(visit(), email)).status_code == 200
    await letters_to(runtime, email)
    assert await event_types(runtime, cast.acme, entity_id=user_id) == ["account.activated"]


async def test_a_link_activates_once_and_once_only_at_the_same_moment(visit: Visit, runtime: Runtime) -> None:
    email = new_email("grace")
    await provide(runtime, email)
    letter = await last_letter(runtime, email, "activation")
    answers = await asyncio.gather(*(complete(visit(), letter, password=f"{PASSWORD}-{n}") for n in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200, 403, 403, 403, 403, 403]
    (won,) = [n for n, answer in enumerate(answers) if answer.status_code == 200]
    assert (await login(visit(), email, password=f"{PASSWORD}-{won}")).status_code == 200
    assert refusal(await complete(visit(), letter, password=PASSWORD)) == (403, "link_invalid")
    assert refusal(await validate(visit(), letter)) == (403, "link_invalid")


async def test_what_is_refused_leaves_the_link_good(visit: Visit, runtime: Runtime) -> None:
    email = new_email("grace")
    await provide(runtime, email)
    letter, browser = await last_letter(runtime, email, "activation"), visit()
    assert refusal(await complete(browser, letter)) == (422, "password_required")
    assert refusal(await complete(browser, letter, password="password1")) == (422, "password_too_weak")
    assert refusal(await complete(browser, letter, password="Grace-123456")) == (422, "password_too_weak")
    elsewhere = await browser.post(
        COMPLETE, json={**params_of(letter), "password": PASSWORD}, headers={"Origin": "https://evil.example"}
    )
    assert refusal(elsewhere) == (403, "cross_site_request")
    assert (await complete(browser, letter, password=PASSWORD)).status_code == 200


async def test_registering_sends_a_link_that_confirms_the_address(visit: Visit, runtime: Runtime) -> None:
    email = new_email()
    registered = await visit().post("/api/v1/auth/register", json={"email": email, "password": PASSWORD})
    assert registered.json()["email_verified_at"] is None
    # Signing in does not wait for it.
    assert (await login(visit(), email)).status_code == 200
    letter = await last_letter(runtime, email, "activation")
    assert letter.subject == "Confirm your address"
    assert "workspace_id" not in letter.link
    assert (await validate(visit(), letter)).json()["password_required"] is False
    answer = (await complete(visit(), letter)).json()
    assert answer["user"]["email_verified_at"] is not None
    assert (await login(visit(), email)).status_code == 200


async def test_signing_up_sends_a_link_that_names_the_workspace(visit: Visit, runtime: Runtime) -> None:
    email, browser = new_email(), visit()
    made = await sign_up(browser, email=email)
    letter = await last_letter(runtime, email, "activation")
    workspace = made["workspace"]
    assert (await validate(browser, letter)).json()["workspace"] == {"id": workspace["id"], "name": workspace["name"]}
    assert (await complete(browser, letter)).status_code == 200
    # Nobody else's session ends by an address being confirmed.
    assert (await who(visit().with_token(made["access_token"]))).status_code == 200


async def test_who_signed_up_with_anothers_address_is_put_out(visit: Visit, runtime: Runtime) -> None:
    email = new_email()
    squatter = visit()
    made = await sign_up(squatter, email=email)
    token = await create_token(runtime, made["user"]["id"])
    letter = await last_letter(runtime, email, "activation")
    assert (await complete(visit(), letter, password="Mine-alone-from-now")).status_code == 200
    assert refusal(await who(squatter)) == (401, "unauthorized")
    assert refusal(await who(visit().with_token(made["access_token"]))) == (401, "unauthorized")
    assert refusal(await refresh(visit(), made["refresh_token"])) == (401, "refresh_token_invalid")
    assert refusal(await who(visit().with_token(token))) == (401, "unauthorized")
    assert refusal(await login(visit(), email)) == (401, "invalid_credentials")
    assert (await login(visit(), email, password="Mine-alone-from-now")).status_code == 200


async def test_a_link_is_for_its_workspace_its_time_and_its_purpose(visit: Visit, runtime: Runtime, cast: Cast) -> None:
    email = new_email("grace")
    await provide(runtime, email, workspace=cast.acme)
    letter = await last_letter(runtime, email, "activation")
    for params in ({"token": letter.token}, {"token": letter.token, "workspace_id": str(cast.globex)}):
        assert refusal(await visit().get(VALIDATE, params=params)) == (403, "link_invalid")
        given = {**params, "password": PASSWORD}
        assert refusal(await visit().post(COMPLETE, json=given)) == (403, "link_invalid")
    reset = await visit().post("/api/v1/auth/reset-password", json={"token": letter.token, "new_password": PASSWORD})
    assert refusal(reset) == (403, "link_invalid")
    with clock.travel(to=clock.now() + timedelta(days=7, minutes=1)):
        assert refusal(await validate(visit(), letter)) == (403, "link_invalid")
    assert refusal(await visit().get(VALIDATE, params={"workspace_id": str(cast.acme)})) == (422, "validation_failed")
    async with runtime.database.unit() as unit:
        await unit.run("update users set is_active = false where email = :email", email=email)
    assert refusal(await validate(visit(), letter)) == (403, "link_invalid")
    assert refusal(await complete(visit(), letter, password=PASSWORD)) == (403, "link_invalid")


async def test_a_new_link_voids_the_one_before(visit: Visit, runtime: Runtime, cast: Cast) -> None:
    email = new_email("grace")
    await provide(runtime, email)
    first = await last_letter(runtime, email, "activation")
    response = await visit().post(RESEND, json={"email": email.upper()})
    assert (response.status_code, response.json()) == (200, {"ok": True})
    second = await last_letter(runtime, email, "activation")
    assert first.token != second.token
    assert refusal(await validate(visit(), first)) == (403, "link_invalid")
    assert (await complete(visit(), second, password=PASSWORD)).status_code == 200


async def test_asking_for_a_link_tells_nothing_of_who_has_an_account(
    visit: Visit, runtime: Runtime, cast: Cast
) -> None:
    waiting, active, unknown = new_email("waiting"), cast.member.email, new_email("nobody")
    await provide(runtime, waiting)
    async with runtime.database.unit() as unit:
        await unit.run("update users set password_hash = 'x' where email = :email", email=active)
    before = {email: len(await letters_to(runtime, email)) for email in (waiting, active, unknown)}
    seen: dict[str, list[str]] = {}
    answers: list[Response] = []
    for email in before:
        client = visit()
        with watch_statements() as seen[email]:
            answers.append(await client.post(RESEND, json={"email": email}))
    assert len({(answer.status_code, answer.text) for answer in answers}) == 1
    # The same work, statement by statement: who has an account is looked up by a job.
    assert seen[waiting] == seen[active] == seen[unknown] != []
    assert not any("from users" in text for text in seen[unknown])
    after = {email: len(await letters_to(runtime, email)) for email in before}
    assert after == {waiting: before[waiting] + 1, active: before[active], unknown: 0}


async def test_asking_and_guessing_are_throttled(visit: Visit) -> None:
    email, asking = new_email("nobody"), visit()
    for _ in range(5):
        assert (await asking.post(RESEND, json={"email": email})).status_code == 200
    refused = await asking.post(RESEND, json={"email": email})
    assert refusal(refused) == (429, "activation_throttled")
    assert 0 < int(refused.headers["retry-after"]) <= 3600
    # Its owner, who is elsewhere, is not kept from asking.
    assert (await visit().post(RESEND, json={"email": email})).status_code == 200

    guesser = visit()
    for _ in range(30):
        assert refusal(await guesser.get(VALIDATE, params={"token": "fos_lnk_x"})) == (403, "link_invalid")
    refused = await guesser.get(VALIDATE, params={"token": "fos_lnk_x"})
    assert refusal(refused) == (429, "link_throttled")
    assert int(refused.headers["retry-after"]) > 0
