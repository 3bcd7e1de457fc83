"""Where writers of archives write to, so that what they have written can be sent on piece by piece."""

from __future__ import annotations

import io


class Sink(io.RawIOBase):
    """A file that is only written to, forward, and gives away what is in it."""

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        self._pieces: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        """Say that it is written to."""
        return True

    def write(self, content: object, /) -> int:
        """Take some bytes."""
        piece = bytes(memoryview(content))  # pyright: ignore[reportArgumentType] - whatever has a buffer
        self._pieces.append(piece)
        self._written += len(piece)
        return len(piece)

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._written

    def take(self) -> bytes:
        """Return what was written since the last time."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)
