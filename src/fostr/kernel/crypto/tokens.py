"""Tokens: random, with a checksum, so that a malformed one is refused without a look-up; stored as digests.

A token is its prefix (as `fos_pat`), an underscore, 43 base62 characters of 256 random bits, and 6 of the
CRC-32 of all that stands before. The checksum is no secret: it catches typing errors, truncation and wild
guesses, nothing else.
"""

import hashlib
import hmac
import re
import secrets
import zlib
from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_BITS: Final = 256
_RANDOM_LENGTH: Final = 43
_CHECKSUM_LENGTH: Final = 6
_TOKEN: Final = re.compile(r"([a-z]+(?:_[a-z]+)*)_([0-9A-Za-z]{43})([0-9A-Za-z]{6})", re.ASCII)
_PREFIX: Final = re.compile(r"[a-z]+(?:_[a-z]+)*", re.ASCII)


def mint_token(prefix: str) -> str:
    """Return a new token of 256 random bits that begins with `prefix` and an underscore: `fos_pat_…`."""
    if not _PREFIX.fullmatch(prefix):
        raise ValueError(f"a token prefix is lower-case words joined by underscores, not {prefix!r}")
    body = f"{prefix}_{_encode(secrets.randbits(_RANDOM_BITS), length=_RANDOM_LENGTH)}"
    return body + _checksum(body)


def check_token(token: str, *, prefix: str | None = None) -> bool:
    """Say whether the token is well formed, with the right checksum and, if asked for, with this prefix."""
    match = _TOKEN.fullmatch(token)
    if match is None:
        return False
    if prefix is not None and match[1] != prefix:
        return False
    return match[3] == _checksum(token[:-_CHECKSUM_LENGTH])


def digest_token(token: str) -> bytes:
    """Return the SHA-256 by which a token is stored and found.

    A slow hash would add nothing: nobody guesses 256 random bits.
    """
    return hashlib.sha256(token.encode()).digest()


def visible_start(token: str) -> str:
    """Return the prefix and the first four characters: enough to tell tokens apart, and shown for that."""
    prefix, _, body = token.rpartition("_")
    return f"{prefix}_{body[:4]}"


def is_same(left: str | bytes, right: str | bytes) -> bool:
    """Compare two secrets in a time that does not depend on where they differ."""
    return hmac.compare_digest(_to_bytes(left), _to_bytes(right))


def _checksum(body: str) -> str:
    return _encode(zlib.crc32(body.encode()), length=_CHECKSUM_LENGTH)


def _encode(number: int, *, length: int) -> str:
    digits: list[str] = []
    for _ in range(length):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


def _to_bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value
