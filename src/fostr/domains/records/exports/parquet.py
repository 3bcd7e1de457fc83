"""Apache Parquet, by pyarrow: typed columns in groups of rows, each written and forgotten before the next is read.

pyarrow is large, and only this needs it: it is an optional part of the installation, and is loaded when it is used.
"""

from __future__ import annotations

import importlib
import importlib.util
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, cast

from fostr.domains.records.exports.sinks import Sink
from fostr.domains.records.fields.cells import write_cell
from fostr.kernel.http.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fostr.domains.records.exports.formats import ExportedRecord
    from fostr.domains.records.fields.model import Field

GROUP_ROWS: Final = 20_000
"""Rows of a group. A reader skips whole groups, and a group is what is in memory."""


class FormatUnavailable(Unavailable):
    """The library that writes the format is not installed."""

    code = "export_format_unavailable"
    detail = "Parquet needs the optional package pyarrow, which is not installed on this server."


_TIMES: Final = frozenset({"day", "moment"})


def check_parquet() -> None:
    """Refuse Parquet where it cannot be written.

    Raises:
        FormatUnavailable: pyarrow is not installed.
    """
    if importlib.util.find_spec("pyarrow") is None:
        raise FormatUnavailable


class ParquetWriter:
    """A Parquet file: a column for each field, named by its key, of the type that the field's values have."""

    extension = "parquet"
    content_type = "application/vnd.apache.parquet"

    def __init__(self, fields: Sequence[Field], *, include_id: bool) -> None:
        """Write these fields.

        Raises:
            FormatUnavailable: pyarrow is not installed.
        """
        check_parquet()
        self._fields = fields
        self._include_id = include_id
        self._shapes = [_shape(field) for field in fields]
        self._waiting: list[ExportedRecord] = []
        self._sink = Sink()
        self._writer: Any = None
        self._schema: Any = None

    def begin(self) -> bytes:
        """Return the beginning of the file."""
        pa, pq = _arrow(), importlib.import_module("pyarrow.parquet")
        types = [(field.key, _type(shape)) for field, (shape, _) in zip(self._fields, self._shapes, strict=True)]
        # A field may be called `id`, too; a column that stands twice could not be read by its name.
        taken = {key for key, _ in types}
        first = [(next(name for name in ("id", "record_id", "_id") if name not in taken), pa.string())]
        self._schema = pa.schema([*(first if self._include_id else []), *types])
        self._writer = pq.ParquetWriter(self._sink, self._schema, compression="zstd")
        return self._sink.take()

    def write(self, records: Sequence[ExportedRecord]) -> bytes:
        """Return some records, once they fill a group."""
        self._waiting += records
        if len(self._waiting) >= GROUP_ROWS:
            self._write_group()
        return self._sink.take()

    def end(self) -> bytes:
        """Return the last group, and the index of all of them."""
        if self._waiting:
            self._write_group()
        self._writer.close()
        return self._sink.take()

    def _write_group(self) -> None:
        pa = _arrow()
        records, self._waiting = self._waiting, []
        arrays = [pa.array([record.id for record in records])] if self._include_id else []
        for field, shape in zip(self._fields, self._shapes, strict=True):
            arrays.append(_column([record.values.get(field.key) for record in records], *shape))
        self._writer.write_table(pa.table(arrays, schema=self._schema), row_group_size=len(records))


def _arrow() -> Any:
    # Its types are half told; and whoever exports no Parquet loads none of it.
    return importlib.import_module("pyarrow")


def _column(values: list[Any], shape: str, convert: Callable[[Any], Any]) -> Any:
    """Return a column: by pyarrow's own reading of all values at once, or value by value where that cannot be."""
    pa = _arrow()
    written = _type(shape)
    try:
        return pa.array(values, type=pa.string()).cast(written) if shape in _TIMES else pa.array(values, type=written)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if value is None else convert(value) for value in values], type=written)


def _shape(field: Field) -> tuple[str, Callable[[Any], Any]]:
    """Return as what a field's values are written, and what makes them that."""
    field_type = field.field_type
    match field.kind:
        case "number":
            return "number", lambda value: float(value) if isinstance(value, int | float) else None
        case "boolean":
            return "boolean", lambda value: value if isinstance(value, bool) else None
        case "time":
            return ("day", _read_day) if field.type == "date" else ("moment", _read_moment)
        case "list":
            return "list", lambda value: [str(item) for item in cast("list[Any]", value)]
        case _:
            return "text", lambda value: value if isinstance(value, str) else write_cell(field_type, value)


def _type(shape: str) -> Any:
    pa = _arrow()
    return {
        "number": pa.float64,
        "boolean": pa.bool_,
        "day": pa.date32,
        "moment": lambda: pa.timestamp("us", tz="UTC"),
        "list": lambda: pa.list_(pa.string()),
        "text": pa.string,
    }[shape]()


def _read_day(value: str) -> date:
    return date.fromisoformat(value[:10])


def _read_moment(value: str) -> datetime:
    return datetime.fromisoformat(value)
