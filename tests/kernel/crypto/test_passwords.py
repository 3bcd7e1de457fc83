"""Passwords: each rule on its own, hashes that check, and equal work for accounts that do not exist."""

import asyncio
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fostr.kernel.crypto.passwords import (
    PasswordTooWeak,
    check_password,
    hash_password,
    verify_and_update,
    verify_password,
)

GOOD = "Correct-horse-7-battery"


def _unmet(password: str, email: str | None = None) -> Any:
    with pytest.raises(PasswordTooWeak) as refusal:
        check_password(password, email=email)
    assert refusal.value.status == 422
    assert refusal.value.code == "password_too_weak"
    return refusal.value.fields["unmet"]


@pytest.mark.parametrize("password", [GOOD, "Straße-12", "Aa1!Bb2?", "Zz9 €uro", "X" + "y" * 125 + "1!"])
def test_good_password_may_be_set(password: str) -> None:
    check_password(password, email="somebody@example.org")


@pytest.mark.parametrize(
    ("password", "unmet"),
    [
        ("Aa1!Bb2", ["too_short"]),
        ("X" + "y" * 126 + "1!", ["too_long"]),
        ("correct-horse-7-battery", ["no_uppercase"]),
        ("CORRECT-HORSE-7-BATTERY", ["no_lowercase"]),
        ("Correct-horse-battery", ["no_digit"]),
        ("Correct7horse7battery", ["no_special"]),
        ("Correct horse 7 battery", ["no_special"]),
        ("P@ssw0rd1!", ["too_common"]),
        ("Qwertyuiop123!", ["too_common"]),
        ("!!Summer2026", ["too_common"]),
        ("W3lc0me!!", ["too_common"]),
        ("", ["too_short", "no_uppercase", "no_lowercase", "no_digit", "no_special"]),
        ("пароль", ["too_short", "no_uppercase", "no_digit", "no_special"]),
    ],
)
def test_each_unmet_rule_is_named(password: str, unmet: list[str]) -> None:
    assert _unmet(password) == unmet


def test_password_that_contains_the_email_name_is_refused() -> None:
    assert _unmet("Marguerite-1926!", "marguerite@example.org") == ["contains_email"]
    check_password("Marguerite-1926!", email="duras@example.org")
    check_password("Boa-constrictor-1", email="bo@example.org")


@given(st.text(max_size=200))
def test_rules_only_ever_accept_or_refuse(password: str) -> None:
    try:
        check_password(password, email="somebody@example.org")
    except PasswordTooWeak:
        assert _unmet(password, "somebody@example.org")
    else:
        assert 8 <= len(password) <= 128


async def test_right_password_verifies_and_a_wrong_one_does_not() -> None:
    stored = await hash_password(GOOD, cost="light")
    assert stored.startswith("$argon2id$")
    assert await verify_password(GOOD, stored=stored, cost="light")
    assert not await verify_password(GOOD + "x", stored=stored, cost="light")
    assert not await verify_password("", stored=stored, cost="light")
    assert not await verify_password(GOOD, stored=None, cost="light")


async def test_same_password_never_has_the_same_hash() -> None:
    assert await hash_password(GOOD, cost="light") != await hash_password(GOOD, cost="light")


@settings(max_examples=25)
@given(st.text(st.characters(exclude_categories=()), max_size=40))
async def test_any_text_can_be_hashed_and_verified(password: str) -> None:
    stored = await hash_password(password, cost="light")
    assert await verify_password(password, stored=stored, cost="light")


async def test_two_ways_of_typing_one_character_are_one_password() -> None:
    stored = await hash_password("Cafe\N{COMBINING ACUTE ACCENT}-12-Noir", cost="light")
    assert await verify_password("Caf\N{LATIN SMALL LETTER E WITH ACUTE}-12-Noir", stored=stored, cost="light")


async def test_default_cost_is_the_least_that_owasp_advises() -> None:
    stored = await hash_password(GOOD)
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_hash_of_another_cost_is_made_anew_when_the_password_is_right() -> None:
    cheap = await hash_password(GOOD, cost="light")
    assert await verify_and_update("wrong", stored=cheap) == await verify_and_update("wrong", stored=None)

    verification = await verify_and_update(GOOD, stored=cheap)
    assert verification.valid
    assert verification.new_hash is not None
    assert verification.new_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert (await verify_and_update(GOOD, stored=verification.new_hash)).new_hash is None


async def test_unknown_account_takes_as_long_as_a_wrong_password() -> None:
    stored = await hash_password(GOOD)
    await verify_password("wrong", stored=None)  # The dummy hash is made once.

    async def shortest(hash_or_none: str | None) -> float:
        times: list[float] = []
        for _ in range(5):
            start = time.perf_counter()
            await verify_password("wrong", stored=hash_or_none)
            times.append(time.perf_counter() - start)
        return min(times)

    known, unknown = await shortest(stored), await shortest(None)
    assert 0.4 < known / unknown < 2.5


async def test_hashing_leaves_the_event_loop_free() -> None:
    hashing = asyncio.gather(*(hash_password(GOOD) for _ in range(6)))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0.001)
        turns += 1
    await hashing
    assert turns > 5
