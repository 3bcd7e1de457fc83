"""From rows of texts to the columns of an insert, a batch at a time.

What a field takes is decided by `fields.shaping` alone. Nearly all of an import's time would go into calling it value
by value, so texts and plain numbers, whose rules are simple, are done a column at a time here, and other values are
checked once for each different text. A property test holds all of it against `shape`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import compress, repeat
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import orjson

from fostr.domains.records.fields.geometry import bounds_of
from fostr.domains.records.fields.shaping import (
    LONGEST_PROMOTED_TEXT,
    LONGEST_TITLE,
    check_value,
    find_geometry,
    promoted_value,
)
from fostr.domains.records.fields.types import LONGEST_LINE, LONGEST_TEXT, ValueRefused
from fostr.domains.records.imports.interpretation import AS_FIELDS_TAKE_IT, Style, preparation
from fostr.kernel.ids import new_ids

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.domains.records.fields.model import Field, Recordset
    from fostr.domains.records.imports.readers.source import Block, Position

Convert: TypeAlias = Callable[[Sequence[str]], "list[Any]"]

Promote: TypeAlias = "Callable[[list[Any]], list[Any]]"

REMEMBERED: Final = 10_000
"""Different texts of a column whose checked values are kept."""
LONGEST_REMEMBERED: Final = 100
LONGEST_REPORTED: Final = 200

REFERENCES: Final = frozenset({"member", "link"})
"""Types whose values are ids, for which a file has texts; `merging.resolving` knows of what."""
PLAIN: Final = frozenset(
    {"text", "long_text", "number", "currency", "percent", "rating", "duration", "boolean", "date", "datetime",
     "email", "url", "phone", "select", "multi_select", "location", "geometry", "json"}
)  # fmt: skip
"""Types whose checked values lead to nothing beyond their record."""
_PLAIN_NUMBERS: Final = frozenset({"number", "currency", "percent"})
_LIMITS: Final = frozenset({"min", "max"})
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_PLAIN_DECIMAL: Final = re.compile(r"-?[0-9]{1,15}\.[0-9]{1,15}")


@dataclass(frozen=True, slots=True)
class Mapping:
    """Which column of the file becomes which field, and how the column writes its values.

    Attributes:
        unknown: what becomes of a text that names nothing that is there, in a field that names things.
    """

    column: int
    field: str
    style: Style = AS_FIELDS_TAKE_IT
    unknown: Literal["error", "skip"] = "error"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row was not imported: one value, or the whole row where there is no column."""

    row: int
    column: str
    value: str
    reason: str


@dataclass(slots=True)
class Batch:
    """Rows in the form in which they are inserted: one list for each column of the table.

    Attributes:
        end: the place in the file behind them.
        faults: why some rows are left out.
        failed: how many those are.
        updated: how many rows change other records.
        skipped: how many change nothing.
    """

    end: Position
    ids: list[UUID] = field(default_factory=list["UUID"])
    numbers: list[int] = field(default_factory=list[int])
    titles: list[str] = field(default_factory=list[str])
    documents: list[str] = field(default_factory=list[str])
    geometries: list[str | None] | None = None
    geometry_types: list[str | None] | None = None
    boxes: list[str | None] | None = None
    promoted: dict[str, list[Any]] = field(default_factory=dict[str, "list[Any]"])
    faults: list[Fault] = field(default_factory=list[Fault])
    failed: int = 0
    updated: int = 0
    skipped: int = 0


@dataclass(slots=True)
class CheckedRows:
    """Rows with checked values, for those who decide about each of them what becomes of it.

    Attributes:
        end: the place in the file behind them.
        numbers: where each lies in the file.
        values: of each row, the value of every mapped field; None where its cell is empty.
        faults: why other rows are left out.
    """

    end: Position
    numbers: list[int] = field(default_factory=list[int])
    values: list[dict[str, Any]] = field(default_factory=list["dict[str, Any]"])
    faults: list[Fault] = field(default_factory=list[Fault])


class Refusal:
    """Stands in the place of a value that a field does not take."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        self.reason = reason


class _Memory(dict[str, Any]):
    """Checked values by their texts; a text that is not there yet is checked when it is asked for."""

    def __init__(self, check: Callable[[str], Any]) -> None:
        super().__init__()
        self._check = check

    def __missing__(self, text: str) -> Any:
        value = self._check(text)
        # Refusals are made anew each time: who makes one notes it.
        if len(self) < REMEMBERED and len(text) <= LONGEST_REMEMBERED and not isinstance(value, Refusal):
            self[text] = value
        return value


def compile_column(entry: Field, style: Style, *, refused: set[str]) -> Convert:
    """Return what turns the texts of a column into checked values: None for no value, or a `Refusal`.

    Whenever a value is refused, the field's key goes into `refused`.
    """
    prepare = preparation(entry, style)

    def check(text: str) -> Any:
        try:
            return check_value(entry, prepare(text) if prepare is not None and text.strip() else text)
        except ValueRefused as refusal:
            refused.add(entry.key)
            return Refusal(str(refusal))

    if entry.type in REFERENCES:
        return lambda texts: list(map(_split_names, texts))
    if entry.type in {"text", "long_text"}:
        longest = LONGEST_LINE if entry.type == "text" else LONGEST_TEXT
        return _compile_text(check, longest=min(longest, entry.options.get("max_length") or longest))
    if entry.type in _PLAIN_NUMBERS and prepare is None and not _LIMITS & entry.options.keys():
        return _compile_number(check)
    # Lists and objects are not shared between records: a change of one would change the others.
    if entry.field_type.kind in {"list", "document"}:
        return lambda texts: list(map(check, texts))
    memory = _Memory(check)
    return lambda texts: list(map(memory.__getitem__, texts))


def _compile_text(check: Callable[[str], Any], *, longest: int) -> Convert:
    def convert(texts: Sequence[str]) -> list[Any]:
        if "\x00" in "".join(texts) or max(map(len, texts), default=0) > longest:
            return list(map(check, texts))
        return [text if text and not text.isspace() else None for text in texts]

    return convert


def _split_names(text: str) -> list[str] | None:
    """Return what a text names: between semicolons or on lines; ids, which hold none themselves, between commas too."""
    ids = [part.strip() for part in text.split(",")]
    if len(ids) > 1 and all(map(_ID.fullmatch, ids)):
        return ids
    return [name.strip() for name in re.split("[;\n]", text) if name.strip()] or None


def _compile_number(check: Callable[[str], Any]) -> Convert:
    is_plain = _PLAIN_DECIMAL.fullmatch

    def convert(texts: Sequence[str]) -> list[Any]:
        return [
            int(text)
            if text.isdigit() and text.isascii() and len(text) < 19
            else float(text)
            if is_plain(text)
            else check(text)
            for text in texts
        ]

    return convert


def _compile_promotion(entry: Field) -> Promote:
    """Return what turns checked values into those of their promoted column."""
    match entry.field_type.kind:
        case "number":
            # PostgreSQL's protocol takes integers for doubles.
            return list
        case "text":
            return lambda values: [value and value[:LONGEST_PROMOTED_TEXT] for value in values]
        case _:
            memory = _Memory(lambda value: promoted_value(entry, value))
            return lambda values: [value and memory[value] for value in values]


def is_plain(recordset: Recordset) -> bool:
    """Say whether new records need nothing that only the database knows: no number in a row, no member, no link."""
    return all(
        not field.field_type.is_kept or (field.type in PLAIN and field.options.get("default") is None)
        for field in recordset.fields
    )


class Converter:
    """Turns blocks of rows into batches, by a recordset's fields and the mapping of the columns onto them."""

    def __init__(self, recordset: Recordset, mappings: Sequence[Mapping], names: Sequence[str]) -> None:
        """Compile the conversion of each column.

        Args:
            recordset: whose records the rows become.
            mappings: which columns become which fields; the fields exist.
            names: of all columns of the file, for the report.
        """
        # PostgreSQL keeps the keys of an object by length and then by bytes. Texts that come in that order spare it
        # the sorting, a tenth of what it does for a row.
        ordered = sorted(mappings, key=lambda mapping: (len(mapping.field), mapping.field))
        self._recordset = recordset
        self._names = names
        self._width = len(names)
        self._columns = [mapping.column for mapping in ordered]
        self._fields = [recordset.by_key[mapping.field] for mapping in ordered]
        self._keys = [mapping.field for mapping in ordered]
        self._refused: set[str] = set()
        self._promotions = {
            entry.slot: (entry.key, _compile_promotion(entry)) for entry in self._fields if entry.slot is not None
        }
        self._converts = [
            compile_column(entry, mapping.style, refused=self._refused)
            for entry, mapping in zip(self._fields, ordered, strict=True)
        ]
        self._place = _compile_place(recordset, self._keys)

    def convert(self, block: Block) -> Batch:
        """Return a block's rows as they are inserted, and the faults of those that are not."""
        batch = Batch(end=block.end)
        numbers, columns = self._check(block, batch.faults, checks_required=True)
        if numbers:
            self._fill(batch, numbers, columns)
        batch.failed = len({fault.row for fault in batch.faults})
        return batch

    def check(self, block: Block) -> CheckedRows:
        """Return a block's rows with their values; whether required ones are missing is left to be found."""
        checked = CheckedRows(end=block.end)
        checked.numbers, columns = self._check(block, checked.faults, checks_required=False)
        checked.values = [dict(zip(self._keys, row, strict=True)) for row in zip(*columns, strict=True)]
        return checked

    def _check(self, block: Block, faults: list[Fault], *, checks_required: bool) -> tuple[list[int], list[list[Any]]]:
        """Return the rows whose values are all taken: their numbers, and their values by column."""
        numbers, rows = self._fit_width(block, faults)
        if not rows:
            return [], []
        texts = list(zip(*rows, strict=True))
        columns = [convert(texts[at]) for convert, at in zip(self._converts, self._columns, strict=True)]
        refused = self._find_refusals(numbers, texts, columns, faults, checks_required=checks_required)
        if refused:
            keep = [at not in refused for at in range(len(numbers))]
            numbers = list(compress(numbers, keep))
            columns = [list(compress(column, keep)) for column in columns]
        return numbers, columns

    def _fit_width(self, block: Block, faults: list[Fault]) -> tuple[list[int], list[list[str]]]:
        """Return the rows that are not blank, each as wide as the header, with their numbers."""
        width = self._width
        if set(map(len, block.rows)) == {width} and all(map(any, block.rows)):
            return list(range(block.first, block.first + len(block.rows))), block.rows
        numbers: list[int] = []
        rows: list[list[str]] = []
        for number, row in enumerate(block.rows, start=block.first):
            if not any(row):
                continue
            if any(row[width:]):
                reason = f"has {len(row)} cells, and the header has {width}"
                faults.append(Fault(number, "", shorten(row[width]), reason))
                continue
            numbers.append(number)
            rows.append(row[:width] if len(row) > width else [*row, *repeat("", width - len(row))])
        return numbers, rows

    def _find_refusals(
        self,
        numbers: list[int],
        texts: list[tuple[str, ...]],
        columns: list[list[Any]],
        faults: list[Fault],
        *,
        checks_required: bool,
    ) -> set[int]:
        places: set[int] = set()
        for entry, at, column in zip(self._fields, self._columns, columns, strict=True):
            if checks_required and entry.is_required and None in column:
                column[:] = [Refusal("is required") if value is None else value for value in column]
            elif entry.key not in self._refused:
                continue
            for place, value in enumerate(column):
                if isinstance(value, Refusal):
                    places.add(place)
                    faults.append(Fault(numbers[place], self._names[at], shorten(texts[at][place]), value.reason))
        self._refused.clear()
        return places

    def _fill(self, batch: Batch, numbers: list[int], columns: list[list[Any]]) -> None:
        by_key = dict(zip(self._keys, columns, strict=True))
        keys, dumps = self._keys, orjson.dumps
        rows = zip(*columns, strict=True)
        if any(None in column for column in columns):
            kept = [{k: v for k, v in zip(keys, row) if v is not None} for row in rows]  # noqa: B905
        else:
            kept = [dict(zip(keys, row)) for row in rows]  # noqa: B905 - as many by making; the check costs
        batch.ids = new_ids(len(numbers))
        batch.numbers = numbers
        batch.documents = [dumps(values).decode() for values in kept]
        batch.titles = self._titles(by_key, len(numbers))
        batch.promoted = {slot: promote(by_key[key]) for slot, (key, promote) in self._promotions.items()}
        if self._place is not None:
            self._place(batch, by_key, kept)

    def _titles(self, by_key: dict[str, list[Any]], count: int) -> list[str]:
        entry = self._recordset.title_field
        if entry is None or entry.key not in by_key:
            return [""] * count
        return ["" if value is None else str(value)[:LONGEST_TITLE] for value in by_key[entry.key]]


Place: TypeAlias = "Callable[[Batch, dict[str, list[Any]], list[dict[str, Any]]], None]"


def _compile_place(recordset: Recordset, keys: list[str]) -> Place | None:
    """Return what puts records onto the map; None where the file brings nothing of it."""
    places: dict[str, Any] = recordset.settings.get("map") or {}
    named = {role: places.get(role, "") for role in ("geometry_field", "location_field", "lat_field", "lng_field")}
    if named["geometry_field"] in keys or named["location_field"] in keys:
        return lambda batch, _, kept: _place_each(recordset, batch, kept)
    both = [recordset.by_key[key] for key in (named["lat_field"], named["lng_field"]) if key in keys]
    if len(both) == 2 and all(entry.field_type.kind == "number" for entry in both):
        return lambda batch, by_key, _: _place_points(batch, by_key[named["lat_field"]], by_key[named["lng_field"]])
    return None


def _place_each(recordset: Recordset, batch: Batch, kept: list[dict[str, Any]]) -> None:
    found = [find_geometry(recordset, values) for values in kept]
    batch.geometries = [orjson.dumps(geometry).decode() if geometry else None for geometry in found]
    batch.geometry_types = [geometry["type"] if geometry else None for geometry in found]
    batch.boxes = [bounds_of(geometry).as_box() if geometry else None for geometry in found]


def _place_points(batch: Batch, lats: list[Any], lngs: list[Any]) -> None:
    geometries: list[str | None] = []
    boxes: list[str | None] = []
    for lat, lng in zip(lats, lngs, strict=True):
        if lat is not None and lng is not None and -90 <= lat <= 90 and -180 <= lng <= 180:
            place = f"{lng!r},{lat!r}"
            geometries.append(f'{{"type":"Point","coordinates":[{place}]}}')
            boxes.append(f"({place}),({place})")
        else:
            geometries.append(None)
            boxes.append(None)
    batch.geometries = geometries
    batch.boxes = boxes
    batch.geometry_types = ["Point" if box else None for box in boxes]


def shorten(text: str) -> str:
    """Return a cell as reports show it: of a length that PostgreSQL and people can take, without NUL."""
    shown = text.replace("\x00", "\ufffd")
    return shown if len(shown) <= LONGEST_REPORTED else f"{shown[: LONGEST_REPORTED - 1]}…"
