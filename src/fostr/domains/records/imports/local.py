"""A file of the store as one that can be read back and forth."""

from __future__ import annotations

from contextlib import asynccontextmanager
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from fostr.kernel.files import FileStore


@asynccontextmanager
async def open_local(store: FileStore, key: str) -> AsyncGenerator[BinaryIO]:
    """Open a copy of a file on this machine; it has no name, so that nothing is left of it however we end.

    Raises:
        FileMissing: there is no such file.
    """
    with TemporaryFile() as file:
        async for chunk in store.stream(key):
            file.write(chunk)
        file.seek(0)
        yield cast(BinaryIO, file)
