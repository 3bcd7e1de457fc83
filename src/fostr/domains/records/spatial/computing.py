"""Threads for what takes the processor for long, so that requests beside it are answered meanwhile.

Shapely and numpy let go of the interpreter while they compute. Whoever would have to wait behind too many is refused
at once: a request that waits holds a connection to the database.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, TypeVar

from fostr.kernel.http.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

Result = TypeVar("Result")

THREADS: Final = 2


class SpatialBusy(Unavailable):
    """Others are being computed, and others wait."""

    code = "spatial_busy"
    detail = "Too much of this kind is under way; try again shortly."


@dataclass(slots=True)
class Room:
    """How many may be inside, those who wait for a thread included."""

    most: int
    inside: int = 0

    @contextmanager
    def enter(self) -> Generator[None]:
        """Take a place for as long as the block lasts.

        Raises:
            SpatialBusy: none is free.
        """
        if self.inside >= self.most:
            raise SpatialBusy
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1


async def compute(work: Callable[[], Result]) -> Result:
    """Run a function in one of the threads."""
    return await asyncio.get_running_loop().run_in_executor(_threads(), work)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="spatial")
