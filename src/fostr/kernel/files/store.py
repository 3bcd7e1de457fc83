"""The file store: a local folder by default, or S3, Google Cloud Storage or Azure by `storage_url`."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import obstore
from obstore.store import AzureStore, GCSStore, LocalStore, ObjectStore, S3Store, from_url

from fostr.kernel.crypto.keys import KeyRing, open_key_ring
from fostr.kernel.files.addresses import FileAddress, check_address, sign_address
from fostr.kernel.files.keys import check_key
from fostr.kernel.http.errors import NotFound, TooLarge
from fostr.settings import Settings

if TYPE_CHECKING:
    # These exist in obstore's stubs alone.
    from obstore import GetOptions, GetResult

# What is in memory for one file at a time: parts that wait for a cloud store, and a chunk that is read.
_PART_BYTES: Final = 5 * 1024 * 1024
_PARTS_AT_ONCE: Final = 3
_CHUNK_BYTES: Final = 256 * 1024


class FileMissing(NotFound):
    """There is no file under this key."""

    code = "file_not_found"
    detail = "There is no such file."


class FileTooLarge(TooLarge):
    """The file is larger than it may be."""

    code = "file_too_large"
    detail = "The file is larger than allowed."


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as it was written: `sha256` is in hexadecimal."""

    key: str
    size: int
    sha256: str
    content_type: str


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A file as it is found; the entity tag changes whenever the content does."""

    key: str
    size: int
    etag: str
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class FileStore:
    """Where files are kept. Every key begins with the id of the workspace that the file belongs to."""

    _store: ObjectStore
    _ring: KeyRing
    _public_url: str

    async def put(
        self,
        key: str,
        source: bytes | AsyncIterable[bytes],
        *,
        content_type: str,
        max_bytes: int | None = None,
    ) -> StoredFile:
        """Write a file as a whole, in place of one that had this key.

        Whoever reads it sees the old or the new content, never a part. When the source fails, is cancelled or
        yields more than `max_bytes` (FileTooLarge), nothing is written and nothing left behind.
        """
        check_key(key)
        tally = _Tally(max_bytes)
        await obstore.put_async(
            self._store,
            key,
            tally.count(source) if isinstance(source, bytes) else tally.pass_on(source),
            attributes=None if self._is_local else {"Content-Type": content_type},
            chunk_size=_PART_BYTES,
            max_concurrency=_PARTS_AT_ONCE,
        )
        return StoredFile(key=key, size=tally.size, sha256=tally.sha256, content_type=content_type)

    async def get(self, key: str, *, max_bytes: int | None = None) -> bytes:
        """Return the content of a file; FileTooLarge, without reading it, when it exceeds `max_bytes`."""
        found = await self._get(key)
        if max_bytes is not None and found.meta["size"] > max_bytes:
            raise FileTooLarge(max_bytes=max_bytes)
        return bytes(await found.bytes_async())

    async def stream(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Yield the bytes from `start` up to, not including, `end`, in chunks of about 256 KiB."""
        # An empty range is an error to the store, and so is any range of an empty file.
        if end is not None and end <= start:
            return
        options: GetOptions = {}
        if end is not None:
            options["range"] = (start, end)
        elif start > 0:
            options["range"] = {"offset": start}
        found = await self._get(key, options=options)
        async for chunk in found.stream(min_chunk_size=_CHUNK_BYTES):
            yield chunk

    async def head(self, key: str) -> FileInfo:
        """Return what is known of a file without reading it; raise FileMissing."""
        check_key(key)
        try:
            meta = await obstore.head_async(self._store, key)
        except FileNotFoundError:
            raise FileMissing from None
        modified_at = meta["last_modified"]
        etag = meta["e_tag"] or f'"{modified_at.timestamp()}-{meta["size"]}"'
        return FileInfo(key=key, size=meta["size"], etag=etag, modified_at=modified_at)

    async def exists(self, key: str) -> bool:
        """Say whether there is a file under this key."""
        try:
            await self.head(key)
        except FileMissing:
            return False
        return True

    async def delete(self, key: str) -> None:
        """Remove a file; one that is not there is as good as removed."""
        check_key(key)
        try:
            await obstore.delete_async(self._store, key)
        except FileNotFoundError:
            return

    async def sign_download(
        self,
        key: str,
        *,
        expires_in: timedelta,
        filename: str | None = None,
        content_type: str | None = None,
        inline: bool = False,
    ) -> str:
        """Return an address from which whoever holds it can read the file for a while.

        `filename` is what a browser saves it as; `inline` lets it show types that cannot run scripts. These
        two and `content_type` are for files that this server serves: a cloud store answers with the type that
        the file was stored with.
        """
        check_key(key)
        if isinstance(self._store, S3Store | GCSStore | AzureStore):
            return await obstore.sign_async(self._store, "GET", key, expires_in)
        return self._sign(
            FileAddress(method="GET", key=key, filename=filename, content_type=content_type, inline=inline),
            expires_in,
        )

    async def sign_upload(
        self,
        key: str,
        *,
        expires_in: timedelta,
        max_bytes: int,
        filename: str | None = None,
        content_type: str | None = None,
    ) -> str:
        """Return an address to which whoever holds it can PUT one file of at most `max_bytes` bytes.

        A cloud store cannot be told the limit: call `check_upload` before using what arrived.
        """
        check_key(key)
        if isinstance(self._store, S3Store | GCSStore | AzureStore):
            return await obstore.sign_async(self._store, "PUT", key, expires_in)
        return self._sign(
            FileAddress(method="PUT", key=key, filename=filename, content_type=content_type, max_bytes=max_bytes),
            expires_in,
        )

    async def check_upload(self, key: str, *, max_bytes: int) -> FileInfo:
        """Return what arrived at an upload address, or remove it and raise FileTooLarge."""
        info = await self.head(key)
        if info.size > max_bytes:
            await self.delete(key)
            raise FileTooLarge(max_bytes=max_bytes)
        return info

    def check_address(self, address: FileAddress, *, expires_at: int, signature: str) -> None:
        """Raise SignatureInvalid or SignatureExpired unless this server signed this, and it still holds."""
        check_address(self._ring, address, expires_at=expires_at, signature=signature)

    @property
    def is_served_here(self) -> bool:
        """Whether the addresses that are signed lead to this server; those of a cloud store lead to the store."""
        return not isinstance(self._store, S3Store | GCSStore | AzureStore)

    @property
    def _is_local(self) -> bool:
        # A folder has no place for a content type; it travels in the signed address instead.
        return isinstance(self._store, LocalStore)

    def _sign(self, address: FileAddress, expires_in: timedelta) -> str:
        query = sign_address(self._ring, address, expires_in=expires_in)
        return f"{self._public_url}/api/v1/files/signed/{quote(address.key)}?{query}"

    async def _get(self, key: str, *, options: GetOptions | None = None) -> GetResult:
        check_key(key)
        try:
            return await obstore.get_async(self._store, key, options=options)
        except FileNotFoundError:
            raise FileMissing from None


class _Tally:
    """Counts and hashes what passes through, and stops at the limit."""

    def __init__(self, max_bytes: int | None) -> None:
        self.size = 0
        self._max_bytes = max_bytes
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def count(self, chunk: bytes) -> bytes:
        self.size += len(chunk)
        if self._max_bytes is not None and self.size > self._max_bytes:
            raise FileTooLarge(max_bytes=self._max_bytes)
        self._digest.update(chunk)
        return chunk

    async def pass_on(self, source: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        async for chunk in source:
            yield self.count(chunk)


def open_store(settings: Settings) -> FileStore:
    """Return the store that the settings name; a cloud store reads its credentials from the environment."""
    if settings.storage_url:
        store = from_url(settings.storage_url)
    else:
        store = LocalStore(settings.files_folder, mkdir=True, automatic_cleanup=True)
    return FileStore(store, open_key_ring(settings.secrets), settings.public_url)
