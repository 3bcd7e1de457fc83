"""Whatever a field takes, it takes again as it is, finds by a filter, and reads back from a cell of an export."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

import orjson
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from fostr.domains.records.fields.cells import write_cell
from fostr.domains.records.fields.model import Field, Recordset
from fostr.domains.records.fields.shaping import check_value
from fostr.domains.records.fields.types import ValueRefused
from fostr.domains.records.imports.interpretation import AS_FIELDS_TAKE_IT, preparation
from fostr.domains.records.query.filters import build_filters
from fostr.domains.records.recordsets.definition import check_options
from fostr.domains.records.recordsets.retyping.conversion import CONVERTIBLE, Conversion, is_same
from fostr.kernel.access.evaluator import FieldMask
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime

SLOW: Final = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "currency": {"currency": "EUR"},
    "rating": {"max": 7},
    "datetime": {"time_zone": "America/New_York"},
    "member": {"multiple": True},
}
TEXTS: Final = st.text(max_size=12)
NUMBERS: Final = st.one_of(st.integers(-(1 << 64), 1 << 64), st.floats(allow_nan=False), st.integers(-9, 9))
WRITTEN: Final = st.builds(
    "{}{}{}".format, st.sampled_from(["", "$", "-", " €"]), NUMBERS, st.sampled_from(["", "%", " €"])
)
CLOCKS: Final = st.one_of(
    st.builds("{}:{:02d}:{:02d}.{:03d}".format, st.integers(0, 99), *[st.integers(0, 59)] * 2, st.integers(0, 999)),
    st.builds("{}h {}m".format, st.integers(0, 99), st.integers(0, 99)),
    st.builds("P{}DT{}S".format, st.integers(0, 99), st.integers(0, 99)),
)
WORDS: Final = st.one_of(st.sampled_from(["a", "b; c", "d, e", "[f", "'g", '"h"', " i "]), TEXTS)
MEMBERS: Final = st.uuids().map(str)
PLACES: Final = st.fixed_dictionaries({"lat": st.floats(-90, 90), "lng": st.floats(-180, 180)})
DATES: Final = st.dates(date(1, 1, 2))
# In any zone, a day further in.
MOMENTS: Final = st.datetimes(datetime(1, 1, 4), datetime(9999, 12, 30))  # noqa: DTZ001 - some have none
SENT: Final[dict[str, st.SearchStrategy[Any]]] = {
    "text": st.one_of(TEXTS, NUMBERS),
    "long_text": TEXTS,
    "number": st.one_of(NUMBERS, WRITTEN),
    "currency": st.one_of(NUMBERS, WRITTEN),
    "percent": st.one_of(NUMBERS, WRITTEN),
    "rating": st.integers(0, 8),
    "duration": st.one_of(CLOCKS, st.floats(-1e9, 1e9), st.integers(-(10**12), 10**12)),
    "boolean": st.sampled_from([True, False, "yes", "0", 1]),
    "date": DATES.map(str),
    "datetime": st.one_of(MOMENTS.map(lambda moment: moment.isoformat()), st.dates(date(1, 1, 4)).map(str)),
    "email": st.builds("{}@example.com".format, st.text("abAB.+-", min_size=1, max_size=9)),
    "url": st.builds("https://example.com/{}".format, TEXTS),
    "phone": st.builds(
        "{}{}{}".format,
        st.sampled_from(["", "+", "00"]),
        st.text("0123456789 ()-./", min_size=3),
        st.sampled_from(["", " x12"]),
    ),
    "select": WORDS,
    "multi_select": st.one_of(WORDS, st.lists(WORDS, max_size=3)),
    "member": st.one_of(MEMBERS, st.lists(MEMBERS, max_size=3)),
    "location": PLACES,
    "geometry": PLACES.map(lambda place: {"type": "Point", "coordinates": [place["lng"], place["lat"]]}),
    "json": st.recursive(
        st.one_of(TEXTS, st.integers(-9, 9), st.booleans()),
        lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(TEXTS, inner, max_size=2)),
        max_leaves=4,
    ),
}


def field_of(type: str) -> Field:
    return Field(
        id=new_id(),
        key="field",
        name="Field",
        type=type,
        position=0,
        is_required=False,
        options=check_options("field", type, OPTIONS.get(type, {})),
        hidden_from=frozenset(),
        read_only_for=frozenset(),
        promoted_to=None,
    )


FIELDS: Final = {type: field_of(type) for type in SENT}
KEPT: Final = st.sampled_from(sorted(SENT)).flatmap(lambda type: st.tuples(st.just(type), SENT[type]))


def keep(type: str, sent: Any) -> Any:
    """Return a value as a field keeps it, and as it comes back from the database."""
    try:
        value = check_value(FIELDS[type], sent)
    except ValueRefused:
        value = None
    assume(value is not None)
    return orjson.loads(orjson.dumps(value))


def test_every_type_that_people_write_is_tried() -> None:
    assert set(SENT) == CONVERTIBLE


@given(drawn=KEPT)
@settings(max_examples=400, deadline=None, suppress_health_check=SLOW)
def test_what_is_kept_is_taken_again_and_read_back_from_a_cell(drawn: tuple[str, Any]) -> None:
    type, sent = drawn
    field, value = FIELDS[type], keep(type, sent)
    assert is_same(check_value(field, value), value)
    cell = write_cell(field.field_type, value)
    prepare = preparation(field, AS_FIELDS_TAKE_IT)
    read = check_value(field, prepare(cell) if prepare else cell)
    # A whole number is the same with and without its point; and one of 64 bits is compared as a double.
    assert float(read) == float(value) if field.kind == "number" else is_same(read, value), cell


@given(drawn=st.lists(KEPT, min_size=1, max_size=4))
@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
async def test_what_is_kept_is_found(runtime: Runtime, drawn: list[tuple[str, Any]]) -> None:
    async with runtime.database.unit() as unit:
        for type, sent in drawn:
            field, value = FIELDS[type], keep(type, sent)
            if field.kind == "document":
                operations: Any = {"empty": False}
            else:
                operations = {"has_all": value} if field.kind == "list" else {"eq": value}
            recordset = Recordset(new_id(), "", "", "table", {}, None, 1, deleted=False, fields=(field,))
            found = build_filters(
                recordset,
                mask=FieldMask(hidden=frozenset(), read_only=frozenset()),
                column_filters=orjson.dumps({"field": operations}).decode(),
            )
            statement = f"select true from (select :document::jsonb as field_values) as r where {found.text}"
            assert await unit.value(statement, document={"field": value}, **found.params), (type, value)


@given(drawn=KEPT, target=st.sampled_from(sorted(SENT)))
@settings(max_examples=400, deadline=None, suppress_health_check=SLOW)
def test_a_converted_value_is_one_that_the_other_type_takes(drawn: tuple[str, Any], target: str) -> None:
    type, sent = drawn
    value = keep(type, sent)
    source, other = FIELDS[type], FIELDS[target]
    conversion = Conversion(source.field_type, source.options, other.field_type, other.options)
    try:
        converted = conversion.convert(value)
    except ValueRefused:
        assert target != type
        return
    assert is_same(check_value(other, converted), converted)
    if target in {"json", type}:
        assert is_same(converted, value) or type in {"text", "long_text"}
