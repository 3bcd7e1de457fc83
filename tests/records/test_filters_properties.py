"""Filters, search and order agree with a plain reading of them in Python, whatever is kept and whatever is asked."""

from __future__ import annotations

import string
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, TypeAlias, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime
from tests.support.airports import RECORDS, as_json, list_page
from tests.support.cast import create_cast
from tests.support.client import Client
from tests.support.records import create_recordset

Values: TypeAlias = dict[str, Any]
Place: TypeAlias = tuple[Client, dict[str, Any]]

FIELDS: Final[list[dict[str, Any]]] = [
    {"key": "text_in", "name": "T1", "type": "text", "is_promoted": True},
    {"key": "text_out", "name": "T2", "type": "text", "is_promoted": False},
    {"key": "number_in", "name": "N1", "type": "number", "is_promoted": True},
    {"key": "number_out", "name": "N2", "type": "number", "is_promoted": False},
    {"key": "date_in", "name": "D1", "type": "date", "is_promoted": True},
    {"key": "date_out", "name": "D2", "type": "date", "is_promoted": False},
    {"key": "moment_in", "name": "M1", "type": "datetime", "is_promoted": True},
    {"key": "moment_out", "name": "M2", "type": "datetime", "is_promoted": False},
    {"key": "flag", "name": "B", "type": "boolean"},
    {"key": "labels", "name": "L", "type": "multi_select"},
]
# Long and short of the same beginning, because a promoted text is cut; and all that LIKE reads otherwise.
TEXTS: Final = st.one_of(
    st.sampled_from(
        ["a", "A", "aB", "Ba", "%", "_", "a_b", "a%b", "\\", "a\\b", "'", "''", "x" * 400, "x" * 399 + "y"]
    ),
    st.sampled_from(["x" * 401, "x" * 400 + "y", "ab cd", "CD-ab", "null", "7"]),
    st.text("abAB%_\\'\" .-", min_size=1, max_size=4).filter(lambda text: text.strip()),
)
NUMBERS: Final = st.one_of(st.integers(-3, 3), st.sampled_from([0.5, -0.5, 2.5, 1e15, -1e15, 1e300]))
DAYS: Final = st.dates(date(2026, 1, 30), date(2026, 2, 2)).map(date.isoformat)
MOMENTS: Final = st.sampled_from([-24, -0.5, 0, 0.5, 12, 23.9, 24, 36]).map(
    lambda hours: (datetime(2026, 1, 31, tzinfo=UTC) + timedelta(hours=hours)).isoformat()
)
LABELS: Final = st.lists(st.sampled_from(["a", "b", "a b", "%"]), min_size=1, max_size=3, unique=True)
VALUES: Final[dict[str, st.SearchStrategy[Any]]] = {
    "text_in": TEXTS,
    "text_out": TEXTS,
    "number_in": NUMBERS,
    "number_out": NUMBERS,
    "date_in": DAYS,
    "date_out": DAYS,
    "moment_in": MOMENTS,
    "moment_out": MOMENTS,
    "flag": st.booleans(),
    "labels": LABELS,
}
ROWS: Final = st.lists(st.fixed_dictionaries({}, optional=VALUES), min_size=1, max_size=5)


def _filters_of(key: str) -> st.SearchStrategy[Any]:
    """Return what may stand after a key: a value, a list, or operators."""
    value = VALUES[key]
    kind = key.partition("_")[0]
    empty = st.fixed_dictionaries({"empty": st.booleans()})
    if kind == "flag":
        return st.one_of(value, st.none(), empty, st.fixed_dictionaries({"ne": value}))
    if kind == "labels":
        one = st.sampled_from(["a", "b", "%", "c"])
        asked = st.fixed_dictionaries({}, optional={"has": one, "has_any": LABELS, "has_all": LABELS})
        return st.one_of(one, LABELS, empty, asked)
    some = st.lists(value, min_size=1, max_size=3)
    compared: dict[str, st.SearchStrategy[Any]]
    if kind == "text":
        compared = dict.fromkeys(("eq", "ne", "contains", "not_contains", "starts_with", "ends_with"), value)
    else:
        operand = st.one_of(value, DAYS) if kind == "moment" else value
        compared = dict.fromkeys(("eq", "ne", "lt", "lte", "gt", "gte"), operand)
    operators = st.fixed_dictionaries({}, optional={**compared, "in": some, "not_in": some})
    return st.one_of(value, some, st.none(), empty, operators)


FILTERS: Final = st.fixed_dictionaries({}, optional={key: _filters_of(key) for key in VALUES})


def matches(values: Values, filters: Values) -> bool:
    """Say whether a record meets all filters, by reading them literally."""
    return all(
        meets(key, values.get(key), operator, operand)
        for key, wanted in filters.items()
        for operator, operand in operations(key, wanted).items()
    )


def operations(key: str, wanted: Any) -> Values:
    if isinstance(wanted, dict):
        return cast(Values, wanted)
    if wanted is None:
        return {"empty": True}
    if key == "labels":
        return {"has_any": wanted} if isinstance(wanted, list) else {"has": wanted}
    return {"in": wanted} if isinstance(wanted, list) else {"eq": wanted}


def meets(key: str, value: Any, operator: str, operand: Any) -> bool:
    if operator == "empty":
        return (value is None) is operand
    if value is None:
        # Whatever is not there differs from everything.
        return operator in OPPOSITES
    if operator in OPPOSITES:
        return not meets(key, value, OPPOSITES[operator], operand)
    if operator in SETS:
        return SETS[operator](set(value), {operand} if isinstance(operand, str) else set(operand))
    if operator in TEXTUAL:
        return TEXTUAL[operator](value.lower(), operand.lower())
    start = span(key, value)[0]
    asked = [span(key, entry) for entry in (operand if operator == "in" else [operand])]
    return any(ORDERED[operator](start, *reach) for reach in asked)


def span(key: str, value: Any) -> tuple[Any, Any]:
    """Return from where to where a value reaches: a day that stands beside a moment is a whole day."""
    kind = key.partition("_")[0]
    if kind == "date":
        return date.fromisoformat(value), date.fromisoformat(value)
    if kind == "moment":
        start = datetime.fromisoformat(value)
        start = start if start.tzinfo else start.replace(tzinfo=UTC)
        return start, start + timedelta(days=1, microseconds=-1) if len(value) == 10 else start
    if kind == "number":
        return float(value), float(value)
    return value, value


OPPOSITES: Final = {"ne": "eq", "not_in": "in", "not_contains": "contains"}
SETS: Final[dict[str, Callable[[set[str], set[str]], bool]]] = {
    "has": lambda held, wanted: wanted <= held,
    "has_all": lambda held, wanted: wanted <= held,
    "has_any": lambda held, wanted: bool(wanted & held),
}
TEXTUAL: Final[dict[str, Callable[[str, str], bool]]] = {
    "contains": lambda text, part: part in text,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
}
ORDERED: Final[dict[str, Callable[[Any, Any, Any], bool]]] = {
    "eq": lambda value, start, end: start <= value <= end,
    "in": lambda value, start, _: value == start,
    "lt": lambda value, start, _: value < start,
    "lte": lambda value, _, end: value <= end,
    "gt": lambda value, _, end: value > end,
    "gte": lambda value, start, _: value >= start,
}

SLOW: Final = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


@pytest.fixture(scope="module")
async def place(client: Client, runtime: Runtime) -> Place:
    """A recordset for all examples; each marks its records by a tag of its own."""
    cast = await create_cast(runtime)
    owner = client.as_(cast.owner)
    return owner, await create_recordset(owner, fields=FIELDS)


async def insert(place: Place, rows: list[Values]) -> tuple[str, list[dict[str, Any]]]:
    """Create records, and return them as they are kept, with their tag."""
    owner, recordset = place
    tag, made = new_id().hex, list[dict[str, Any]]()
    for row in rows:
        body = {"recordset_id": recordset["id"], "field_values": row, "tags": [tag]}
        response = await owner.post(RECORDS, json=body)
        assert response.status_code == 201, response.text
        made.append(response.json())
    return tag, made


@given(rows=ROWS, filters=st.lists(FILTERS, min_size=1, max_size=6))
@settings(max_examples=25, deadline=None, suppress_health_check=SLOW)
async def test_filters_select_what_they_say(place: Place, rows: list[Values], filters: list[Values]) -> None:
    tag, made = await insert(place, rows)
    for asked in filters:
        expected = [record["id"] for record in made if matches(record["field_values"], asked)]
        page = await list_page(*place, tags=tag, column_filters=as_json(asked))
        assert [item["id"] for item in page["items"]] == expected, (asked, [r["field_values"] for r in made])
        assert page["total"] == len(expected)
        # In two parts, by an index or not, it is the same set.
        parts = await list_page(*place, tags=tag, column_filters=as_json(asked), sort_by="number_in", count="exact")
        assert sorted(item["id"] for item in parts["items"]) == sorted(expected)


SORTABLE: Final = [key for key in VALUES if key != "labels"]


@given(rows=ROWS, key=st.sampled_from(SORTABLE), then=st.sampled_from(SORTABLE), down=st.tuples(*[st.booleans()] * 2))
@settings(max_examples=25, deadline=None, suppress_health_check=SLOW)
async def test_order_is_what_it_says(
    place: Place, rows: list[Values], key: str, then: str, down: tuple[bool, bool]
) -> None:
    tag, made = await insert(place, rows)
    words = ["desc" if direction else "asc" for direction in down]
    page = await list_page(*place, tags=tag, sort_by=f"{key},{then}", sort_order=",".join(words))
    expected = sorted(made, key=lambda record: record["id"], reverse=down[1])
    for name, is_down in ((then, down[1]), (key, down[0])):
        present = [record for record in expected if name in record["field_values"]]
        absent = [record for record in expected if name not in record["field_values"]]
        # Sorting keeps what is equal in its order, also backwards.
        present.sort(key=lambda record, name=name: cut(name, record["field_values"][name]), reverse=is_down)
        expected = [*present, *absent]
    assert [item["id"] for item in page["items"]] == [record["id"] for record in expected]


def cut(key: str, value: Any) -> Any:
    """Return what is sorted by: of a text, only so much as a promoted column holds."""
    return value[:400] if key.startswith("text") else span(key, value)[0]


WORDS: Final = st.text(string.ascii_letters + string.digits + "éÉßж東", min_size=1, max_size=8)


PICKS: Final = st.lists(st.tuples(st.integers(0, 11), st.integers(1, 8)), min_size=1, max_size=3)


@given(
    texts=st.lists(st.lists(WORDS, min_size=1, max_size=4).map(" ".join), min_size=1, max_size=3),
    picks=PICKS,
    between=st.sampled_from([" ", ", ", "-"]),
)
@settings(max_examples=25, deadline=None, suppress_health_check=SLOW)
async def test_search_finds_the_beginnings_of_words(
    place: Place, texts: list[str], picks: list[tuple[int, int]], between: str
) -> None:
    tag, made = await insert(place, [{"text_out": text} for text in texts])
    words = " ".join(texts).split()
    searched = [words[number % len(words)][:length] for number, length in picks]
    page = await list_page(*place, tags=tag, search=between.join(searched))
    expected = [
        record["id"]
        for record, text in zip(made, texts, strict=True)
        if all(any(word.startswith(part.lower()) for word in text.lower().split()) for part in searched)
    ]
    assert [item["id"] for item in page["items"]] == expected, (searched, texts)
