"""Which characters the bytes of a text file stand for, by a fixed rule rather than by a guess.

A byte-order mark decides. Without one, a file that is UTF-8 from beginning to end is UTF-8, and any other is
Windows-1252, in which every byte means something. Other encodings have to be named.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, BinaryIO, Final, Literal, TypeAlias

from fostr.domains.records.imports.readers.source import FileUnreadable

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

EncodingName: TypeAlias = Literal[
    "utf-8", "utf-16-le", "utf-16-be", "windows-1250", "windows-1251", "windows-1252", "iso-8859-1", "iso-8859-2",
    "iso-8859-15",
]  # fmt: skip

_MARKS: Final[tuple[tuple[bytes, EncodingName], ...]] = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CHUNK: Final = 1 << 20


class FileUndecodable(FileUnreadable):
    """Some bytes mean nothing in the file's encoding."""

    code = "file_undecodable"
    detail = "The file is not in the encoding that was named."


@dataclass(frozen=True, slots=True)
class Encoding:
    """An encoding, and how many bytes its mark takes at the beginning of the file."""

    name: EncodingName
    mark: int = 0

    def decoder(self) -> codecs.IncrementalDecoder:
        """Return what decodes the file piece by piece."""
        if self.name.startswith("utf"):
            return codecs.getincrementaldecoder(self.name)("strict")
        return _TableDecoder(_decoding_table(self.name))

    def count_bytes(self, text: str) -> int:
        """Return how many bytes of the file a text was."""
        if self.name == "utf-8":
            return len(text) if text.isascii() else len(text.encode())
        return len(text.encode(self.name)) if self.name.startswith("utf") else len(text)


class _TableDecoder(codecs.IncrementalDecoder):
    """Decodes single bytes; one without a meaning becomes the control character of its number, as in browsers."""

    def __init__(self, table: str) -> None:
        super().__init__()
        self._table = table

    def decode(self, input: ReadableBuffer, final: bool = False) -> str:  # noqa: FBT001, FBT002 - codecs' signature
        del final
        # A table may be a string as well (it is what Python's own codecs use); the stubs do not know.
        return codecs.charmap_decode(input, "strict", self._table)[0]  # pyright: ignore[reportArgumentType]


@lru_cache
def _decoding_table(name: EncodingName) -> str:
    return "".join(bytes([byte]).decode(name, errors="ignore") or chr(byte) for byte in range(256))


def detect_encoding(file: BinaryIO, *, named: EncodingName | None = None) -> Encoding:
    """Return the encoding of a file: the named one, or what the rule says."""
    file.seek(0)
    head = file.read(4)
    for mark, name in _MARKS:
        if head.startswith(mark) and named in (None, name):
            return Encoding(name, len(mark))
    if named is not None:
        return Encoding(named)
    return Encoding("utf-8" if _is_utf8(file) else "windows-1252")


def _is_utf8(file: BinaryIO) -> bool:
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        while chunk := file.read(_CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
