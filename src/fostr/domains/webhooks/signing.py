"""Signatures of messages, as Standard Webhooks describes them, so that receivers verify them with its libraries."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what every secret begins with
_SECRET_BYTES: Final = 32
_SHOWN: Final = 4


def mint_secret() -> str:
    """Return a new secret: the prefix, and 256 random bits in base64."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def visible_end(secret: str) -> str:
    """Return the last characters of a secret, by which people tell secrets apart."""
    return secret.rstrip("=")[-_SHOWN:]


def mask_secret(end: str) -> str:
    """Return what is shown in place of a secret."""
    return f"{SECRET_PREFIX}…{end}"


def sign(body: bytes, *, message_id: str, timestamp: datetime, secrets: Sequence[str]) -> dict[str, str]:
    """Return the headers that say which message it is, when it was sent, and that it is ours.

    Args:
        body: what is sent, to the byte.
        message_id: the same at each attempt.
        timestamp: of the attempt: receivers refuse what is older than five minutes.
        secrets: those that are valid now, each of which signs, so that a receiver may change over from one to another.
    """
    sent_at = str(int(timestamp.timestamp()))
    content = f"{message_id}.{sent_at}.".encode() + body
    signatures = [_signature(secret, content) for secret in secrets]
    return {"webhook-id": message_id, "webhook-timestamp": sent_at, "webhook-signature": " ".join(signatures)}


def _signature(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    return f"v1,{base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()}"
