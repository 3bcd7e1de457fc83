"""Rows as lines, copied out of PostgreSQL as they are."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import asyncpg

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

WAITING: Final = 2
"""Packets that wait to be taken; then PostgreSQL waits, and memory stays flat."""


async def copy_lines(
    connection: asyncpg.Connection[asyncpg.Record], text: str, arguments: Sequence[Any]
) -> AsyncGenerator[bytes]:
    """Yield the rows of a query of one text column, each as a line, as many at once as came together.

    What is copied as CSV is left as it is unless it holds the quote, the delimiter or the end of a line. The first two
    are control characters here, so that texts without any, such as JSON, travel untouched.
    """
    packets: asyncio.Queue[bytes | bytearray] = asyncio.Queue(maxsize=WAITING)
    copying = asyncio.ensure_future(
        connection.copy_from_query(
            text, *arguments, output=packets.put, format="csv", delimiter="\x02", quote="\x01", encoding="utf-8"
        )
    )
    taking: asyncio.Future[bytes | bytearray] | None = None
    try:
        while not copying.done() or not packets.empty():
            taking = asyncio.ensure_future(packets.get())
            await asyncio.wait({copying, taking}, return_when=asyncio.FIRST_COMPLETED)
            if taking.done():
                yield bytes(taking.result())
        await copying
    finally:
        if taking is not None:
            taking.cancel()
        copying.cancel()
        # When it is left early, what it was about to say interests nobody.
        with suppress(asyncio.CancelledError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            await copying
