"""Signatures: HMAC-SHA-256 over named fields, for addresses and messages that come back to this server."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping

from fostr.kernel.crypto.keys import KeyRing


def sign(ring: KeyRing, fields: Mapping[str, str | int | None], *, purpose: str) -> str:
    """Return the signature of the fields under the purpose's current key, safe to stand in a URL."""
    return _signature(ring.current(purpose).value, fields)


def is_signed(ring: KeyRing, fields: Mapping[str, str | int | None], *, signature: str, purpose: str) -> bool:
    """Say whether the signature is one of exactly these fields, under any key of the ring."""
    given = signature.encode()
    matches = [hmac.compare_digest(_signature(key.value, fields).encode(), given) for key in ring.keys(purpose)]
    return any(matches)


def _signature(key: bytes, fields: Mapping[str, str | int | None]) -> str:
    # As JSON with sorted names, no two different sets of fields give the same message.
    message = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
    digest = hmac.digest(key, message, hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
