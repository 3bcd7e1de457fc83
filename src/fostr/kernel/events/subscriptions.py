"""Readers of a channel inside one process: bounded queues, so that a reader who stalls holds up nobody."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, Self

RESYNC: Final = "\0resync"
"""Given in place of a payload when notices may have been lost: read everything anew. No payload has a zero in it."""

LONGEST_QUEUE: Final = 1000
"""Notices that wait for a reader before it is dropped."""


class ReaderTooSlow(Exception):
    """The reader did not keep up, and its notices were thrown away: subscribe again and read everything anew."""


class BusClosed(Exception):
    """The process shuts down: there will be no more notices."""


class Subscription:
    """The notices of one channel for one reader, in their order."""

    __slots__ = ("_arrived", "_end", "_limit", "_waiting", "live")

    def __init__(self, *, limit: int = LONGEST_QUEUE) -> None:
        """Begin empty; `live` is set once its channel is listened to."""
        self.live = False
        self._limit = limit
        self._waiting: deque[str] = deque()
        self._arrived = asyncio.Event()
        self._end: Exception | None = None

    def offer(self, payload: str) -> None:
        """Give a notice to the reader, or give the reader up."""
        if self._end is not None or (self._waiting and self._waiting[-1] == payload):
            # The same notice twice, unread, says nothing more.
            return
        if len(self._waiting) >= self._limit:
            self.end(ReaderTooSlow())
            return
        self._waiting.append(payload)
        self._arrived.set()

    def resync(self) -> None:
        """Replace everything that waits by the word that notices may have been lost."""
        self._waiting.clear()
        self.offer(RESYNC)

    def end(self, reason: Exception) -> None:
        """Let the reader's next step raise `reason`."""
        self._waiting.clear()
        self._end = reason
        self._arrived.set()

    def __aiter__(self) -> Self:
        """Read notices until the reader leaves."""
        return self

    async def __anext__(self) -> str:
        """Wait for the next notice."""
        while not self._waiting:
            if self._end is not None:
                raise self._end
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()
