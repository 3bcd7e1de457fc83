"""Passwords: each rule on its own, the list of common ones, and what follows from a new one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from fostr.domains.identity.passwords.errors import PasswordTooWeak
from fostr.domains.identity.passwords.frequent import is_common
from fostr.domains.identity.passwords.rules import check_password
from fostr.kernel.runtime import Runtime
from tests.identity.conftest import Visit
from tests.identity.letters import last_letter, letters_to
from tests.identity.people import PASSWORD, login, new_email, sign_up, who
from tests.support.client import Client, refusal
from tests.support.events import event_types
from tests.support.statements import watch_statements

NEW = "Note-G-Bernoulli-7"


def unmet(password: str, **person: str) -> Any:
    with pytest.raises(PasswordTooWeak) as refused:
        check_password(password, **person)
    assert (refused.value.status, refused.value.code) == (422, "password_too_weak")
    return refused.value.fields["unmet"]


async def change(client: Client, *, current: str = PASSWORD, new: str = NEW) -> Any:
    body = {"current_password": current, "new_password": new}
    return await client.post("/api/v1/auth/me/password", json=body)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "Correct-horse-7-battery",
        "tr0ub4dor et al",
        "Straße-12",
        "пароль от дома",
        "zx9qk2vb",
        "X" + "yz" * 62 + "1!",
        "dragon 84739 16850",
    ],
)
def test_a_good_password_may_be_set(password: str) -> None:
    check_password(password, email="somebody@example.org", full_name="Grace Hopper")


@pytest.mark.parametrize(
    ("password", "rules"),
    [
        ("zx9qk2v", ["too_short"]),
        ("", ["too_short"]),
        ("X" + "yz" * 63 + "1!", ["too_long"]),
        ("aaaaaaaaaaaa", ["too_uniform"]),
        ("password", ["too_common"]),
        ("PassWord", ["too_common"]),
        ("qwertyuiop", ["too_common"]),
        ("P@ssw0rd1!", ["too_common"]),
        ("Qwertyuiop123!", ["too_common"]),
        ("!!Summer2026", ["too_common"]),
        ("W3lc0me!!", ["too_common"]),
        ("Fostr2026!", ["too_common"]),
    ],
)
def test_each_unmet_rule_is_named(password: str, rules: list[str]) -> None:
    assert unmet(password) == rules


def test_every_password_of_the_list_is_refused_in_any_case() -> None:
    listed: list[str] = FREQUENCY_LISTS["passwords"]
    assert len(listed) == 30_000
    assert [word for word in listed if not is_common(word)] == []
    assert [word for word in listed[:3000] if not is_common(word.upper())] == []
    assert not is_common("a line\nof two, password")
    assert not is_common("")


def test_a_password_made_of_the_person_is_refused() -> None:
    assert unmet("Marguerite-1926!", email="marguerite@example.org") == ["contains_email"]
    assert unmet("!!Hopper1906", full_name="Grace Hopper") == ["contains_name"]
    assert unmet("xx-grace.hopper-xx", full_name="Grace Hopper") == ["contains_name"]
    check_password("Marguerite-1926!", email="duras@example.org")
    check_password("Boa-constrictor-1", email="bo@example.org", full_name="Bo")
    check_password("the hopper is full", full_name="Grace Hopper")


@given(st.text(max_size=200), st.text(max_size=30))
def test_rules_only_ever_accept_or_refuse(password: str, name: str) -> None:
    try:
        check_password(password, email="somebody@example.org", full_name=name)
    except PasswordTooWeak:
        assert unmet(password, email="somebody@example.org", full_name=name)
    else:
        assert 8 <= len(password) <= 128


async def test_the_answer_says_why(visit: Visit) -> None:
    body = {"email": new_email(), "password": "Password123!", "full_name": "Ada"}
    response = await visit().post("/api/v1/auth/register", json=body)
    assert refusal(response) == (422, "password_too_weak")
    assert response.json()["unmet"] == ["too_common"]
    assert "tried first" in response.json()["detail"]
    assert "Password123!" not in response.text


async def test_the_same_rules_hold_wherever_a_password_is_set(visit: Visit, runtime: Runtime) -> None:
    email, browser = new_email(), visit()
    await sign_up(browser, email=email)
    own = email.partition("@")[0]
    assert (await change(browser, new=f"{own}-1843")).json()["unmet"] == ["contains_email"]
    assert (await change(browser, new="Lovelace!!1")).json()["unmet"] == ["contains_name"]
    await visit().post("/api/v1/auth/request-password-reset", json={"email": email})
    token = (await last_letter(runtime, email, "password_reset")).token
    for new in (f"{own}-1843", "Lovelace!!1", "letmein123"):
        body = {"token": token, "new_password": new}
        assert refusal(await visit().post("/api/v1/auth/reset-password", json=body)) == (422, "password_too_weak")
    assert (await login(visit(), email)).status_code == 200


async def test_a_change_is_told_by_mail_and_to_the_workspace(visit: Visit, runtime: Runtime) -> None:
    email, browser, elsewhere = new_email(), visit(), visit()
    made = await sign_up(browser, email=email)
    await login(elsewhere, email)
    await visit().post("/api/v1/auth/request-password-reset", json={"email": email})
    open_link = (await last_letter(runtime, email, "password_reset")).token
    assert (await change(browser)).json() == {"ok": True}
    assert (await who(browser)).status_code == 200
    assert refusal(await who(elsewhere)) == (401, "unauthorized")
    # A link that was mailed before does not undo it.
    body = {"token": open_link, "new_password": PASSWORD}
    assert refusal(await visit().post("/api/v1/auth/reset-password", json=body)) == (403, "link_invalid")
    letter = (await letters_to(runtime, email))[-1]
    assert (letter.template, letter.subject) == ("password_changed", "Your password was changed")
    assert f"{runtime.settings.public_url}/forgot-password" in letter.text
    types = await event_types(runtime, made["workspace"]["id"], entity_id=made["user"]["id"])
    assert types == ["account.password_changed"]


async def test_a_refused_change_is_told_to_nobody(visit: Visit, runtime: Runtime) -> None:
    email, browser = new_email(), visit()
    made = await sign_up(browser, email=email)
    assert refusal(await change(browser, current="Not-the-one-1843")) == (403, "current_password_wrong")
    assert refusal(await change(visit())) == (401, "unauthorized")
    assert [letter.template for letter in await letters_to(runtime, email)] == ["activation"]
    assert await event_types(runtime, made["workspace"]["id"], entity_id=made["user"]["id"]) == []


async def test_a_rush_of_sign_ins_leaves_connections_for_others(visit: Visit) -> None:
    email = new_email()
    await sign_up(visit(), email=email)
    rush = asyncio.gather(*(login(visit(), email) for _ in range(60)))
    assert (await visit().get("/api/v1/ready")).status_code == 200
    assert {answer.status_code for answer in await rush} == {200}


async def test_wrong_passwords_and_unknown_accounts_take_the_same_steps(visit: Visit, runtime: Runtime) -> None:
    known, closed, without = new_email(), new_email("closed"), new_email("without")
    for email in (known, closed, without):
        await sign_up(visit(), email=email)
    async with runtime.database.unit() as unit:
        await unit.run("update users set is_active = false where email = :email", email=closed)
        await unit.run("update users set password_hash = null where email = :email", email=without)
    steps: list[list[str]] = []
    for email in (known, closed, without, new_email("nobody")):
        client = visit()
        with watch_statements() as statements:
            assert refusal(await login(client, email, password="Not-the-one-1843")) == (401, "invalid_credentials")
        steps.append(statements)
    assert steps[0]
    assert all(taken == steps[0] for taken in steps)
