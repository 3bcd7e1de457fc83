"""Tokens carry 256 random bits and a checksum that refuses every single wrong character."""

import hashlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fostr.kernel.crypto.tokens import check_token, digest_token, is_same, mint_token, visible_start

PREFIXES = st.from_regex(r"[a-z]{1,6}(_[a-z]{1,6}){0,2}", fullmatch=True)
BASE62 = string.digits + string.ascii_letters


@given(PREFIXES)
def test_minted_token_is_well_formed(prefix: str) -> None:
    token = mint_token(prefix)
    assert token.startswith(f"{prefix}_")
    assert len(token) == len(prefix) + 1 + 43 + 6
    assert set(token[len(prefix) + 1 :]) <= set(BASE62)
    assert check_token(token)
    assert check_token(token, prefix=prefix)
    assert not check_token(token, prefix=f"{prefix}x")


@given(st.data())
def test_any_one_wrong_character_is_refused(data: st.DataObject) -> None:
    token = mint_token("fos_pat")
    at = data.draw(st.integers(0, len(token) - 1))
    instead = data.draw(st.sampled_from(BASE62 + "_-").filter(lambda character: character != token[at]))
    assert not check_token(token[:at] + instead + token[at + 1 :])


@given(st.integers(0, 43), st.integers(0, 43))
def test_two_swapped_characters_are_refused(one: int, other: int) -> None:
    token = mint_token("fos_live")
    characters = list(token)
    one, other = one + 9, other + 9
    characters[one], characters[other] = characters[other], characters[one]
    swapped = "".join(characters)
    assert check_token(swapped) is (swapped == token)


@given(st.integers(0, 56))
def test_truncated_token_is_refused(length: int) -> None:
    token = mint_token("fos_pat")
    assert len(token) == 57
    assert not check_token(token[:length])


@given(st.text())
def test_other_text_is_refused(text: str) -> None:
    assert not check_token(text)
    assert not check_token(mint_token("fos_pat") + text + " ")


def test_token_with_a_swapped_prefix_is_refused() -> None:
    token = mint_token("fos_pat")
    assert not check_token(token.replace("fos_pat", "fos_live"))


def test_tokens_never_repeat() -> None:
    assert len({mint_token("fos_pat") for _ in range(2000)}) == 2000


def test_every_random_character_takes_many_values() -> None:
    tokens = [mint_token("fos_pat")[8:] for _ in range(400)]
    # The first of 43 digits is small: 62**43 is only a little more than 2**256.
    assert all(len({token[at] for token in tokens}) > 40 for at in range(1, 43))


@pytest.mark.parametrize("prefix", ["", "_", "FOS", "_fos", "fos_", "fos__pat", "fos-pat", "fos pat", "fos1"])
def test_prefix_that_would_be_ambiguous_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="prefix"):
        mint_token(prefix)


def test_digest_is_sha_256_of_the_token() -> None:
    token = mint_token("fos_pat")
    assert digest_token(token) == hashlib.sha256(token.encode()).digest()
    assert digest_token(token) != digest_token(mint_token("fos_pat"))


def test_comparison_tells_equal_from_different() -> None:
    assert is_same("ü-secret", "ü-secret".encode())
    assert not is_same("secret", "secrets")
    assert not is_same("", b"x")


@given(PREFIXES)
def test_visible_start_tells_a_token_and_not_how_to_complete_it(prefix: str) -> None:
    token = mint_token(prefix)
    assert token.startswith(visible_start(token))
    assert len(visible_start(token)) == len(prefix) + 1 + 4
