"""The language of formulas: read as people mean it, computed as Python computes it, and never failing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fostr.domains.records.computed.values import Broken
from fostr.domains.records.formulas.functions import FUNCTIONS
from fostr.domains.records.formulas.reading import LONGEST
from fostr.domains.records.formulas.tree import FormulaInvalid
from fostr.kernel.runtime import Runtime
from tests.records.formulas import EXAMPLES, FIELDS, ROWS, Example, compile_text, compute

SLOW: Final = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
FULL: Final[dict[str, Any]] = {
    "n": 7,
    "m": -2.5,
    "t": "Hello",
    "u": "lo",
    "b": True,
    "d": "2026-01-31",
    "w": "2026-01-31T12:30:00Z",
}
EXTREMES: Final[list[dict[str, Any]]] = [
    {},
    {"n": 1e300, "m": -1e300, "t": "x" * 10_000, "u": "x", "b": False, "d": "9999-12-31", "w": "9999-12-31T23:59:59Z"},
    {"n": 5e-324, "m": 0, "t": "", "u": "é", "b": True, "d": "0001-01-01", "w": "0001-01-01T00:00:00Z"},
]


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(example=EXAMPLES, row=ROWS)
async def test_postgresql_computes_what_python_does(runtime: Runtime, example: Example, row: dict[str, Any]) -> None:
    computed = await compute(runtime, example.text, row)
    expected = example.read(row)
    if isinstance(expected, Fraction):
        assert computed is not None
        assert Fraction(computed) == expected
    elif isinstance(expected, date):
        assert computed == datetime(expected.year, expected.month, expected.day)  # noqa: DTZ001 - computed in UTC
    else:
        assert computed == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 2 - 3", 5),
        ("2 ^ 3 ^ 2", 512),
        ("-2 ^ 2", -4),
        ("2 ^ -1", Decimal("0.5")),
        ("0.1 + 0.2", Decimal("0.3")),
        ("7 % -3", -2),
        ("{n} + {N}", 14),
        ("n * m", Decimal("-17.5")),
        ("1 + 1 = 2", True),
        ("1 & 2 = '12'", True),
        ("{t} & ' ' & {n}", "Hello 7"),
        ("CONCAT({m}, '|', {b}, '|', {d}, '|', {w})", "-2.5|true|2026-01-31|2026-01-31T12:30:00Z"),
        (r"""'it\'s' & "\n\"" """, "it's\n\""),
        ("SWITCH({n}, 1, 'one', 7, 'seven', 'many')", "seven"),
        ("SWITCH({t}, 'Bye', 1)", None),
        ("IF({b}, 'yes')", "yes"),
        ("IF({n} > 10, 1, BLANK())", None),
        ("MID({t}, 2, 3) & RIGHT({t}, 1)", "ello"),
        ("REPT('ab', 3)", "ababab"),
        ("FIND({u}, {t})", 4),
        ("CONTAINS({t}, {u})", True),
        ("VALUE(' 12.5e1 ')", 125),
        ("VALUE('12 apples')", None),
        ("SUM(1, {n}, BLANK())", 8),
        ("AVERAGE(1, 2, BLANK())", Decimal("1.5")),
        ("POWER(9, 0.5)", 3),
        ("SQRT(16) + SIGN(-3) + INT(-2.7) + LOG10(1000)", 4),
        ("ROUND(EXP(LN(5)), 6)", 5),
        ("ROUND(1234.567, -2) + ROUND(2.345, 2)", Decimal("1202.35")),
        ("IFERROR(1 / 0, 5)", 5),
        ("FORMAT({d}, 'D MMM YYYY, \"W\"WW')", '31 Jan 2026, "W"05'),
        ("FORMAT({w}, 'dddd HH:mm:ss')", "Saturday 12:30:00"),
        ("TEXT(DATEADD({d}, 1, 'month'))", "2026-02-28"),
        ("TEXT(DATEADD({w}, -90, 'minutes'))", "2026-01-31T11:00:00Z"),
        ("DATEDIFF(DATE(2020, 2, 29), {d}, 'years')", 5),
        ("DATEDIFF({w}, {d}, 'hours')", -12),
        ("QUARTER({d}) * 1000 + MONTH({d}) * 100 + DAY({d})", 1131),
        ("HOUR({w}) * 60 + MINUTE({w}) + SECOND({w}) + WEEKNUM({w})", 755),
        ("MAX({d}, {w}) = {w}", True),
        ("ISBLANK(DATE(2026, 2, 30))", True),
        ("YEAR(TODAY()) >= 2025 ", True),
        ("NOW() >= TODAY()", True),
    ],
)
async def test_formulas_mean_what_people_mean(runtime: Runtime, text: str, expected: Any) -> None:
    assert await compute(runtime, text, FULL) == expected


@pytest.mark.parametrize(
    "text",
    [
        "{n} / 0",
        "{n} % 0",
        "0 ^ -1",
        "(-8) ^ 0.5",
        "SQRT(-1)",
        "LN(0)",
        "LOG10(-1)",
        "10 ^ 400",
        "10 ^ 10 ^ 10",
        "1e299 * 1e299",
        "1 / 1e-299 / 1e-299",
        "EXP(1e9)",
        "DATE(99999, 1, 1)",
        "DATEADD(DATE(9999, 1, 1), 400, 'days')",
        "DATEADD(DATE(1, 1, 1), -1, 'months')",
        "DATEADD({d}, 1e200, 'seconds')",
        "DATEADD({d}, -1e200, 'years')",
        "REPT('abc', 99999)",
        "SUBSTITUTE(REPT('x', 50000), 'x', REPT('y', 50000))",
    ],
)
async def test_what_cannot_be_computed_has_no_value(runtime: Runtime, text: str) -> None:
    assert await compute(runtime, text, FULL) is None


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 0),
        ("1 +", 3),
        ("1 2", 2),
        ("(1", 2),
        ("{unknown} + 1", 0),
        ("1 + {t}", 4),
        ("{t} + 1", 0),
        ("IF(1, 2, 3)", 3),
        ("IF({b}, 'a', 1)", 13),
        ("NOPE(1)", 0),
        ("ROUND()", 0),
        ("ABS(1, 2)", 0),
        ("1 # 2", 2),
        ("'open", 0),
        ("'it''s'", 4),
        ("IFERROR('a', 1)", 13),
        ("{n} = {t}", 6),
        ("1 < 2 < 3", 6),
        ("DATEADD({d}, 1, {t})", 16),
        ("DATEADD({d}, 1, 'moons')", 16),
        ("1e999", 0),
        ("9" * 400, 0),
        ("'\ud800'", 0),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_does_not(text: str, position: int) -> None:
    with pytest.raises(FormulaInvalid) as refused:
        compile_text(text)
    assert refused.value.position == position


@pytest.mark.parametrize("text", ["(" * 200 + "1" + ")" * 200, "-" * 300 + "1", "1" + "+1" * 300, "x" * (LONGEST + 1)])
def test_formulas_are_bounded(text: str) -> None:
    with pytest.raises(FormulaInvalid):
        compile_text(text)


_PIECES: Final = [
    *(f"{name}(" for name in FUNCTIONS if name[0].isalpha()),
    *(f"{{{key}}}" for key in FIELDS),
    *"+-*/%^&=<>(),",
    "1e299",
    "-1e-299",
    "0",
    "3",
    "99999",
    "'days'",
    "'months'",
    "'YYYY-MM'",
    "'x'",
    "BLANK()",
    "TRUE",
]


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(text=st.lists(st.sampled_from(_PIECES), max_size=12).map("".join), row=st.sampled_from(EXTREMES))
async def test_no_text_makes_postgresql_fail(runtime: Runtime, text: str, row: dict[str, Any]) -> None:
    try:
        compile_text(text)
    except (FormulaInvalid, Broken):
        return
    await compute(runtime, text, row)


_NUMBERS: Final = st.sampled_from(
    ["{n}", "{m}", "1e299", "(-1e299)", "1e-299", "0", "(-1)", "0.5", "99999", "LEN({t})"]
)
_MOMENTS: Final = st.sampled_from(["{d}", "{w}", "DATE(9999, 12, 31)", "DATE(1, 1, 1)", "NOW()"])
_TEXTS: Final = st.sampled_from(["{t}", "{u}", "''", "REPT({t}, 9)"])
_BY_LETTER: Final = {"n": _NUMBERS, "d": _MOMENTS, "t": _TEXTS}
_CALLS: Final = [
    "n+n", "n*n", "n/n", "n%n", "n^n", "POWER(n, n)", "SQRT(n)", "EXP(n)", "LN(n)", "LOG10(n)", "ROUND(n, n)",
    "ROUND(n / n, n)", "SUM(n, n)", "AVERAGE(n, n)", "MOD(n, n)", "DATE(n, n, n)", "DATEADD(d, n, 'days')",
    "DATEADD(d, n, 'seconds')", "DATEADD(d, n, 'quarters')", "DATEDIFF(d, d, 'seconds')", "DATEDIFF(d, d, 'months')",
    "YEAR(d) + WEEKNUM(d)", "FORMAT(d, 'YYYY MMMM Q WW')", "TEXT(d) & TEXT(n)", "LEFT(t, n)", "RIGHT(t, n)",
    "MID(t, n, n)", "REPT(t, n)", "SUBSTITUTE(t, t, t)", "VALUE(t & n)", "VALUE(TEXT(n))", "FIND(t, t) * n",
]  # fmt: skip


@st.composite
def _extreme_calls(draw: st.DrawFn) -> str:
    call = draw(st.sampled_from(_CALLS))
    words = iter(call)
    return "".join(draw(_BY_LETTER[word]) if word in _BY_LETTER and _stands_alone(call, place) else word
                   for place, word in enumerate(words))  # fmt: skip


def _stands_alone(text: str, place: int) -> bool:
    around = text[max(place - 1, 0) : place] + text[place + 1 : place + 2]
    return not any(character.isalpha() for character in around) and text[place - 1 : place] != "'"


@settings(max_examples=200, deadline=None, suppress_health_check=SLOW)
@given(text=_extreme_calls(), row=st.sampled_from(EXTREMES))
async def test_no_extreme_value_makes_postgresql_fail(runtime: Runtime, text: str, row: dict[str, Any]) -> None:
    await compute(runtime, text, row)


async def test_now_is_in_utc(runtime: Runtime) -> None:
    computed = await compute(runtime, "NOW()", {})
    assert abs((datetime.now(UTC).replace(tzinfo=None) - computed).total_seconds()) < 60
