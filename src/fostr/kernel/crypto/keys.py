"""The key ring: every key of the server is derived from its secrets, one per purpose.

The first secret is the current one: it encrypts and signs. The others are former ones, kept until nothing is
left that they made: they only decrypt and verify. To rotate, put a new secret in front.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_MINIMUM_SECRET_LENGTH = 32
_KEY_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Key:
    """A derived key of 256 bits, and the public name of the secret that it comes from."""

    id: str
    value: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The server's secrets, the current one first."""

    _secrets: tuple[bytes, ...] = field(repr=False)

    def current(self, purpose: str) -> Key:
        """Return the key that makes new things of this purpose."""
        return _derive_key(self._secrets[0], purpose)

    def keys(self, purpose: str) -> tuple[Key, ...]:
        """Return the keys that things of this purpose may have been made with, the current one first."""
        return tuple(_derive_key(secret, purpose) for secret in self._secrets)

    def find(self, purpose: str, *, key_id: str) -> Key | None:
        """Return the key of that name, or None when its secret is not on the ring."""
        return next((key for key in self.keys(purpose) if key.id == key_id), None)


def open_key_ring(secrets: Sequence[str]) -> KeyRing:
    """Return the ring of these secrets, the current one first; each has at least 32 characters."""
    if not secrets:
        raise ValueError("a key ring needs at least one secret")
    if any(len(secret) < _MINIMUM_SECRET_LENGTH for secret in secrets):
        raise ValueError(f"a secret key needs at least {_MINIMUM_SECRET_LENGTH} characters")
    return KeyRing(tuple(secret.encode() for secret in secrets))


@lru_cache(maxsize=256)
def _derive_key(secret: bytes, purpose: str) -> Key:
    key_id = _expand(secret, info=b"fostr key id")[:4].hex()
    return Key(id=key_id, value=_expand(secret, info=b"fostr purpose " + purpose.encode()))


def _expand(secret: bytes, *, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=_KEY_LENGTH, salt=None, info=info).derive(secret)
