"""Pages for people who come with a browser: a welcome, the API reference, the tables. They need no credential.

Each page forbids itself whatever it does not need, inline scripts and other hosts above all, so it works offline and
has nowhere to send anything.
"""

from __future__ import annotations

import asyncio
import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from fostr import __version__
from fostr.kernel.http.assets import ALWAYS_ASK, CONSOLE, FOLDERS, asset_address, is_known, serve_asset
from fostr.kernel.http.document import read_openapi

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from jinja2 import Environment
    from starlette.requests import Request
    from starlette.routing import Router

PLACES: Final = (
    ("/docs", "API"),
    ("/redoc", "API to read"),
    ("/docs/development/database", "Database"),
)

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
            Route("/", _page("landing.html", PLAIN)),
            Route("/docs", _page("swagger.html", SWAGGER)),
            Route("/docs/development/api", _page("swagger.html", SWAGGER)),
            Route("/docs/development/database", _page("database.html", PLAIN, facts=_database_facts)),
            Route("/redoc", _page("redoc.html", REDOC)),
            Route("/openapi.json", _openapi),
            *(Route(f"/{folder}/{{path:path}}", serve_asset) for folder in FOLDERS),
        ],
    )


def _page(
    template: str, policy: dict[str, str], *, facts: Callable[[], dict[str, Any]] | None = None
) -> Callable[[Request], Awaitable[Response]]:
    headers = {
        "Content-Security-Policy": "; ".join(f"{name} {sources}" for name, sources in policy.items()),
        "Cache-Control": ALWAYS_ASK,
    }

    async def answer(request: Request) -> Response:
        # What a page shows changes with the program alone, and is slow to gather the first time.
        html, digest = await asyncio.to_thread(_render, template, request.url.path, facts)
        tagged = {**headers, "ETag": f'"{digest}"'}
        return (
            Response(status_code=304, headers=tagged) if is_known(request, digest) else HTMLResponse(html, 200, tagged)
        )

    return answer


@lru_cache(maxsize=16)
def _render(template: str, here: str, facts: Callable[[], dict[str, Any]] | None) -> tuple[str, str]:
    given = {"version": __version__, "places": PLACES, "here": here, "asset": asset_address}
    html = _templates().get_template(template).render(given, **(facts() if facts else {}))
    return html, hashlib.sha256(html.encode()).hexdigest()[:16]


@lru_cache(maxsize=1)
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(CONSOLE / "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


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
