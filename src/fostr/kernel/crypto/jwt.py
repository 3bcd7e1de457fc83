"""JSON web tokens: signed with HMAC-SHA-256, of a stated type, for a stated audience, always with an end."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError, MissingClaimError
from joserfc.jwk import GuestProtocol, OctKey

from fostr.kernel import clock
from fostr.kernel.crypto.keys import Key

# The only algorithm, and never taken from the token: one that asks for "none" or another is refused.
_ALGORITHMS: Final = ("HS256",)
_LONGEST: Final = 8192


class InvalidJwt(Exception):
    """The token cannot be accepted; the subclasses say why."""


class ForgedJwt(InvalidJwt):
    """Malformed, altered, or signed by another key or algorithm."""


class ExpiredJwt(InvalidJwt):
    """Rightly signed, and past its end."""


class MisusedJwt(InvalidJwt):
    """Rightly signed, and of another type or audience, not valid yet, or lacking a claim."""


class _Claims(jwt.JWTClaimsRegistry):
    def validate_iat(self, value: object) -> None:
        """Accept an issue time slightly ahead: servers' clocks differ, and nothing is decided by it."""
        if not isinstance(value, int):
            raise InvalidClaimError("iat")


def sign_jwt(claims: Mapping[str, Any], *, key: Key, kind: str = "JWT") -> str:
    """Return a signed token. `kind` becomes the header's `typ`, as `at+jwt` for an access token.

    The claims need `exp`; where `aud` is given, it must be asked for when the token is verified.
    """
    if "exp" not in claims:
        raise ValueError("a token without an end is never signed")
    header = {"alg": _ALGORITHMS[0], "typ": kind, "kid": key.id}
    return jwt.encode(header, dict(claims), _import_key(key.value), algorithms=_ALGORITHMS)


def verify_jwt(token: str, *, keys: Iterable[Key], audience: str | None = None, kind: str = "JWT") -> dict[str, Any]:
    """Return the claims of a token that one of the keys signed, of this kind and audience; or raise."""
    if len(token) > _LONGEST:
        raise ForgedJwt("too long for a token")
    known = {key.id: key for key in keys}
    try:
        decoded = jwt.decode(token, lambda guest: _find_key(guest, known), algorithms=_ALGORITHMS)
    except (JoseError, ValueError, TypeError) as error:
        raise ForgedJwt("malformed, or not signed by a known key") from error
    if decoded.header.get("typ") != kind:
        raise MisusedJwt("a token of another type")
    _check_claims(decoded.claims, audience=audience)
    return decoded.claims


def _check_claims(claims: dict[str, Any], *, audience: str | None) -> None:
    if audience is None and "aud" in claims:
        raise MisusedJwt("a token for a certain audience")
    aud: jwt.ClaimsOption = {} if audience is None else {"essential": True, "value": audience}
    now = int(clock.now().timestamp())
    try:
        _Claims(now=now, exp={"essential": True}, aud=aud).validate(claims)
    except ExpiredTokenError as error:
        raise ExpiredJwt("the token is over") from error
    except (InvalidClaimError, MissingClaimError) as error:
        raise MisusedJwt("a claim is missing, or not for this use") from error


def _find_key(guest: GuestProtocol, known: Mapping[str, Key]) -> OctKey:
    key_id = guest.headers().get("kid")
    key = known.get(key_id) if isinstance(key_id, str) else None
    if key is None:
        raise ValueError("an unknown key id")
    return _import_key(key.value)


@lru_cache(maxsize=64)
def _import_key(value: bytes) -> OctKey:
    return OctKey.import_key(value)
