"""Read the credential that a request carries, and refuse what is malformed before the database is asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from fostr.kernel.crypto.jwt import ExpiredJwt, InvalidJwt, verify_jwt
from fostr.kernel.crypto.tokens import check_token, digest_token
from fostr.kernel.http.cookies import cookie_name
from fostr.kernel.http.errors import TokenExpired

if TYPE_CHECKING:
    from starlette.requests import Request

    from fostr.kernel.auth.lookup import Source
    from fostr.kernel.crypto.keys import KeyRing

COOKIE: Final = "fostr_session"
SESSION_PREFIX: Final = "fos_ses"
REFRESH_PREFIX: Final = "fos_ref"
PAT_PREFIX: Final = "fos_pat"
API_KEY_PREFIX: Final = "fos_live"
TOKEN_PREFIXES: Final = (f"{PAT_PREFIX}_", f"{API_KEY_PREFIX}_")
COOKIE_PREFIX: Final = f"{SESSION_PREFIX}_"
LONGEST_OVERLAP: Final = 7 * 86400
"""Seconds that a rotated token or key may go on working beside its successor."""
ACCESS_AUDIENCE: Final = "fostr"
ACCESS_PURPOSE: Final = "access token"


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential that is well formed; whether it is valid, the database knows."""

    source: Source
    key: bytes | UUID
    until: datetime | None = None
    """When a JWT ends; what the others end with, the database knows."""


def read_credential(request: Request, keys: KeyRing, *, is_secure: bool = False) -> Credential | None:
    """Return the credential of a request, or nothing when there is none that could be valid.

    A header wins over a cookie, and a malformed header is not excused by a cookie beside it.

    Args:
        request: what carries it.
        keys: sign access tokens.
        is_secure: whether the server is reached by https, where the cookie has a name of its own.

    Raises:
        TokenExpired: a JWT of ours that is over.
    """
    bearer = _bearer(request)
    if bearer is None:
        cookie = request.cookies.get(cookie_name(COOKIE, is_secure=is_secure))
        return _token(cookie, source="cookie") if cookie and cookie.startswith(COOKIE_PREFIX) else None
    if bearer.startswith(TOKEN_PREFIXES):
        return _token(bearer, source="token")
    return _jwt(bearer, keys)


def _bearer(request: Request) -> str | None:
    authorization = request.headers.get("authorization")
    if authorization is not None:
        kind, _, value = authorization.partition(" ")
        return value.strip() if kind.lower() == "bearer" else ""
    return request.headers.get("x-api-key")


def _token(token: str, *, source: Source) -> Credential | None:
    if not check_token(token):
        return None
    return Credential(source=source, key=digest_token(token))


def _jwt(token: str, keys: KeyRing) -> Credential | None:
    try:
        claims = verify_jwt(token, keys=keys.keys(ACCESS_PURPOSE), audience=ACCESS_AUDIENCE)
        until = datetime.fromtimestamp(claims["exp"], UTC)
        return Credential(source="jwt", key=UUID(str(claims["sid"])), until=until)
    except ExpiredJwt:
        raise TokenExpired from None
    except (InvalidJwt, KeyError, ValueError):
        return None
