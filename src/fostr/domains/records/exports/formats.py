"""How an export is written: each format as pieces of bytes, one chunk of records at a time."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson

from fostr.domains.records.fields.cells import write_cell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fostr.domains.records.fields.model import Field
    from fostr.domains.records.fields.types import FieldType

DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r")
"""A text that begins with one of these is run as a formula by spreadsheets (OWASP, CSV injection)."""

_DANGEROUS: Final = frozenset(DANGEROUS)

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class ExportedRecord:
    """A record as an export sees it: what the caller may know of it."""

    id: str
    values: dict[str, Any]
    geometry: dict[str, Any] | None


class Writer(Protocol):
    """Writes records in one format."""

    extension: str
    content_type: str

    def begin(self) -> bytes:
        """Return what goes before the first record."""
        ...

    def write(self, records: Sequence[ExportedRecord]) -> bytes:
        """Return some records."""
        ...

    def end(self) -> bytes:
        """Return what goes after the last record."""
        ...


class CsvWriter:
    """Comma-separated values (RFC 4180) with a byte-order mark, which spreadsheets need to read UTF-8."""

    extension = "csv"
    content_type = "text/csv; charset=utf-8"

    def __init__(self, fields: Sequence[Field], *, include_id: bool) -> None:
        """Write these fields, under their names."""
        self._fields = fields
        self._cells = [(field.key, _cell_writer(field)) for field in fields]
        self._include_id = include_id

    def begin(self) -> bytes:
        """Return the header."""
        names = [guard_formula(field.name) for field in self._fields]
        return BYTE_ORDER_MARK + self._lines([["id", *names] if self._include_id else names])

    def write(self, records: Sequence[ExportedRecord]) -> bytes:
        """Return one line a record."""
        return self._lines([self._row(record) for record in records])

    def end(self) -> bytes:
        """Return nothing: the last line ended the file."""
        return b""

    def _row(self, record: ExportedRecord) -> list[str]:
        get = record.values.get
        cells = [write(get(key)) for key, write in self._cells]
        return [record.id, *cells] if self._include_id else cells

    @staticmethod
    def _lines(rows: list[list[str]]) -> bytes:
        buffer = io.StringIO(newline="")
        csv.writer(buffer, lineterminator="\r\n").writerows(rows)
        return buffer.getvalue().encode()


class JsonWriter:
    """One JSON array, or one JSON object a line."""

    def __init__(self, *, is_lines: bool) -> None:
        """Write an array, or lines."""
        self._is_lines = is_lines
        self._is_first = True
        self.extension = "ndjson" if is_lines else "json"
        self.content_type = "application/x-ndjson" if is_lines else "application/json"

    def begin(self) -> bytes:
        """Return the opening bracket of an array."""
        return b"" if self._is_lines else b"["

    def write(self, records: Sequence[ExportedRecord]) -> bytes:
        """Return the records, each with its id among its values."""
        parts = [orjson.dumps({"id": record.id, **record.values}) for record in records]
        if self._is_lines:
            return b"".join(part + b"\n" for part in parts)
        return self._joined(parts)

    def _joined(self, parts: list[bytes]) -> bytes:
        text = b",\n".join(parts)
        lead, self._is_first = (b"\n" if self._is_first else b",\n"), False
        return lead + text if parts else b""

    def end(self) -> bytes:
        """Return the closing bracket of an array."""
        return b"" if self._is_lines else b"\n]\n"


class GeoJsonWriter(JsonWriter):
    """A GeoJSON feature collection (RFC 7946); records without a place have a null geometry."""

    def __init__(self, *, origin: Mapping[str, str]) -> None:
        """Write one collection, which tells where its data come from (foreign members, section 6.1)."""
        super().__init__(is_lines=False)
        self._origin = origin
        self.extension = "geojson"
        self.content_type = "application/geo+json"

    def begin(self) -> bytes:
        """Return what stands before the features."""
        told = orjson.dumps({"type": "FeatureCollection", **self._origin})
        return told[:-1] + b',"features":['

    def write(self, records: Sequence[ExportedRecord]) -> bytes:
        """Return one feature a record."""
        return self._joined(
            [
                orjson.dumps({"type": "Feature", "id": r.id, "geometry": r.geometry, "properties": r.values})
                for r in records
            ]
        )

    def end(self) -> bytes:
        """Return what stands after the features."""
        return b"\n]}\n"


def guarded_cell(field_type: FieldType, value: Any) -> str:
    """Return a value as a cell of a table in text; one that a spreadsheet would run as a formula is made harmless."""
    text = write_cell(field_type, value)
    # A number may begin with a minus; there is nothing to run in it.
    return text if isinstance(value, int | float) else guard_formula(text)


_PLAIN_NUMBERS: Final = frozenset({"number", "currency", "percent", "rating", "autonumber"})


def _cell_writer(field: Field) -> Callable[[Any], str]:
    """Return what does as `guarded_cell` does, for most values with no more than a look at them."""
    guarded = partial(guarded_cell, field.field_type)
    if field.field_type.write is not None or field.type == "json":
        return guarded
    if field.kind == "text":
        return lambda value: "" if value is None else guard_formula(value) if isinstance(value, str) else guarded(value)
    if field.type in _PLAIN_NUMBERS:
        return lambda value: "" if value is None else repr(value).removesuffix(".0")
    return guarded


def guard_formula(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would take for a formula."""
    return f"'{text}" if text[:1] in _DANGEROUS else text


def open_writer(format: str, fields: Sequence[Field], *, include_id: bool, origin: Mapping[str, str]) -> Writer:
    """Return the writer of a format.

    Args:
        format: its name in the API.
        fields: what is written of each record.
        include_id: whether its id is a column, where the format has columns.
        origin: where the data come from: `attribution`, `licence`, `source`, for formats with a place for it.

    Raises:
        FormatUnavailable: this server lacks what writes it.
    """
    match format:
        case "csv":
            return CsvWriter(fields, include_id=include_id)
        case "xlsx":
            from fostr.domains.records.exports.spreadsheets import SpreadsheetWriter

            return SpreadsheetWriter(fields, include_id=include_id)
        case "parquet":
            from fostr.domains.records.exports.parquet import ParquetWriter

            return ParquetWriter(fields, include_id=include_id)
        case "geojson":
            return GeoJsonWriter(origin=origin)
        case _:
            return JsonWriter(is_lines=format == "ndjson")
