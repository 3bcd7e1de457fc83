"""What a column holds is what all of its sample agrees on; what a number or a date would lose stays a text."""

from __future__ import annotations

import pytest

from fostr.domains.records.fields.types import ValueRefused
from fostr.domains.records.imports.inference import infer_column, place_role
from fostr.domains.records.imports.interpretation import DateOrder, prepare_comma_number, prepare_date


@pytest.mark.parametrize(
    ("texts", "type"),
    [
        ([], "text"),
        (["1", "2.5", "-3", "1e5", "1,234.5"], "number"),
        (["00123", "4"], "text"),
        (["0", "0.5", "-0.25"], "number"),
        (["1234567890123456"], "text"),
        (["+4930123456"], "phone"),
        (["12", "n/a"], "text"),
        (["nan", "inf"], "text"),
        (["1", "0", "1"], "number"),
        (["yes", "No", "TRUE"], "boolean"),
        (["2024-02-29", "2023-01-01"], "date"),
        (["2023-02-29"], "text"),
        (["2024-02-29T10:00:00Z", "2024-02-29 10:00"], "datetime"),
        (["2024-02-29", "2024-02-29 10:00"], "datetime"),
        (["20240229"], "number"),
        (["a@example.com", "b.c@example.org"], "email"),
        (["https://example.com/a?b", "http://example.org"], "url"),
        (['{"type":"Point","coordinates":[1,2]}'], "geometry"),
        (["x" * 600], "long_text"),
        (["Jane", "Rick"], "text"),
    ],
)
def test_a_type_is_what_all_texts_fit(texts: list[str], type: str) -> None:
    assert infer_column(texts).type == type


@pytest.mark.parametrize(
    ("texts", "delimiter", "decimal"),
    [
        (["1,5", "2"], ",", ","),
        (["1.234,56"], ",", ","),
        (["1,234", "5,678"], ",", "."),
        (["1,234", "5,678"], ";", ","),
        (["1,234", "5.5"], ";", "."),
        (["1 234,5"], ";", ","),
    ],
)
def test_the_decimal_sign_is_found(texts: list[str], delimiter: str, decimal: str) -> None:
    found = infer_column(texts, delimiter=delimiter)
    assert (found.type, found.decimal) == ("number", decimal)


@pytest.mark.parametrize(
    ("texts", "order", "is_certain"),
    [
        (["31.01.2024", "01.02.2024"], "dmy", True),
        (["01.02.2024"], "dmy", False),
        (["01/31/2024", "01/02/2024"], "mdy", True),
        (["01/02/2024"], "mdy", False),
        (["31/01/2024"], "dmy", True),
        (["2024/1/2"], "ymd", True),
        (["31-01-24"], "dmy", True),
    ],
)
def test_the_order_of_dates_is_found_and_doubt_is_told(texts: list[str], order: DateOrder, *, is_certain: bool) -> None:
    found = infer_column(texts)
    assert (found.type, found.date_order, found.is_date_order_certain) == ("date", order, is_certain)


@pytest.mark.parametrize("text", ["1.10.12", "10.1.12", "10.10.1", "1/2/3", "192.168.1.1", "123.1.2024"])
def test_versions_are_no_dates(text: str) -> None:
    assert infer_column([text]).type == "text"


def test_dates_that_contradict_each_other_are_texts() -> None:
    assert infer_column(["31/01/2024", "01/31/2024"]).type == "text"


@pytest.mark.parametrize(
    ("text", "order", "prepared"),
    [
        ("31.1.2024", "dmy", "2024-01-31"),
        ("1/31/24", "mdy", "2024-01-31"),
        ("31.01.69", "dmy", "1969-01-31"),
        ("2024-01-31", "dmy", "2024-01-31"),
        ("31.01.2024 9:05", "dmy", "2024-01-31T09:05"),
        ("1/31/2024, 3:05:09 PM", "mdy", "2024-01-31T15:05:09"),
        ("1/31/2024 12:00 am", "mdy", "2024-01-31T00:00"),
        ("next week", "dmy", "next week"),
    ],
)
def test_dates_become_iso(text: str, order: DateOrder, prepared: str) -> None:
    assert prepare_date(text, order) == prepared


def test_a_date_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueRefused):
        prepare_date("31.02.2024", "dmy")


@pytest.mark.parametrize(
    ("text", "prepared"), [("1.234,5", "1234.5"), ("-1\u00a0234", "-1234"), (" 0,5 ", "0.5"), ("12345,6", "12345.6")]
)
def test_numbers_with_a_comma_get_a_point(text: str, prepared: str) -> None:
    assert prepare_comma_number(text) == prepared


@pytest.mark.parametrize("text", ["1.5", "1,234.5", "1,2,3", "abc"])
def test_numbers_with_a_point_are_none_in_a_column_with_commas(text: str) -> None:
    with pytest.raises(ValueRefused):
        prepare_comma_number(text)


@pytest.mark.parametrize(
    ("name", "texts", "role"),
    [
        ("Latitude", ["-90", "47.5"], "lat"),
        ("lat", ["91"], None),
        ("LON", ["-179.9"], "lng"),
        ("geo lat", ["1,5"], "lat"),
        ("Längengrad", ["13.4"], "lng"),
        ("platitude", ["5"], None),
        ("lat", ["north"], None),
    ],
)
def test_columns_of_places_are_known_by_name_and_numbers(name: str, texts: list[str], role: str | None) -> None:
    assert place_role(name, infer_column(texts), texts) == role
