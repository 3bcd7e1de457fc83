"""The session cookie: out of reach of scripts, of other sites' requests, and of other hosts of the same domain."""

from fastapi import Response

from fostr.kernel.auth.credentials import COOKIE
from fostr.kernel.http.cookies import cookie_name
from fostr.settings import Settings


def set_cookie(response: Response, cookie: str, *, settings: Settings) -> None:
    """Give the browser its session."""
    is_secure = _is_secure(settings)
    response.set_cookie(
        cookie_name(COOKIE, is_secure=is_secure),
        cookie,
        max_age=settings.session_days * 86400,
        path="/",
        secure=is_secure,
        httponly=True,
        samesite="lax",
    )


def clear_cookie(response: Response, *, settings: Settings) -> None:
    """Take the session away from the browser."""
    is_secure = _is_secure(settings)
    response.delete_cookie(
        cookie_name(COOKIE, is_secure=is_secure),
        path="/",
        secure=is_secure,
        httponly=True,
        samesite="lax",
    )


def _is_secure(settings: Settings) -> bool:
    return settings.public_url.startswith("https:")
