"""The session cookie: out of reach of scripts, and of other sites' requests."""

from fastapi import Response

from fostr.kernel.auth.credentials import COOKIE
from fostr.settings import Settings


def set_cookie(response: Response, cookie: str, *, settings: Settings) -> None:
    """Give the browser its session."""
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=settings.session_days * 86400,
        path="/",
        secure=settings.public_url.startswith("https:"),
        httponly=True,
        samesite="lax",
    )


def clear_cookie(response: Response, *, settings: Settings) -> None:
    """Take the session away from the browser."""
    response.delete_cookie(
        COOKIE,
        path="/",
        secure=settings.public_url.startswith("https:"),
        httponly=True,
        samesite="lax",
    )
