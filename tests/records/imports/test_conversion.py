"""Converting columns gives what shaping gives value by value: the fast ways and the reference cannot differ."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from fostr.domains.records.fields.model import Field, Recordset
from fostr.domains.records.fields.promotion import SLOTS
from fostr.domains.records.fields.shaping import check_value, shape
from fostr.domains.records.fields.types import TYPES, ValueRefused
from fostr.domains.records.fields.words import plain_words, split_words
from fostr.domains.records.imports.conversion import PLAIN, Batch, Converter, Mapping
from fostr.domains.records.imports.interpretation import Style, preparation
from fostr.domains.records.imports.readers.source import Block, Position
from fostr.kernel.ids import new_id

NAMES = sorted(PLAIN)
SAMPLES = [
    "", " ", "\t", "0", "1", "-1", "007", "12.50", "-0.0", "1e5", "1,234", "1.234,5", "9" * 18, "9" * 19, "9" * 25,
    "١٢", "1_000", "nan", "inf", "1" * 400, "-" + "9" * 18, "0.1" + "0" * 20, "12.", ".5", "yes", "No", "t",
    "maybe", "2024-02-29", "2024-02-30", "29.02.2024", "02/29/2024", "2024-01-31T12:00",
    "2024-01-31T12:00:00+02:00", "31.01.2024 12:00", "a@b.co", "not@mail", "https://example.com", "javascript:x",
    "+49 30 123", "red", "green", "red;blue", '["red","blue"]', "47.5, 8.2", '{"lat":1,"lng":2}',
    '{"type":"Point","coordinates":[1,2]}', '{"type":"Point","coordinates":[999,2]}',
    '{"type":"LineString","coordinates":[[1,2],[3,4]]}', "{", "null", "NUL\x00", "Zoë", "x" * 10_001, "x" * 500,
    "two\nlines", '{"a":"\\u0000"}', "90", "-180", "181",
]  # fmt: skip
TEXTS = st.sampled_from(SAMPLES) | st.text(max_size=8) | st.decimals(-200, 200, places=3).map(str)
STYLES = st.builds(Style, st.sampled_from([".", ","]), st.sampled_from(["ymd", "dmy", "mdy"]))


def make_field(name: str, number: int, slot: str | None, *, is_required: bool) -> Field:
    options: dict[str, Any] = {"choices": ["red", "green"]} if name == "select" else {}
    key = f"{'abcdefghij'[number % 10] * (number % 3 + 1)}{number}"
    return Field(new_id(), key, name, name, number, is_required, options, frozenset(), frozenset(), slot)


@st.composite
def recordsets(draw: st.DrawFn) -> Recordset:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=6))
    slots = {kind: iter(columns) for kind, columns in SLOTS.items()}
    fields = [
        make_field(
            name,
            number,
            next(slots[TYPES[name].kind], None) if TYPES[name].kind in slots and draw(st.booleans()) else None,
            is_required=draw(st.integers(0, 4)) == 0,
        )
        for number, name in enumerate(names)
    ]
    by_type = {field.type: field.key for field in fields}
    numbers = [field.key for field in fields if field.field_type.kind == "number"]
    places: dict[str, str] = {}
    if len(numbers) > 1:
        places = {"lat_field": numbers[0], "lng_field": numbers[1]}
    elif "geometry" in by_type:
        places = {"geometry_field": by_type["geometry"]}
    elif "location" in by_type:
        places = {"location_field": by_type["location"]}
    settings: dict[str, Any] = {"map": places} if places else {}
    titled = [field.key for field in fields if field.field_type.kind in {"text", "number", "time"}]
    if titled and draw(st.booleans()):
        settings["title_field"] = draw(st.sampled_from(titled))
    return Recordset(new_id(), "s", "S", "table", settings, None, 1, deleted=False, fields=tuple(fields))


def read_row(recordset: Recordset, mappings: list[Mapping], row: list[str]) -> dict[str, Any] | None:
    """Return a row's checked values one by one; None where a field does not take its value."""
    values: dict[str, Any] = {}
    for mapping in mappings:
        field = recordset.by_key[mapping.field]
        text = row[mapping.column]
        prepare = preparation(field, mapping.style)
        try:
            values[field.key] = check_value(field, prepare(text) if prepare and text.strip() else text)
        except ValueRefused:
            return None
        if field.is_required and values[field.key] is None:
            return None
    return values


def as_double(value: Any) -> Any:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def check_batch(recordset: Recordset, batch: Batch, expected: list[tuple[int, dict[str, Any]]]) -> None:
    assert batch.numbers == [number for number, _ in expected]
    assert batch.ids == sorted(batch.ids)
    assert len(set(batch.ids)) == len(expected)
    for at, (_, values) in enumerate(expected):
        shaped = shape(recordset, values)
        assert orjson.loads(batch.documents[at]) == shaped.values
        assert batch.titles[at] == shaped.title
        promoted = {slot: column[at] for slot, column in batch.promoted.items()}
        # The columns of numbers are of double precision: what becomes the same there is the same.
        assert {slot: as_double(value) for slot, value in promoted.items()} == shaped.promoted
        geometry = batch.geometries[at] if batch.geometries else None
        assert (orjson.loads(geometry) if geometry else None) == shaped.geometry
        assert (batch.geometry_types[at] if batch.geometry_types else None) == shaped.geometry_type
        assert read_box(batch.boxes[at] if batch.boxes else None) == read_box(shaped.bbox)


def read_box(text: str | None) -> list[float] | None:
    return None if text is None else [float(part) for part in text.replace("(", "").replace(")", "").split(",")]


@settings(max_examples=300, deadline=None)
@given(recordset=recordsets(), data=st.data())
def test_converting_agrees_with_shaping(recordset: Recordset, data: st.DataObject) -> None:
    width = len(recordset.fields)
    columns = data.draw(st.permutations(range(width)))
    styles = data.draw(st.lists(STYLES, min_size=width, max_size=width))
    mappings = [
        Mapping(column, field.key, style)
        for column, field, style in zip(columns, recordset.fields, styles, strict=True)
    ]
    rows = data.draw(st.lists(st.lists(TEXTS, min_size=width, max_size=width), min_size=1, max_size=6))
    converter = Converter(recordset, mappings, [f"c{number}" for number in range(width)])
    # Twice, because the second time some values are remembered.
    for first in (1, 1 + len(rows)):
        batch = converter.convert(Block(first, [list(row) for row in rows], Position(0, 0)))
        numbered = [(number, row) for number, row in enumerate(rows, start=first) if any(row)]
        read = [(number, read_row(recordset, mappings, row)) for number, row in numbered]
        check_batch(recordset, batch, [(number, values) for number, values in read if values is not None])
        assert {fault.row for fault in batch.faults} == {number for number, values in read if values is None}
        assert batch.failed == sum(values is None for _, values in read)


def make_plain() -> Converter:
    fields = [make_field("text", 0, None, is_required=False), make_field("number", 1, None, is_required=False)]
    recordset = Recordset(new_id(), "s", "S", "table", {}, None, 1, deleted=False, fields=tuple(fields))
    return Converter(recordset, [Mapping(0, fields[0].key), Mapping(1, fields[1].key)], ["Name", "Size"])


def test_ragged_rows_are_padded_or_told() -> None:
    rows = [["a", "1"], ["b"], [], ["", ""], ["c", "3", "", ""], ["d", "4", "more"], ["e", "x"]]
    batch = make_plain().convert(Block(11, rows, Position(0, 17)))
    assert batch.numbers == [11, 12, 15]
    assert batch.failed == 2
    assert [(f.row, f.column, f.value, f.reason) for f in batch.faults] == [
        (16, "", "more", "has 3 cells, and the header has 2"),
        (17, "Size", "x", "is not a number"),
    ]


def test_a_column_that_is_not_mapped_is_left_out() -> None:
    field = make_field("text", 0, None, is_required=False)
    recordset = Recordset(new_id(), "s", "S", "table", {}, None, 1, deleted=False, fields=(field,))
    batch = Converter(recordset, [Mapping(1, field.key)], ["a", "b", "c"]).convert(
        Block(1, [["1", "2", "3"]], Position(0, 1))
    )
    assert batch.documents == [f'{{"{field.key}":"2"}}']
    assert replace(batch, ids=[]).titles == ["2"]


@given(text=st.text() | st.text(st.sampled_from("aÄ ß'-_.\t\x1c\x85\u2028@é\u0301")))
def test_the_fast_way_to_words_is_the_same_way(text: str) -> None:
    assert plain_words(text) == " ".join(split_words(text))
