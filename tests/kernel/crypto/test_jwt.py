"""A token is accepted for its key, type, audience and time, and for nothing else."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fostr.kernel import clock
from fostr.kernel.crypto.jwt import (
    ExpiredJwt,
    ForgedJwt,
    InvalidJwt,
    MisusedJwt,
    sign_jwt,
    verify_jwt,
)
from fostr.kernel.crypto.keys import Key, open_key_ring

ring = open_key_ring(["the new secret of this server, long enough", "the old secret of this server, long enough"])
new, old = ring.keys("access")
foreign = open_key_ring(["the secret of some other server, long enough"]).current("access")
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
CLAIMS: dict[str, Any] = {"sub": "somebody", "aud": "api", "exp": int(NOON.timestamp()) + 900}


def _verify(token: str) -> dict[str, Any]:
    with clock.travel(to=NOON, frozen=True):
        return verify_jwt(token, keys=ring.keys("access"), audience="api", kind="at+jwt")


def _sign(claims: Mapping[str, Any] = CLAIMS, *, key: Key = new, kind: str = "at+jwt") -> str:
    return sign_jwt(claims, key=key, kind=kind)


def _segment(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _handmade(header: Any, claims: Any = CLAIMS, *, key: bytes = new.value) -> str:
    """Sign whatever header is given with the right key, as a well-informed forger would wish to."""
    message = f"{_segment(header)}.{_segment(claims)}"
    signature = hmac.digest(key, message.encode(), hashlib.sha256)
    return f"{message}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def test_signed_claims_come_back() -> None:
    assert _verify(_sign()) == CLAIMS
    assert _verify(_handmade({"alg": "HS256", "typ": "at+jwt", "kid": new.id})) == CLAIMS


def test_token_of_the_former_key_is_accepted_and_of_a_foreign_one_refused() -> None:
    assert _verify(_sign(key=old)) == CLAIMS
    with pytest.raises(ForgedJwt):
        _verify(_sign(key=foreign))
    with pytest.raises(ForgedJwt):
        _verify(_sign(key=Key(id=new.id, value=foreign.value)))


def test_token_is_over_at_its_end_and_not_before() -> None:
    token = _sign()
    keys = ring.keys("access")
    with clock.travel(to=NOON + timedelta(seconds=899), frozen=True):
        assert verify_jwt(token, keys=keys, audience="api", kind="at+jwt") == CLAIMS
        clock.advance(timedelta(seconds=1))
        with pytest.raises(ExpiredJwt):
            verify_jwt(token, keys=keys, audience="api", kind="at+jwt")


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "mcp"},
        {"aud": None},
        {"aud": ["mcp", "web"]},
        {"aud": {"api": 1}},
        {"nbf": int(NOON.timestamp()) + 60},
        {"sub": 7},
        {"iat": "yesterday"},
    ],
)
def test_token_for_something_else_is_misused(changed: dict[str, Any]) -> None:
    assert _verify(_sign()) == CLAIMS
    with pytest.raises(MisusedJwt):
        _verify(_sign({**CLAIMS, **changed}))


def test_token_of_another_type_is_misused() -> None:
    for kind in ("JWT", "rt+jwt"):
        with pytest.raises(MisusedJwt):
            _verify(_sign(kind=kind))


def test_token_for_an_audience_is_refused_where_none_is_expected() -> None:
    with clock.travel(to=NOON), pytest.raises(MisusedJwt):
        verify_jwt(_sign(), keys=ring.keys("access"), kind="at+jwt")


def test_token_without_audience_serves_where_none_is_expected() -> None:
    claims = {"exp": CLAIMS["exp"]}
    with clock.travel(to=NOON):
        assert verify_jwt(_sign(claims), keys=ring.keys("access"), kind="at+jwt") == claims


def test_issue_time_slightly_ahead_is_accepted() -> None:
    claims = {**CLAIMS, "iat": int(NOON.timestamp()) + 2}
    assert _verify(_sign(claims)) == claims


@pytest.mark.parametrize("exp", [None, "tomorrow", True, float("nan"), [9999999999]])
def test_token_without_a_proper_end_is_misused(exp: Any) -> None:
    header = {"alg": "HS256", "typ": "at+jwt", "kid": new.id}
    with pytest.raises(MisusedJwt):
        _verify(_handmade(header, {**CLAIMS, "exp": exp}))
    with pytest.raises(MisusedJwt):
        _verify(_handmade(header, {"aud": "api"}))


def test_token_without_an_end_is_never_signed() -> None:
    with pytest.raises(ValueError, match="end"):
        sign_jwt({"sub": "somebody"}, key=new)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "typ": "at+jwt", "kid": new.id},
        {"alg": "None", "typ": "at+jwt", "kid": new.id},
        {"alg": "HS384", "typ": "at+jwt", "kid": new.id},
        {"alg": "RS256", "typ": "at+jwt", "kid": new.id},
        {"typ": "at+jwt", "kid": new.id},
        {"alg": "HS256", "typ": "at+jwt"},
        {"alg": "HS256", "typ": "at+jwt", "kid": 7},
        {"alg": "HS256", "typ": "at+jwt", "kid": new.id, "crit": ["b64"], "b64": False},
        {"alg": "HS256", "typ": "at+jwt", "kid": new.id, "crit": ["unheard-of"], "unheard-of": 1},
        ["HS256"],
        "HS256",
        None,
    ],
)
def test_header_that_asks_for_anything_else_is_refused(header: Any) -> None:
    with pytest.raises(ForgedJwt):
        _verify(_handmade(header))


def test_unsigned_token_is_refused() -> None:
    unsigned = f"{_segment({'alg': 'none', 'typ': 'at+jwt', 'kid': new.id})}.{_segment(CLAIMS)}."
    with pytest.raises(ForgedJwt):
        _verify(unsigned)
    with pytest.raises(ForgedJwt):
        _verify(_sign().rpartition(".")[0] + ".")


@pytest.mark.parametrize("claims", [[], "text", 7, None])
def test_payload_that_is_no_object_is_refused(claims: Any) -> None:
    with pytest.raises(ForgedJwt):
        _verify(_handmade({"alg": "HS256", "typ": "at+jwt", "kid": new.id}, claims))


@given(st.text(max_size=200))
def test_nonsense_is_forged_and_nothing_else_is_raised(nonsense: str) -> None:
    for token in (nonsense, f"{nonsense}.{nonsense}.{nonsense}", f"{_sign()}{nonsense}x"):
        with pytest.raises(InvalidJwt):
            _verify(token)


def test_endless_token_is_refused_unread() -> None:
    with pytest.raises(ForgedJwt, match="too long"):
        _verify(_sign({**CLAIMS, "more": "x" * 9000}))


@given(st.data())
def test_any_altered_character_is_refused(data: st.DataObject) -> None:
    token = _sign()
    # The last character of a segment has spare bits, which base64 readers may ignore: they sign nothing.
    spare = {token.index(".") - 1, token.rindex(".") - 1, len(token) - 1}
    at = data.draw(st.integers(0, len(token) - 1).filter(lambda place: place not in spare))
    alphabet = "ABCXYZabcxyz0189-_."
    instead = data.draw(st.sampled_from(alphabet).filter(lambda character: character != token[at]))
    with pytest.raises(InvalidJwt):
        _verify(token[:at] + instead + token[at + 1 :])
