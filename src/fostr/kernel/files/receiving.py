"""Take a file from a request: as it comes in, within its limit, and only when it is what its name says."""

from collections.abc import AsyncIterable, AsyncIterator

from fastapi import Request, UploadFile

from fostr.kernel.files.sniffing import SNIFFED_BYTES, check_type
from fostr.kernel.files.store import FileStore, FileTooLarge, StoredFile
from fostr.kernel.http.errors import Conflict

_CHUNK_BYTES = 256 * 1024


class FileExists(Conflict):
    """A file arrived under this key already; files are never changed."""

    code = "file_exists"
    detail = "A file was already uploaded here."


async def receive_file(
    request: Request,
    store: FileStore,
    key: str,
    *,
    max_bytes: int,
    filename: str | None = None,
    content_type: str | None = None,
) -> StoredFile:
    """Store the body of a request as a file.

    Raises:
        FileTooLarge: it has more than `max_bytes`; where the length is stated, nothing of it is read.
        FileTypeMismatch: it is something else than the extension of `filename` says.
        FileExists: there is one under this key already.
    """
    stated = request.headers.get("content-length", "")
    if stated.isdecimal() and int(stated) > max_bytes:
        raise FileTooLarge(max_bytes=max_bytes)
    return await _receive(
        request.stream(), store, key, max_bytes=max_bytes, filename=filename, content_type=content_type
    )


async def receive_upload(
    upload: UploadFile, store: FileStore, key: str, *, max_bytes: int, content_type: str | None = None
) -> StoredFile:
    """Store a file that came in a form; it raises what `receive_file` raises."""
    return await _receive(
        _read_upload(upload),
        store,
        key,
        max_bytes=max_bytes,
        filename=upload.filename,
        content_type=content_type,
    )


async def _receive(
    source: AsyncIterable[bytes],
    store: FileStore,
    key: str,
    *,
    max_bytes: int,
    filename: str | None,
    content_type: str | None,
) -> StoredFile:
    if await store.exists(key):
        raise FileExists
    chunks = aiter(source)
    head = await _read_head(chunks)
    # The client's own Content-Type is a claim like the name, and less often right.
    detected = check_type(head, filename or "")
    return await store.put(
        key,
        _chain(head, chunks),
        content_type=content_type or detected.media_type,
        max_bytes=max_bytes,
    )


async def _read_head(chunks: AsyncIterator[bytes]) -> bytes:
    head = bytearray()
    while len(head) < SNIFFED_BYTES and (chunk := await anext(chunks, None)) is not None:
        head += chunk
    return bytes(head)


async def _chain(head: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for chunk in rest:
        yield chunk


async def _read_upload(upload: UploadFile) -> AsyncIterator[bytes]:
    while chunk := await upload.read(_CHUNK_BYTES):
        yield chunk
