"""Authenticator apps by RFC 6238: a secret, the codes that follow from it, and the picture that carries it."""

import io
from datetime import datetime
from typing import Final
from uuid import UUID

from fostr.kernel.crypto.envelopes import EnvelopeRefused, decrypt, encrypt
from fostr.kernel.crypto.keys import KeyRing

ISSUER: Final = "Fostr"
_PURPOSE: Final = "authenticator"
_WINDOW: Final = 1
"""Steps of 30 seconds that the clock of a phone may be off, either way."""


def make_secret() -> str:
    """Return a new secret of 160 bits, in base32."""
    # Here and below: it takes time to load, and most sign-ins do without it.
    import pyotp

    return pyotp.random_base32()


def seal_secret(ring: KeyRing, secret: str, *, user_id: UUID) -> str:
    """Encrypt a secret for the table, bound to its person."""
    return encrypt(ring, user_id.bytes + secret.encode(), workspace=None, purpose=_PURPOSE)


def open_secret(ring: KeyRing, sealed: str, *, user_id: UUID) -> str:
    """Decrypt a secret, or raise EnvelopeRefused when it is another person's."""
    plain = decrypt(ring, sealed, workspace=None, purpose=_PURPOSE)
    owner, secret = plain[:16], plain[16:]
    if owner != user_id.bytes:
        raise EnvelopeRefused("the secret is another person's")
    return secret.decode()


def find_step(secret: str, code: str, *, now: datetime) -> int | None:
    """Return the step whose code this is, among those that are good now."""
    from pyotp.exceptions import OTPVerificationError
    from pyotp.totp import TOTP

    try:
        return TOTP(secret).verify_and_get_timecode(code, for_time=now, valid_window=_WINDOW)
    except OTPVerificationError:
        return None


def provisioning_uri(secret: str, *, email: str, host: str) -> str:
    """Return the address that authenticator apps read."""
    from pyotp.totp import TOTP

    return TOTP(secret).provisioning_uri(name=email, issuer_name=f"{ISSUER} ({host})")


def draw_qr_code(uri: str) -> str:
    """Return the address as a picture, an SVG document of its own."""
    import segno

    picture = io.BytesIO()
    # With a background of its own, because a page may be dark and a camera wants dark on light.
    segno.make_qr(uri, error="m").save(
        picture, kind="svg", xmldecl=False, nl=False, omitsize=True, light="#fff", title="QR code"
    )
    return picture.getvalue().decode()
