"""Recovery: asking for a new password tells nothing, and setting one puts everybody else out."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from fostr.domains.identity.public import mint_password_reset, send_password_reset
from fostr.kernel import clock
from fostr.kernel.auth.links import mint_link
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.identity.conftest import Visit
from tests.identity.letters import last_letter, letters_to
from tests.identity.people import COOKIE, login, new_email, refresh, sign_up, who
from tests.support.cast import create_token
from tests.support.client import Client, Response, refusal
from tests.support.events import event_types
from tests.support.statements import watch_statements

REQUEST = "/api/v1/auth/request-password-reset"
RESET = "/api/v1/auth/reset-password"
NEW = "Note-G-Bernoulli-7"


async def ask(client: Client, email: str) -> Response:
    return await client.post(REQUEST, json={"email": email})


async def reset(client: Client, token: str, *, password: str = NEW) -> Response:
    return await client.post(RESET, json={"token": token, "new_password": password})


async def token_for(visit: Visit, runtime: Runtime, email: str) -> str:
    assert (await ask(visit(), email)).status_code == 200
    return (await last_letter(runtime, email, "password_reset")).token


async def test_a_forgotten_password_is_replaced(visit: Visit, runtime: Runtime) -> None:
    email, browser = new_email(), visit()
    made = await sign_up(browser, email=email)
    response = await ask(visit(), email.upper())
    assert (response.status_code, response.json()) == (200, {"ok": True})
    letter = await last_letter(runtime, email, "password_reset")
    assert letter.link.startswith(f"{runtime.settings.public_url}/reset-password?token=fos_lnk_")

    fresh = visit()
    response = await reset(fresh, letter.token)
    assert (response.status_code, response.json()) == (200, {"ok": True})
    # Nobody is signed in by it.
    assert COOKIE not in fresh.inner.cookies
    assert refusal(await login(visit(), email)) == (401, "invalid_credentials")
    signed_in = (await login(visit(), email, password=NEW)).json()
    # The mail proved the address.
    assert signed_in["user"]["email_verified_at"] is not None
    assert [one.template for one in await letters_to(runtime, email)][-1] == "password_changed"
    types = await event_types(runtime, made["workspace"]["id"], entity_id=made["user"]["id"])
    assert types == ["account.password_changed"]


async def test_it_ends_every_session_and_every_other_link(visit: Visit, runtime: Runtime) -> None:
    email, browser = new_email(), visit()
    made = await sign_up(browser, email=email)
    elsewhere = (await login(visit(), email)).json()
    activation = await last_letter(runtime, email, "activation")
    token = await token_for(visit, runtime, email)
    assert (await reset(visit(), token)).status_code == 200
    assert refusal(await who(browser)) == (401, "unauthorized")
    for pair in (made, elsewhere):
        assert refusal(await who(visit().with_token(pair["access_token"]))) == (401, "unauthorized")
        assert refusal(await refresh(visit(), pair["refresh_token"])) == (401, "refresh_token_invalid")
    params = {"token": activation.token, "workspace_id": made["workspace"]["id"]}
    validated = await visit().get("/api/v1/auth/activation/validate", params=params)
    assert refusal(validated) == (403, "link_invalid")
    assert refusal(await reset(visit(), token, password="Another-one-9")) == (403, "link_invalid")


async def test_tokens_fall_only_where_the_address_was_not_proved(visit: Visit, runtime: Runtime) -> None:
    for is_verified in (True, False):
        email = new_email()
        made = await sign_up(visit(), email=email)
        pat = await create_token(runtime, made["user"]["id"])
        if is_verified:
            async with runtime.database.unit() as unit:
                await unit.run("update users set email_verified_at = now() where email = :email", email=email)
        assert (await reset(visit(), await token_for(visit, runtime, email))).status_code == 200
        assert (await who(visit().with_token(pat))).status_code == (200 if is_verified else 401)


async def test_of_parallel_uses_one_wins(visit: Visit, runtime: Runtime) -> None:
    email = new_email()
    await sign_up(visit(), email=email)
    token = await token_for(visit, runtime, email)
    answers = await asyncio.gather(*(reset(visit(), token, password=f"{NEW}-{n}") for n in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200, 403, 403, 403, 403, 403]
    (won,) = [n for n, answer in enumerate(answers) if answer.status_code == 200]
    assert (await login(visit(), email, password=f"{NEW}-{won}")).status_code == 200


async def test_a_new_link_voids_the_old_and_an_hour_ends_it(visit: Visit, runtime: Runtime) -> None:
    email = new_email()
    await sign_up(visit(), email=email)
    first = await token_for(visit, runtime, email)
    second = await token_for(visit, runtime, email)
    assert first != second
    assert refusal(await reset(visit(), first)) == (403, "link_invalid")
    with clock.travel(to=clock.now() + timedelta(minutes=61)):
        assert refusal(await reset(visit(), second)) == (403, "link_invalid")
    assert (await reset(visit(), second)).status_code == 200


async def test_a_weak_password_leaves_the_link_good(visit: Visit, runtime: Runtime) -> None:
    email = new_email()
    await sign_up(visit(), email=email)
    token = await token_for(visit, runtime, email)
    refused = await reset(visit(), token, password="P@ssw0rd1!")
    assert refusal(refused) == (422, "password_too_weak")
    assert refused.json()["unmet"] == ["too_common"]
    assert refusal(await reset(visit(), token, password="Ada Lovelace 1")) == (422, "password_too_weak")
    assert (await reset(visit(), token)).status_code == 200


async def test_what_is_no_such_link_is_refused_alike(visit: Visit, runtime: Runtime) -> None:
    email = new_email()
    made = await sign_up(visit(), email=email)
    async with runtime.database.unit() as unit:
        other = await mint_link(unit, purpose="invitation", user_id=made["user"]["id"], lifetime=timedelta(hours=1))
    answers = [await reset(visit(), token) for token in ("", "x", other.token, "fos_lnk_" + "0" * 49)]
    assert {refusal(answer) for answer in answers} == {(403, "link_invalid")}
    assert len({answer.json()["detail"] for answer in answers}) == 1
    assert (await login(visit(), email)).status_code == 200


async def test_asking_tells_nothing_of_who_has_an_account(visit: Visit, runtime: Runtime) -> None:
    known, closed, unknown = new_email(), new_email("closed"), new_email("nobody")
    for email in (known, closed):
        await sign_up(visit(), email=email)
    async with runtime.database.unit() as unit:
        await unit.run("update users set is_active = false where email = :email", email=closed)
    seen: dict[str, list[str]] = {}
    answers: list[Response] = []
    for email in (known, closed, unknown):
        client = visit()
        with watch_statements() as seen[email]:
            answers.append(await ask(client, email))
    assert len({(answer.status_code, answer.text) for answer in answers}) == 1
    assert {frozenset(answer.headers) for answer in answers} == {frozenset(answers[0].headers)}
    # The same work, statement by statement: who has an account is looked up by a job.
    assert seen[known] == seen[closed] == seen[unknown] != []
    assert not any("from users" in text for text in seen[unknown])
    assert (await last_letter(runtime, known, "password_reset")).token
    assert "password_reset" not in {letter.template for letter in await letters_to(runtime, closed)}
    assert await letters_to(runtime, unknown) == []


async def test_a_job_keeps_no_token(visit: Visit, runtime: Runtime) -> None:
    email = new_email()
    await sign_up(visit(), email=email)
    token = await token_for(visit, runtime, email)
    async with runtime.database.unit() as unit:
        kept, telling = await unit.row(
            """
            select count(*), count(*) filter (where position(:token in k.row) > 0) from (
                select j::text as row from jobs j
                union all select e::text from job_events e
                union all select l::text from links l
                union all select m::text from mails m
            ) k
            """,
            token=token,
        ) or (0, 0)
    assert kept > 0
    assert telling == 0


async def test_asking_is_throttled_alike_for_known_and_unknown(visit: Visit) -> None:
    known = new_email()
    await sign_up(visit(), email=known)
    for email in (known, new_email("nobody")):
        asking = visit()
        assert [(await ask(asking, email)).status_code for _ in range(6)] == [200] * 5 + [429]
        refused = await ask(asking, email)
        assert refusal(refused) == (429, "password_reset_throttled")
        assert 0 < int(refused.headers["retry-after"]) <= 3600
        assert (await ask(visit(), email)).status_code == 200


async def test_a_mailbox_is_not_flooded_from_many_places(visit: Visit) -> None:
    email = new_email("nobody")
    assert {(await ask(visit(), email)).status_code for _ in range(20)} == {200}
    assert refusal(await ask(visit(), email)) == (429, "password_reset_throttled")
    with clock.travel(to=clock.now() + timedelta(minutes=61)):
        assert (await ask(visit(), email)).status_code == 200


async def test_whoever_is_kept_out_by_guessers_comes_in_by_a_reset(visit: Visit, runtime: Runtime) -> None:
    email = new_email()
    await sign_up(visit(), email=email)
    for _ in range(100):
        await login(visit(), email, password="Guess-guess-1")
    assert refusal(await login(visit(), email)) == (429, "sign_in_throttled")
    assert (await reset(visit(), await token_for(visit, runtime, email))).status_code == 200
    assert (await login(visit(), email, password=NEW)).status_code == 200


async def test_links_can_be_made_and_mailed_for_somebody(visit: Visit, runtime: Runtime) -> None:
    email = new_email()
    made = await sign_up(visit(), email=email)
    user_id = made["user"]["id"]
    async with runtime.database.unit() as unit:
        link = await mint_password_reset(unit, settings=runtime.settings, user_id=user_id)
    assert link.url not in repr(link)
    assert (await reset(visit(), link.url.partition("token=")[2])).status_code == 200
    async with runtime.database.unit() as unit:
        assert await send_password_reset(unit, runtime=runtime, user_id=user_id) is not None
        assert await send_password_reset(unit, runtime=runtime, user_id=new_id()) is None
    assert (await reset(visit(), (await last_letter(runtime, email, "password_reset")).token)).status_code == 200
