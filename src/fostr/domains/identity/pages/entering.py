"""How a browser is given its session, or is led to the second step."""

from typing import Final
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from fostr.domains.identity.factors.schemas import SecondFactorNeeded
from fostr.domains.identity.sessions.cookies import set_cookie
from fostr.domains.identity.sessions.schemas import OpenedSession
from fostr.kernel.http.context import PublicContext
from fostr.kernel.http.cookies import cookie_name
from fostr.settings import Settings

CODE_AT: Final = "/sign-in/code"
_PENDING: Final = "fostr_pending"


def enter(context: PublicContext, opened: OpenedSession | SecondFactorNeeded, *, back: str) -> Response:
    """Lead somebody on who has shown who they are, to the second step where there is one."""
    settings = context.settings
    if isinstance(opened, SecondFactorNeeded):
        response = RedirectResponse(f"{CODE_AT}?{urlencode({'next': back})}", status_code=303)
        _keep_pending(response, opened, settings=settings)
        return response
    response = RedirectResponse(back, status_code=303)
    set_cookie(response, opened.cookie, settings=settings)
    response.delete_cookie(_pending_name(settings), path="/", secure=_is_secure(settings), httponly=True)
    return response


def read_pending(request: Request, *, settings: Settings) -> str:
    """Return the token of a sign-in that waits for its second step; empty when none does."""
    return request.cookies.get(_pending_name(settings), "")[:200]


def _keep_pending(response: Response, needed: SecondFactorNeeded, *, settings: Settings) -> None:
    response.set_cookie(
        _pending_name(settings),
        needed.mfa_token,
        max_age=needed.expires_in,
        path="/",
        secure=_is_secure(settings),
        httponly=True,
        samesite="lax",
    )


def _pending_name(settings: Settings) -> str:
    return cookie_name(_PENDING, is_secure=_is_secure(settings))


def _is_secure(settings: Settings) -> bool:
    return settings.public_url.startswith("https:")
