"""What a column of a file shows of its type: shares, amounts of money, telephone numbers, durations."""

from __future__ import annotations

import pytest

from fostr.domains.records.fields.types import TYPES
from fostr.domains.records.imports.inference import infer_column
from fostr.domains.records.imports.interpretation import prepare_comma_number


@pytest.mark.parametrize(
    ("texts", "type"),
    [
        (["25%", "3.5 %"], "percent"),
        (["25%", "3.5"], "text"),
        (["$12.50", "-$1,000"], "currency"),
        (["12 €", "3"], "currency"),
        (["$", "$5"], "text"),
        (["+1 (555) 123-4567", "+49 30 1234567"], "phone"),
        (["+1 (555) 123-4567", "555"], "text"),
        (["+1", "+2"], "text"),
        (["PT1H30M", "P1D"], "duration"),
        (["1:30", "2:45"], "text"),
        (["P1", "P2"], "text"),
        (["a@example.com"], "email"),
        (["https://example.com/a"], "url"),
        (["12", "3"], "number"),
    ],
)
def test_types_are_inferred_where_every_text_agrees(texts: list[str], type: str) -> None:
    assert infer_column(texts).type == type


@pytest.mark.parametrize(
    ("texts", "type", "kept"),
    [
        (["12,5 %", "3 %"], "percent", [0.125, 0.03]),
        (["1.234,50 €", "-3 €"], "currency", [1234.5, -3]),
        (["€ 1.234,50", "€ -3,0"], "currency", [1234.5, -3]),
    ],
)
def test_signs_stand_beside_numbers_with_a_decimal_comma(texts: list[str], type: str, kept: list[float]) -> None:
    inferred = infer_column(texts)
    assert (inferred.type, inferred.decimal) == (type, ",")
    assert [TYPES[type].check(prepare_comma_number(text), {}) for text in texts] == kept
