"""Do something to see what comes of it, and undo it."""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from fostr.kernel.db.unit import Unit


class _Undone(Exception):
    """The end of a trial; nothing went wrong."""


@asynccontextmanager
async def trial(unit: Unit) -> AsyncGenerator[None]:
    """Undo at its end whatever the block has written, and let go of what it has locked; what it raises passes."""
    with suppress(_Undone):
        async with unit.savepoint():
            yield
            raise _Undone
