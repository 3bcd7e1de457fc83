"""The OpenAPI document: built from the routes, committed as a file, served from the file.

Building it takes seconds once there are hundreds of operations, so that is done when it is written, not when it is
asked for; a check keeps the file in step with the code.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

import fostr

if TYPE_CHECKING:
    from fastapi import FastAPI

NAME: Final = "openapi.json"
SECURITY_SCHEMES: Final[dict[str, Any]] = {
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "fostr_session",
        "description": "`__Host-fostr_session` where the server is reached by https.",
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "A JWT, `fos_pat_…` or `fos_live_…`."},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
}


def build_openapi(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of all operations."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=[route for route in app.router.routes if isinstance(route, APIRoute)],
    )
    document["components"]["securitySchemes"] = SECURITY_SCHEMES
    return document


def render_openapi(document: dict[str, Any]) -> bytes:
    """Return the document as it is committed: indented, in a stable order."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"


@lru_cache(maxsize=1)
def read_openapi() -> bytes:
    """Return the committed document, from the package or from the checkout that it is installed from."""
    packaged = resources.files("fostr") / NAME
    if packaged.is_file():
        return packaged.read_bytes()
    return (Path(fostr.__file__).parents[2] / NAME).read_bytes()
