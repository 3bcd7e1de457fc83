"""Pages for people who come with a browser: a welcome, the API reference, the tables. They need no credential.

Each page forbids itself whatever it does not need, inline scripts and other hosts above all, so it works offline and
has nowhere to send anything.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from fostr import __version__
from fostr.kernel.http.assets import ALWAYS_ASK, CONSOLE, FOLDERS, asset_address, is_known, serve_asset
from fostr.kernel.http.document import read_openapi
from fostr.kernel.http.errors import FostrError, InvalidInput, Unauthorized

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from jinja2 import Environment
    from starlette.requests import Request
    from starlette.routing import Router

PLACES: Final = (
    ("/docs", "API"),
    ("/redoc", "API to read"),
    ("/docs/development/database", "Database"),
)

SIGN_IN_AT: Final = "/sign-in"
ACCOUNT_AT: Final = "/account"
CONFIRM_AT: Final = "/account/confirm"

UNREADABLE: Final = (
    "Something is missing from this address, or wrong in it. If it came by mail, open the link there once more, "
    "or copy all of it."
)
"""What people are told whose input does not fit its schema: they typed or cut an address, and know no schemas."""

PLAIN: Final = {
    "default-src": "'none'",
    "style-src": "'self'",
    "img-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
"""What a page without scripts needs."""

SWAGGER: Final = {**PLAIN, "script-src": "'self'", "connect-src": "'self'", "img-src": "'self' data:"}

# ReDoc puts two styles into the page, let in by their digests: one of scroll bars, and one that is empty and is filled
# through the object model. Its search is a worker that it makes of a text. The picture of its maker, which it would
# load from elsewhere, is refused.
REDOC: Final = {
    **SWAGGER,
    "style-src": "'self' 'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc=' "
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
    "worker-src": "blob:",
}


def install_pages(router: Router) -> None:
    """Add the pages to a router."""
    router.routes.extend(
        [
            Route("/docs", _page("swagger.html", SWAGGER)),
            Route("/docs/development/api", _page("swagger.html", SWAGGER)),
            Route("/docs/development/database", _page("database.html", PLAIN, facts=_database_facts)),
            Route("/redoc", _page("redoc.html", REDOC)),
            Route("/openapi.json", _openapi),
            *(Route(f"/{folder}/{{path:path}}", serve_asset) for folder in FOLDERS),
        ],
    )


def render_page(template: str, *, policy: Mapping[str, str], here: str, **facts: Any) -> HTMLResponse:
    """Return a page that is made for one request, and kept nowhere.

    Args:
        template: a file of the console's pages.
        policy: what the page may load and send, as in `PLAIN`.
        here: the page's address.
        facts: what the template shows.
    """
    given = {"version": __version__, "places": PLACES, "here": here, "asset": asset_address}
    html = _templates().get_template(template).render(given, **facts)
    return HTMLResponse(html, headers={"Content-Security-Policy": write_policy(policy), "Cache-Control": "no-store"})


def write_policy(policy: Mapping[str, str]) -> str:
    """Return a content security policy as its header says it."""
    return "; ".join(f"{name} {sources}" for name, sources in policy.items())


def _page(
    template: str, policy: dict[str, str], *, facts: Callable[[], dict[str, Any]] | None = None
) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return await show_fixed(request, template, policy=policy, facts=facts)

    return answer


async def show_fixed(
    request: Request,
    template: str,
    *,
    policy: Mapping[str, str],
    facts: Callable[[], dict[str, Any]] | None = None,
) -> Response:
    """Return a page that is the same for everybody, or 304 when the caller has it already."""
    # What a page shows changes with the program alone, and is slow to gather the first time.
    html, digest = await asyncio.to_thread(_render, template, request.url.path, facts)
    headers = {
        "Content-Security-Policy": write_policy(policy),
        "Cache-Control": ALWAYS_ASK,
        "ETag": f'"{digest}"',
    }
    return Response(status_code=304, headers=headers) if is_known(request, digest) else HTMLResponse(html, 200, headers)


def wants_page(request: Request) -> bool:
    """Say whether a person with a browser waits for the answer, and not a program."""
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def refuse_page(request: Request, error: FostrError) -> Response:
    """Return the answer for a refusal to somebody with a browser.

    Whoever is not signed in is led to where they can be, and back; so is who has to confirm who they are.
    """
    is_read = request.method in {"GET", "HEAD"}
    if isinstance(error, Unauthorized):
        wanted = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
        return _lead(SIGN_IN_AT, back=wanted if is_read else None)
    if error.code == "recent_sign_in_required":
        return _lead(CONFIRM_AT, back=request.url.path)
    sentence = UNREADABLE if isinstance(error, InvalidInput) else error.sentence
    response = render_page("refused.html", policy=PLAIN, here=request.url.path, sentence=sentence, status=error.status)
    response.status_code = error.status
    response.headers.update(error.headers)
    return response


def _lead(place: str, *, back: str | None) -> Response:
    address = f"{place}?{urlencode({'next': back})}" if back else place
    return RedirectResponse(address, status_code=303, headers={"Cache-Control": "no-store"})


@lru_cache(maxsize=16)
def _render(template: str, here: str, facts: Callable[[], dict[str, Any]] | None) -> tuple[str, str]:
    given = {"version": __version__, "places": PLACES, "here": here, "asset": asset_address}
    html = _templates().get_template(template).render(given, **(facts() if facts else {}))
    return html, hashlib.sha256(html.encode()).hexdigest()[:16]


@lru_cache(maxsize=1)
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(CONSOLE / "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["initials"] = _initials
    return made


def _initials(name: str) -> str:
    """Return what stands in the place of a picture."""
    words = [word for word in re.split(r"[\W_]+", name) if word]
    return "".join(word[0] for word in (words[0], *words[-1:][: len(words) - 1])).upper() if words else "?"


def _database_facts() -> dict[str, Any]:
    from fostr.kernel.db.description import describe_tables

    return {"groups": describe_tables()}


async def _openapi(request: Request) -> Response:
    document, digest = await asyncio.to_thread(_document)
    headers = {"Cache-Control": ALWAYS_ASK, "ETag": f'"{digest}"'}
    if is_known(request, digest):
        return Response(status_code=304, headers=headers)
    return Response(document, media_type="application/json", headers=headers)


@lru_cache(maxsize=1)
def _document() -> tuple[bytes, str]:
    document = read_openapi()
    return document, hashlib.sha256(document).hexdigest()[:16]
