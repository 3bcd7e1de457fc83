"""Spreadsheets: Excel's formats and OpenDocument's, one sheet of one file."""

from __future__ import annotations

import zipfile
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from python_calamine import CalamineError, CalamineWorkbook

from fostr.domains.records.imports.readers.source import START, Block, FileEmpty, FileUnreadable, Position

if TYPE_CHECKING:
    from collections.abc import Generator

LARGEST_FILE: Final = 64 << 20
LARGEST_CONTENT: Final = 512 << 20
"""Bytes that a file may unpack to. A sheet is held in memory as a whole, which tables in text are not."""

_WHOLE: Final = 1e15


class SpreadsheetTooLarge(FileUnreadable):
    """A sheet would not fit into memory."""

    code = "spreadsheet_too_large"
    detail = "The spreadsheet is too large; save the sheet as CSV."


def list_sheets(file: BinaryIO) -> tuple[str, ...]:
    """Return the names of the sheets.

    Raises:
        FileUnreadable: it is broken, or too large.
    """
    with _open(file) as workbook:
        return tuple(workbook.sheet_names)


@contextmanager
def _open(file: BinaryIO) -> Generator[CalamineWorkbook]:
    _check_size(file)
    try:
        with CalamineWorkbook.from_filelike(file) as workbook:
            yield workbook
    except (CalamineError, zipfile.BadZipFile) as error:
        raise FileUnreadable(f"The spreadsheet cannot be read: {error}.") from None


def _check_size(file: BinaryIO) -> None:
    if file.seek(0, 2) > LARGEST_FILE:
        raise SpreadsheetTooLarge
    file.seek(0)
    if zipfile.is_zipfile(file):
        file.seek(0)
        with zipfile.ZipFile(file) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST_CONTENT:
                raise SpreadsheetTooLarge
    file.seek(0)


class SpreadsheetReader:
    """Reads a sheet; its offsets are rows."""

    def __init__(self, file: BinaryIO, *, sheet: str, has_header: bool, position: Position = START) -> None:
        """Open a sheet, at its beginning or where an earlier reader stopped.

        Raises:
            FileEmpty: the sheet has no row.
            FileUnreadable: the file is broken.
        """
        with _open(file) as workbook:
            rows = [[_write_cell(cell) for cell in row] for row in workbook.get_sheet_by_name(sheet).iter_rows()]
        while rows and not any(cell.strip() for cell in rows[0]):
            del rows[0]
        if not rows:
            raise FileEmpty
        self.header = tuple(rows.pop(0)) if has_header else ("",) * len(rows[0])
        self._rows = rows
        self._row = position.row

    def read(self, count: int) -> Block:
        """Return the next rows; see `Reader`."""
        first = self._row + 1
        rows = list(islice(self._rows, self._row, self._row + count))
        self._row += len(rows)
        return Block(first, rows, Position(self._row, self._row))


def _write_cell(value: Any) -> str:
    """Return a cell as a table in text would have it."""
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < _WHOLE else repr(value)
        case datetime():
            return value.isoformat()
        case date() | time():
            return value.isoformat()
        case timedelta():
            return str(value)
        case _:
            return str(value)
