"""Encryption at rest: AES-256-GCM envelopes `v1:<key id>:<base64 of nonce and ciphertext>`.

An envelope opens only for the workspace and the purpose that it was sealed for, so that a value copied into
another row or column is refused like a forged one.
"""

import base64
import binascii
import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fostr.kernel.crypto.keys import KeyRing

_VERSION = "v1"
_NONCE_LENGTH = 12


class EnvelopeRefused(ValueError):
    """The envelope is malformed, altered, of another workspace or purpose, or its key is no longer known."""


def encrypt(ring: KeyRing, plaintext: bytes, *, workspace: UUID | None, purpose: str) -> str:
    """Seal a value under the current key; `workspace` is None for what belongs to no workspace."""
    key = ring.current(_key_purpose(purpose))
    nonce = os.urandom(_NONCE_LENGTH)
    ciphertext = AESGCM(key.value).encrypt(nonce, plaintext, _associated_data(workspace, purpose))
    return f"{_VERSION}:{key.id}:{base64.b64encode(nonce + ciphertext).decode()}"


def decrypt(ring: KeyRing, envelope: str, *, workspace: UUID | None, purpose: str) -> bytes:
    """Open an envelope sealed for this workspace and purpose under any key of the ring, or raise."""
    key_id, sealed = _parse(envelope)
    key = ring.find(_key_purpose(purpose), key_id=key_id)
    if key is None:
        raise EnvelopeRefused("the envelope's key is not on the ring")
    nonce, ciphertext = sealed[:_NONCE_LENGTH], sealed[_NONCE_LENGTH:]
    try:
        return AESGCM(key.value).decrypt(nonce, ciphertext, _associated_data(workspace, purpose))
    except InvalidTag as error:
        raise EnvelopeRefused("the envelope was altered, or sealed for something else") from error


def is_current(ring: KeyRing, envelope: str, *, purpose: str) -> bool:
    """Say whether the envelope is sealed under the current key; if not, it is due to be sealed anew."""
    key_id, _ = _parse(envelope)
    return key_id == ring.current(_key_purpose(purpose)).id


def _parse(envelope: str) -> tuple[str, bytes]:
    version, _, rest = envelope.partition(":")
    key_id, _, body = rest.partition(":")
    if version != _VERSION:
        raise EnvelopeRefused("not an envelope of a known version")
    try:
        sealed = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise EnvelopeRefused("the envelope's body is not base64") from error
    # Base64 has spare bits at its end: only the one spelling that encrypt() writes is accepted.
    if len(sealed) <= _NONCE_LENGTH or base64.b64encode(sealed).decode() != body:
        raise EnvelopeRefused("the envelope's body is malformed")
    return key_id, sealed


def _key_purpose(purpose: str) -> str:
    return f"envelope {purpose}"


def _associated_data(workspace: UUID | None, purpose: str) -> bytes:
    # The workspace has a fixed length, so the two parts cannot be confused with one another.
    return (workspace.bytes if workspace else bytes(16)) + purpose.encode()
