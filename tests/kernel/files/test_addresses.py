"""A signed address allows exactly what was signed, for as long as was signed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fostr.kernel import clock
from fostr.kernel.crypto.keys import KeyRing, open_key_ring
from fostr.kernel.files import FileStore
from fostr.kernel.files.addresses import (
    FileAddress,
    SignatureExpired,
    SignatureInvalid,
    check_address,
    sign_address,
)
from fostr.kernel.files.keys import InvalidFileKey, make_key

OURS = UUID("01900000-0000-7000-8000-000000000001")
THEIRS = UUID("01900000-0000-7000-8000-000000000002")
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
ring = open_key_ring(["the first secret of this server, long enough"])
rotated = open_key_ring(["the next secret of this server, long enough", "the first secret of this server, long enough"])
foreign = open_key_ring(["the secret of some other server, long enough"])
ADDRESS = FileAddress(method="GET", key=make_key(OURS, "a.csv"), filename="Umsätze & more.csv", content_type="text/csv")


def _sign(address: FileAddress = ADDRESS) -> dict[str, str]:
    with clock.travel(to=NOON, frozen=True):
        query = sign_address(ring, address, expires_in=timedelta(minutes=5))
    return {name: values[0] for name, values in parse_qs(query).items()}


def _check(
    address: FileAddress,
    query: dict[str, str],
    *,
    at: datetime = NOON,
    keys: KeyRing = ring,
    expires_at: int | None = None,
    signature: str | None = None,
) -> None:
    with clock.travel(to=at, frozen=True):
        check_address(
            keys,
            address,
            expires_at=int(query["exp"]) if expires_at is None else expires_at,
            signature=query["sig"] if signature is None else signature,
        )


def test_query_carries_all_that_was_signed() -> None:
    query = _sign()
    assert query["name"] == "Umsätze & more.csv"
    assert query["type"] == "text/csv"
    assert int(query["exp"]) == int(NOON.timestamp()) + 300
    assert "max" not in query
    assert "inline" not in query
    _check(ADDRESS, query)


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "PUT"},
        {"key": make_key(OURS, "b.csv")},
        {"key": make_key(THEIRS, "a.csv")},
        {"filename": "other.csv"},
        {"filename": None},
        {"content_type": "text/html"},
        {"content_type": None},
        {"inline": True},
        {"max_bytes": 10},
    ],
)
def test_address_that_allows_anything_else_is_invalid(changed: dict[str, Any]) -> None:
    query = _sign()
    _check(ADDRESS, query)
    with pytest.raises(SignatureInvalid):
        _check(replace(ADDRESS, **changed), query)


def test_address_is_over_at_its_end_and_not_before() -> None:
    query = _sign()
    _check(ADDRESS, query, at=NOON + timedelta(seconds=299))
    with pytest.raises(SignatureExpired):
        _check(ADDRESS, query, at=NOON + timedelta(seconds=300))


def test_later_end_cannot_be_written_in() -> None:
    query = _sign()
    with pytest.raises(SignatureInvalid):
        _check(ADDRESS, query, at=NOON + timedelta(hours=1), expires_at=int(query["exp"]) + 7200)


def test_expired_and_forged_address_is_called_forged() -> None:
    with pytest.raises(SignatureInvalid):
        _check(replace(ADDRESS, inline=True), _sign(), at=NOON + timedelta(days=1))


def test_signature_of_another_server_is_invalid_and_of_a_former_secret_good() -> None:
    query = _sign()
    _check(ADDRESS, query, keys=rotated)
    with pytest.raises(SignatureInvalid):
        _check(ADDRESS, query, keys=foreign)


@given(st.text(max_size=60))
def test_made_up_signature_is_invalid(signature: str) -> None:
    with pytest.raises(SignatureInvalid):
        _check(ADDRESS, _sign(), signature=signature)


def test_irregular_key_is_refused_before_anything_is_compared() -> None:
    with pytest.raises(InvalidFileKey):
        _check(replace(ADDRESS, key=f"{OURS}/../{THEIRS}/a.csv"), _sign())


async def test_store_hands_out_addresses_of_this_server_that_it_accepts(store: FileStore) -> None:
    key = make_key(OURS, "a.csv")
    download = urlsplit(await store.sign_download(key, expires_in=timedelta(minutes=5), inline=True))
    upload = urlsplit(await store.sign_upload(key, expires_in=timedelta(minutes=5), max_bytes=7))
    for address, parts in (
        (FileAddress(method="GET", key=key, inline=True), download),
        (FileAddress(method="PUT", key=key, max_bytes=7), upload),
    ):
        assert (parts.scheme, parts.netloc) == ("http", "files.test")
        assert parts.path == f"/api/v1/files/signed/{key}"
        query = parse_qs(parts.query)
        store.check_address(address, expires_at=int(query["exp"][0]), signature=query["sig"][0])
    with pytest.raises(SignatureInvalid):
        store.check_address(
            FileAddress(method="PUT", key=key, max_bytes=8),
            expires_at=int(parse_qs(upload.query)["exp"][0]),
            signature=parse_qs(upload.query)["sig"][0],
        )
