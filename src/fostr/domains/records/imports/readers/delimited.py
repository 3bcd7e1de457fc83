"""CSV and its relatives: tables in text, with commas, semicolons, tabs or bars between the cells."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from io import StringIO
from itertools import chain, islice
from typing import BinaryIO, Final, Literal, TypeAlias

from fostr.domains.records.imports.readers.encoding import Encoding, EncodingName, detect_encoding
from fostr.domains.records.imports.readers.lines import Lines
from fostr.domains.records.imports.readers.source import START, Block, FileEmpty, FileUnreadable, Position

Delimiter: TypeAlias = Literal[",", ";", "\t", "|"]

DELIMITERS: Final[tuple[Delimiter, ...]] = (",", ";", "\t", "|")
_PROBED_BYTES: Final = 1 << 18
_PROBED_ROWS: Final = 200
_FIRST_ROWS: Final = 50
_BLOCK_BYTES: Final = 2 << 20
"""Rows are read in blocks of about so many bytes, whatever their length, so that memory stays flat."""

_END: Final = "\ue0f0 end of file \ue0f1"
"""Given to the parser as a last line: when it comes back inside of a cell, a quote was never closed."""


class QuoteUnclosed(FileUnreadable):
    """A quotation mark opens a cell that never ends."""

    code = "quote_unclosed"
    detail = "A quotation mark is never closed."


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a table in text is written down."""

    encoding: EncodingName
    mark: int
    delimiter: Delimiter
    has_header: bool


def detect_dialect(
    file: BinaryIO,
    *,
    encoding: EncodingName | None = None,
    delimiter: Delimiter | None = None,
    has_header: bool = True,
    preferred: Delimiter = ",",
) -> Dialect:
    """Find out how a table is written down; what is given is taken as it is.

    Args:
        file: the file.
        encoding: the encoding, when somebody knows it.
        delimiter: what stands between cells, when somebody knows it.
        has_header: whether the first row names the columns.
        preferred: the delimiter of a table with a single column, which shows none.
    """
    found = detect_encoding(file, named=encoding)
    return Dialect(
        encoding=found.name,
        mark=found.mark,
        delimiter=delimiter or detect_delimiter(_read_head(file, found), preferred=preferred),
        has_header=has_header,
    )


def _read_head(file: BinaryIO, encoding: Encoding) -> str:
    file.seek(encoding.mark)
    raw = file.read(_PROBED_BYTES)
    # The last character may be cut in two; the decoder keeps its first half to itself.
    try:
        return encoding.decoder().decode(raw)
    except UnicodeDecodeError as error:
        return raw[: error.start].decode(encoding.name, errors="ignore")


def detect_delimiter(head: str, *, preferred: Delimiter = ",") -> Delimiter:
    """Return the delimiter by which most rows have as many cells as the header, and that is more than one."""
    scored: list[tuple[tuple[float, int], Delimiter]] = [(_score(head, sign), sign) for sign in DELIMITERS]
    best = max(score for score, _ in scored)
    if best == (0.0, 0):
        return preferred
    winners: list[Delimiter] = [delimiter for score, delimiter in scored if score == best]
    return preferred if preferred in winners else winners[0]


def _score(head: str, delimiter: Delimiter) -> tuple[float, int]:
    reader = csv.reader(StringIO(head, newline=""), delimiter=delimiter)
    try:
        rows = [row for row in islice(reader, _PROBED_ROWS) if row]
    except csv.Error:
        return 0.0, 0
    width = len(rows[0]) if rows else 0
    if width < 2:
        return 0.0, 0
    # The last row may be cut off in the middle.
    whole = rows[1:-1] or rows[1:]
    alike = sum(len(row) == width for row in whole) / len(whole) if whole else 1.0
    return round(alike, 2), width


class DelimitedReader:
    """Reads a table in text. Its offsets are bytes, so that a later reader can seek to any row that was told."""

    def __init__(self, file: BinaryIO, dialect: Dialect, *, position: Position = START) -> None:
        """Open a file, at its beginning or where an earlier reader stopped.

        Raises:
            FileEmpty: it holds no row at all.
        """
        self._size = file.seek(0, 2)
        self._file = file
        self._dialect = dialect
        self._row = 0
        self._pace = _FIRST_ROWS
        self._open(dialect.mark)
        self.header = self._read_header()
        if position.offset:
            self._row = position.row
            self._open(position.offset)

    def read(self, count: int) -> Block:
        """Return the next rows; see `Reader`."""
        first, begin = self._row + 1, self._reached
        rows = self._next_rows(min(count, self._pace))
        self._row += len(rows)
        self._reached = offset = self._offset()
        self._pace = max(1, _BLOCK_BYTES * len(rows) // max(offset - begin, 1))
        return Block(first, rows, Position(offset, self._row))

    def _open(self, offset: int) -> None:
        encoding = Encoding(self._dialect.encoding, self._dialect.mark)
        self._lines = Lines(self._file, encoding, offset=offset)
        self._csv = csv.reader(chain(self._lines, [_END]), delimiter=self._dialect.delimiter)
        self._ended = False
        self._reached = offset

    def _offset(self) -> int:
        return self._size if self._ended else self._lines.offset_after(self._csv.line_num)

    def _read_header(self) -> tuple[str, ...]:
        while rows := self._next_rows(1):
            if any(cell.strip() for cell in rows[0]):
                break
        else:
            raise FileEmpty
        if self._dialect.has_header:
            return tuple(rows[0])
        self._open(self._dialect.mark)
        return ("",) * len(rows[0])

    def _next_rows(self, count: int) -> list[list[str]]:
        if self._ended:
            return []
        try:
            rows = list(islice(self._csv, count))
        except csv.Error as error:
            raise self._explain(error) from None
        if rows and rows[-1] and rows[-1][-1].endswith(_END):
            self._ended = True
            if rows.pop() != [_END]:
                raise QuoteUnclosed(f"A quotation mark in row {self._row + len(rows) + 1} is never closed.")
        return rows

    def _explain(self, error: csv.Error) -> FileUnreadable:
        where = f"between rows {self._row + 1} and {self._row + self._csv.line_num + 1}"
        if "field larger" in str(error):
            limit = csv.field_size_limit()
            return QuoteUnclosed(f"A cell {where} has more than {limit} characters; is a quotation mark missing?")
        return FileUnreadable(f"The table cannot be read {where}: {error}.")
