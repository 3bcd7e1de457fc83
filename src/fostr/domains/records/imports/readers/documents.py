"""JSON: lists of objects, lines of objects, and GeoJSON's collections of features, each object a row."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

import ijson
import orjson

from fostr.domains.records.imports.readers.encoding import Encoding, detect_encoding
from fostr.domains.records.imports.readers.lines import Lines
from fostr.domains.records.imports.readers.source import (
    MOST_COLUMNS,
    START,
    Block,
    FileUnreadable,
    Format,
    Position,
    TooManyColumns,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

GEOMETRY: Final = "geometry"

_PREFIXES: Final = {"json": "item", "geojson": "features.item"}
_SHAPES: Final = {
    "json": "a list of objects",
    "ndjson": "one object on each line",
    "geojson": "a collection of features",
}


def list_keys(file: BinaryIO, format: Format) -> tuple[str, ...]:
    """Return the keys of all objects of a file, in the order in which they first come.

    Raises:
        TooManyColumns: there are more than `MOST_COLUMNS`.
        FileUnreadable: it is broken, or holds something else.
    """
    keys: dict[str, None] = {}
    for entry in _walk(file, format):
        keys.update(dict.fromkeys(entry))
        if len(keys) > MOST_COLUMNS:
            raise TooManyColumns(columns=len(keys), limit=MOST_COLUMNS)
    if not keys:
        raise FileUnreadable(f"The file is not {_SHAPES[format]}.")
    return tuple(keys)


class DocumentReader:
    """Reads objects as rows; its offsets are rows, and the rows before are passed over."""

    def __init__(self, file: BinaryIO, format: Format, *, keys: Sequence[str], position: Position = START) -> None:
        """Open a file, at its beginning or where an earlier reader stopped."""
        self.header = tuple(keys)
        self._entries = islice(_walk(file, format), position.row, None)
        self._row = position.row

    def read(self, count: int) -> Block:
        """Return the next rows; see `Reader`."""
        first = self._row + 1
        rows = [[_write_cell(entry.get(key)) for key in self.header] for entry in islice(self._entries, count)]
        self._row += len(rows)
        return Block(first, rows, Position(self._row, self._row))


def _walk(file: BinaryIO, format: Format) -> Iterator[dict[str, Any]]:
    found = _walk_lines(file) if format == "ndjson" else _walk_items(file, _PREFIXES[format])
    for number, entry in enumerate(found, start=1):
        if not isinstance(entry, dict):
            raise FileUnreadable(f"The file is not {_SHAPES[format]}: number {number} is none.")
        row = cast(dict[str, Any], entry)
        yield _flatten_feature(row) if format == "geojson" else row


def _walk_items(file: BinaryIO, prefix: str) -> Iterator[Any]:
    file.seek(detect_encoding(file, named="utf-8").mark)
    try:
        yield from ijson.items(file, prefix, use_float=True)
    except (ijson.JSONError, UnicodeDecodeError) as error:
        raise FileUnreadable(f"The file is not JSON: {str(error).strip().splitlines()[0]}.") from None


def _walk_lines(file: BinaryIO) -> Iterator[Any]:
    encoding = Encoding("utf-8", detect_encoding(file, named="utf-8").mark)
    for number, line in enumerate(Lines(file, encoding, offset=encoding.mark), start=1):
        if line.strip():
            try:
                yield orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise FileUnreadable(f"Line {number} is not JSON: {error}.") from None


def _flatten_feature(feature: dict[str, Any]) -> dict[str, Any]:
    """Return a feature's properties, with its geometry, and its id where it has one, among them."""
    properties: Any = feature.get("properties")
    row: dict[str, Any] = {GEOMETRY: feature.get("geometry")}
    if "id" in feature:
        row["id"] = feature["id"]
    return row | properties if isinstance(properties, dict) else row


def _write_cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case _:
            return orjson.dumps(value).decode()
