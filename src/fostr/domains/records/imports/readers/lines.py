"""Lines of a text file, with the byte at which each began, in constant memory."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from io import StringIO
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, Final

from fostr.domains.records.imports.readers.encoding import Encoding, FileUndecodable
from fostr.domains.records.imports.readers.source import FileUnreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHUNK: Final = 1 << 20
LONGEST_LINE: Final = 4 << 20
"""Characters without a line's end after which a file is no table of text."""


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Whole lines: the number of the first, the byte at which it begins, and the lines with their ends."""

    first: int
    offset: int
    lines: list[str]


class Lines:
    """The lines of a file from an offset on, split at any of the three line ends and at nothing else.

    They are split a chunk at a time, so that handing them on costs no step in Python a line.
    """

    def __init__(self, file: BinaryIO, encoding: Encoding, *, offset: int) -> None:
        """Begin at a byte at which a line begins."""
        self._file = file
        self._encoding = encoding
        self._offset = offset
        self._count = 0
        self._held: deque[_Chunk] = deque()

    def __iter__(self) -> Iterator[str]:
        """Yield the lines; to be called once."""
        return chain.from_iterable(self._read_chunks())

    def offset_after(self, count: int) -> int:
        """Return the byte behind the first `count` lines, which cannot be fewer than the last time."""
        while len(self._held) > 1 and self._held[1].first <= count:
            self._held.popleft()
        if not self._held:
            return self._offset
        chunk = self._held[0]
        return chunk.offset + self._encoding.count_bytes("".join(chunk.lines[: count - chunk.first]))

    def _read_chunks(self) -> Iterator[list[str]]:
        self._file.seek(self._offset)
        decoder = self._encoding.decoder()
        rest = ""
        while raw := self._file.read(CHUNK):
            text = rest + self._decode(decoder.decode, raw)
            cut = _last_line_end(text)
            if cut:
                yield self._hold(text[:cut])
            rest = text[cut:]
            if len(rest) > LONGEST_LINE:
                raise FileUnreadable(f"Line {self._count + 1} is longer than {LONGEST_LINE} characters.")
        rest += self._decode(lambda raw: decoder.decode(raw, final=True), b"")
        if rest:
            yield self._hold(rest)

    def _decode(self, decode: Callable[[bytes], str], raw: bytes) -> str:
        try:
            return decode(raw)
        except UnicodeDecodeError as error:
            detail = f"The file is not {self._encoding.name}: {error.reason}, after line {self._count}."
            raise FileUndecodable(detail, encoding=self._encoding.name) from None

    def _hold(self, text: str) -> list[str]:
        lines = StringIO(text, newline="").readlines()
        self._held.append(_Chunk(self._count, self._offset, lines))
        self._count += len(lines)
        self._offset += self._encoding.count_bytes(text)
        return lines


def _last_line_end(text: str) -> int:
    """Return the place behind the last line end; a carriage return at the very end may be half of one."""
    return max(text.rfind("\n"), text.rfind("\r", 0, len(text) - 1)) + 1 if text else 0
