"""Passwords: hashes that check, and equal work for accounts that do not exist."""

import asyncio
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fostr.kernel.crypto.passwords import STAND_INS, Cost, hash_password, verify_and_update, verify_password

GOOD = "Correct-horse-7-battery"


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


async def test_unknown_account_takes_as_much_work_as_a_wrong_password() -> None:
    stored = await hash_password(GOOD)

    async def work_of(hash_or_none: str | None) -> float:
        # Of this process alone, whatever else the machine does.
        start = time.process_time()
        await verify_password("wrong", stored=hash_or_none)
        return time.process_time() - start

    # In turns, so that what disturbs one disturbs the other.
    works = [(await work_of(stored), await work_of(None)) for _ in range(5)]
    known, unknown = (min(times) for times in zip(*works, strict=True))
    assert 0.4 < known / unknown < 2.5


async def test_hashing_leaves_the_event_loop_free() -> None:
    hashing = asyncio.gather(*(hash_password(GOOD) for _ in range(6)))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1
    await hashing
    # Hashes that the loop had to make itself would leave it a turn or two.
    assert turns > 50


@pytest.mark.parametrize("cost", ["default", "light"])
async def test_what_stands_in_for_a_missing_hash_costs_what_a_real_one_does(cost: Cost) -> None:
    made, real = STAND_INS[cost], await hash_password("anything", cost=cost)
    assert made.split("$")[:4] == real.split("$")[:4]
    assert [len(part) for part in made.split("$")] == [len(part) for part in real.split("$")]
