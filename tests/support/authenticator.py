"""A device that keeps passkeys, in software: it answers as a browser with a phone behind it would."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any, Final

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from tests.support.client import BASE

PRESENT: Final = 0x01
VERIFIED: Final = 0x04
HAS_KEY: Final = 0x40
AAGUID: Final = bytes.fromhex("0192f0c1a2b37c4d8e9f001122334455")


def encode(data: bytes) -> str:
    """Return bytes as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Return the bytes behind base64url."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Device:
    """One passkey.

    Attributes:
        origin: the page that the browser shows; a browser does not let pages choose it.
        rp_id: the site that the device made the key for; None: the one that it is asked for.
        counts: whether the device counts its signatures.
        verifies: whether it asks for a finger or a PIN.
    """

    origin: str = BASE
    rp_id: str | None = None
    counts: bool = True
    verifies: bool = True
    sign_count: int = 0
    user_handle: bytes = b""
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def register(self, options: dict[str, Any], **changed: Any) -> dict[str, Any]:
        """Answer the options of a registration, with what is `changed` in the client data."""
        self.user_handle = decode(options["user"]["id"])
        client_data = self._client_data("webauthn.create", options["challenge"], changed)
        attested = AAGUID + len(self.credential_id).to_bytes(2, "big") + self.credential_id + self._public_key()
        data = self._data(self.rp_id or options["rp"]["id"], HAS_KEY) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._credential(
            {
                "clientDataJSON": encode(client_data),
                "attestationObject": encode(attestation),
                "transports": ["internal"],
            }
        )

    def sign(self, options: dict[str, Any], **changed: Any) -> dict[str, Any]:
        """Answer the options of a sign-in, with what is `changed` in the client data."""
        if self.counts:
            self.sign_count += 1
        client_data = self._client_data("webauthn.get", options["challenge"], changed)
        data = self._data(self.rp_id or options["rpId"], 0)
        signature = self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(SHA256()))
        return self._credential(
            {
                "clientDataJSON": encode(client_data),
                "authenticatorData": encode(data),
                "signature": encode(signature),
                "userHandle": encode(self.user_handle),
            }
        )

    def _client_data(self, kind: str, challenge: str, changed: dict[str, Any]) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, **changed}).encode()

    def _data(self, rp_id: str, flags: int) -> bytes:
        flags |= PRESENT | (VERIFIED if self.verifies else 0)
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + self.sign_count.to_bytes(4, "big")

    def _public_key(self) -> bytes:
        numbers = self.key.public_key().public_numbers()
        # By COSE: key type EC2, algorithm ES256, curve P-256, x, y.
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": encode(self.credential_id),
            "rawId": encode(self.credential_id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": response,
        }
