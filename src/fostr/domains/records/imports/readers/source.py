"""What every reader of files offers, and what a file can be refused for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias

from fostr.kernel.http.errors import Unprocessable

if TYPE_CHECKING:
    from collections.abc import Iterable

Format: TypeAlias = Literal["csv", "spreadsheet", "json", "ndjson", "geojson"]

MOST_COLUMNS: Final = 500
LONGEST_NAME: Final = 120


class FileEmpty(Unprocessable):
    """The file holds nothing at all."""

    code = "file_empty"
    detail = "The file is empty."


class FileUnreadable(Unprocessable):
    """The file cannot be read as what it is."""

    code = "file_unreadable"
    detail = "The file cannot be read."


class FileTypeUnsupported(Unprocessable):
    """Files of this type cannot be imported."""

    code = "file_type_unsupported"
    detail = "Files of this type cannot be imported: use CSV, TSV, Excel, OpenDocument, JSON or GeoJSON."


class TooManyColumns(Unprocessable):
    """The file has more columns than a recordset can have fields."""

    code = "too_many_columns"
    detail = f"The file has more than {MOST_COLUMNS} columns."


@dataclass(frozen=True, slots=True)
class Position:
    """A place between two rows.

    Attributes:
        offset: what the reader needs to go on there: bytes of a text, rows of a sheet.
        row: how many rows lie before it; the header is none of them.
    """

    offset: int
    row: int


START: Final = Position(offset=0, row=0)


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows in a row.

    Attributes:
        first: the number of the first one; rows count from 1, after the header.
        rows: the cells of each, as texts; a blank row has none.
        end: the place behind the last one.
    """

    first: int
    rows: list[list[str]]
    end: Position


class Reader(Protocol):
    """A file that is being read."""

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the columns, as they stand in the file."""
        ...

    def read(self, count: int) -> Block:
        """Return the next rows, at most `count`; a block without rows says that there are no more.

        Raises:
            FileUnreadable: the file is broken from here on.
        """
        ...


@dataclass(frozen=True, slots=True)
class HeaderNote:
    """A name that had to be made up, for the person to know."""

    code: Literal["header_empty", "header_duplicate", "header_shortened"]
    column: int
    name: str


def name_columns(header: Iterable[str]) -> tuple[list[str], list[HeaderNote]]:
    """Return a name for each column, none of them empty and no two alike, and which of them we made up.

    Raises:
        TooManyColumns: there are more than `MOST_COLUMNS`.
    """
    cells = [" ".join(cell.split()) for cell in header]
    if len(cells) > MOST_COLUMNS:
        raise TooManyColumns(columns=len(cells), limit=MOST_COLUMNS)
    # A name that the file itself gives is never given to another column.
    taken = {cell.casefold() for cell in cells}
    names: list[str] = []
    notes: list[HeaderNote] = []
    seen: set[str] = set()
    for column, cell in enumerate(cells):
        name, code = _name_column(cell, column, taken if cell.casefold() in seen or not cell else set())
        seen.add(name.casefold())
        taken.add(name.casefold())
        names.append(name)
        if code is not None:
            notes.append(HeaderNote(code, column, name))
    return names, notes


def _name_column(
    cell: str, column: int, taken: set[str]
) -> tuple[str, Literal["header_empty", "header_duplicate", "header_shortened"] | None]:
    if not cell:
        return _make_unique(f"column_{column + 1}", taken), "header_empty"
    if taken:
        return _make_unique(cell[:LONGEST_NAME], taken, always=True), "header_duplicate"
    if len(cell) > LONGEST_NAME:
        return cell[:LONGEST_NAME], "header_shortened"
    return cell, None


def _make_unique(name: str, taken: set[str], *, always: bool = False) -> str:
    if not always and name.casefold() not in taken:
        return name
    number = 2
    while f"{name}_{number}".casefold() in taken:
        number += 1
    return f"{name}_{number}"
