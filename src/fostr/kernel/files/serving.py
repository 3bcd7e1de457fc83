"""Answer with a file: entity tags, one byte range, and headers that keep a browser from running it."""

import re
from collections.abc import AsyncIterator
from email.utils import format_datetime
from mimetypes import MimeTypes
from typing import Final
from urllib.parse import quote

from fastapi import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from fostr.kernel.files.store import FileInfo, FileStore
from fostr.kernel.http.errors import FostrError

_UNKNOWN_TYPE: Final = "application/octet-stream"

# Python's own table, without what the machine's adds to it: the same file has the same type everywhere.
_TYPES: Final = MimeTypes()
_TYPES.add_type("image/webp", ".webp")
_TYPES.add_type("application/geo+json", ".geojson")
_TYPES.add_type("application/x-ndjson", ".ndjson")

# What a browser can show without running anything in it. SVG and HTML are not here, and never may be.
_SHOWN_TYPES: Final = frozenset(
    {
        "application/pdf",
        "audio/mpeg",
        "audio/ogg",
        "audio/wav",
        "image/avif",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/webp",
        "text/plain",
        "video/mp4",
        "video/webm",
    }
)
_RANGE: Final = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.ASCII)


class RangeNotSatisfiable(FostrError):
    """The range lies beyond the file's end."""

    status = 416
    code = "range_not_satisfiable"
    detail = "The file has no bytes in this range."


async def serve_file(
    request: Request,
    store: FileStore,
    key: str,
    *,
    filename: str | None = None,
    content_type: str | None = None,
    inline: bool = False,
) -> Response:
    """Answer GET or HEAD with a file of the store.

    One `Range` is honoured (206, or 416 past the end), subject to `If-Range`; several are answered with the
    whole file, as the standard allows. `If-None-Match` is answered with 304. Without `inline`, and always for
    types that could run scripts, the browser saves the file instead of showing it.

    Raises:
        FileMissing: there is no file under this key.
    """
    info = await store.head(key)
    media_type = content_type or _TYPES.guess_type(filename or key)[0] or _UNKNOWN_TYPE
    headers = _headers(info, media_type=media_type, filename=filename, inline=inline)
    if _is_known(request, info):
        return Response(status_code=304, headers=headers)
    if request.method == "HEAD":
        return Response(headers={**headers, "Content-Length": str(info.size)})
    wanted = _read_range(request, info)
    if wanted is None:
        return await _send(store, info, range(info.size), status=200, headers=headers)
    if not wanted:
        return _refuse_range(request, info)
    headers["Content-Range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{info.size}"
    return await _send(store, info, wanted, status=206, headers=headers)


async def _send(store: FileStore, info: FileInfo, wanted: range, *, status: int, headers: dict[str, str]) -> Response:
    headers["Content-Length"] = str(len(wanted))
    chunks = store.stream(info.key, start=wanted.start, end=wanted.stop)
    # The first chunk is read before the status is sent: a file that is gone is a 404, not a broken answer.
    first = await anext(chunks, b"")
    return StreamingResponse(_chain(first, chunks), status_code=status, headers=headers)


async def _chain(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


def _headers(info: FileInfo, *, media_type: str, filename: str | None, inline: bool) -> dict[str, str]:
    essence = media_type.partition(";")[0].strip().lower()
    shown = inline and essence in _SHOWN_TYPES
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": _disposition("inline" if shown else "attachment", filename),
        "Content-Type": "text/plain; charset=utf-8" if essence == "text/plain" else media_type,
        "ETag": info.etag,
        "Last-Modified": format_datetime(info.modified_at, usegmt=True),
        "X-Content-Type-Options": "nosniff",
    }
    # Chromium refuses to show a PDF in a sandbox; its viewer keeps the document's scripts to itself.
    if essence != "application/pdf":
        headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return headers


def _disposition(kind: str, filename: str | None) -> str:
    if not filename:
        return kind
    printable = "".join(character for character in filename if character.isprintable())
    plain = re.sub(r'[^ -~]|["\\%]', "_", printable)
    encoded = quote(printable, safe="")
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{encoded}"


def _is_known(request: Request, info: FileInfo) -> bool:
    known = request.headers.get("if-none-match")
    if known is None:
        return False
    tags = {tag.strip().removeprefix("W/") for tag in known.split(",")}
    return "*" in tags or info.etag.removeprefix("W/") in tags


def _read_range(request: Request, info: FileInfo) -> range | None:
    """Return the bytes asked for, empty when there are none of them, or None for the whole file."""
    match = _RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    if match is None or not (match[1] or match[2]) or not _is_unchanged(request, info):
        return None
    if not match[1]:
        return range(max(info.size - int(match[2]), 0), info.size)
    start, last = int(match[1]), int(match[2]) if match[2] else info.size - 1
    if match[2] and last < start:
        return None
    return range(start, min(last + 1, info.size))


def _is_unchanged(request: Request, info: FileInfo) -> bool:
    seen = request.headers.get("if-range")
    if seen is None:
        return True
    if seen.startswith('"'):
        return seen == info.etag
    return seen == format_datetime(info.modified_at, usegmt=True)


def _refuse_range(request: Request, info: FileInfo) -> Response:
    body = {
        "detail": RangeNotSatisfiable.detail,
        "code": RangeNotSatisfiable.code,
        "request_id": request.scope.get("fostr.request_id", ""),
    }
    return JSONResponse(
        body,
        status_code=RangeNotSatisfiable.status,
        headers={"Content-Range": f"bytes */{info.size}", "Accept-Ranges": "bytes"},
    )
