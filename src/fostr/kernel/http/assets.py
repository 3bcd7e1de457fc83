"""Files that pages are made of: styles, scripts, vendored libraries. They come with the package."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.responses import FileResponse, Response

import fostr
from fostr.kernel.http.errors import NotFound

if TYPE_CHECKING:
    from starlette.requests import Request

CONSOLE: Final = Path(fostr.__file__).parent / "console"
FOLDERS: Final = ("assets", "vendor")
TYPES: Final = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
"""What is served. Licences and version notes lie beside the libraries, for people who look into the package."""

FOREVER: Final = "public, max-age=31536000, immutable"
ALWAYS_ASK: Final = "no-cache"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file, and the digest of its content."""

    path: Path
    media_type: str
    digest: str


@lru_cache(maxsize=1)
def read_assets() -> dict[str, Asset]:
    """Return every file by its path below the console; only these are ever served, whatever a request asks for."""
    found = (path for folder in FOLDERS for path in sorted((CONSOLE / folder).rglob("*")) if path.suffix in TYPES)
    return {
        path.relative_to(CONSOLE).as_posix(): Asset(
            path=path,
            media_type=TYPES[path.suffix],
            digest=hashlib.sha256(path.read_bytes()).hexdigest()[:16],
        )
        for path in found
    }


def asset_address(name: str) -> str:
    """Return the address of a file. It names the content, so that browsers keep it until it changes."""
    return f"/{name}?v={read_assets()[name].digest}"


async def serve_asset(request: Request) -> Response:
    """Answer with a file, or with 304 when the caller has it already.

    Raises:
        NotFound: there is no such file.
    """
    assets = await asyncio.to_thread(read_assets)
    asset = assets.get(request.url.path.removeprefix("/"))
    if asset is None:
        raise NotFound
    is_named = request.query_params.get("v") == asset.digest
    headers = {"Cache-Control": FOREVER if is_named else ALWAYS_ASK, "ETag": f'"{asset.digest}"'}
    if is_known(request, asset.digest):
        return Response(status_code=304, headers=headers)
    return FileResponse(asset.path, media_type=asset.media_type, headers=headers)


def is_known(request: Request, digest: str) -> bool:
    """Say whether the caller holds the content with this digest (RFC 9110, section 13.1.2)."""
    given = request.headers.get("if-none-match", "")
    return given.strip() == "*" or digest in {tag.strip().removeprefix("W/").strip('"') for tag in given.split(",")}
