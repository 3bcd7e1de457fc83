"""Random formulas, each with a plain reading of it in Python, and a way to have PostgreSQL compute one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any, Final, TypeAlias

from hypothesis import strategies as st

from fostr.domains.records.computed.parameters import Parameters
from fostr.domains.records.computed.values import typed, value_of
from fostr.domains.records.fields.model import Field
from fostr.domains.records.formulas.compiling import compile_formula
from fostr.domains.records.formulas.tree import FormulaInvalid
from fostr.domains.records.formulas.typing import Compilation, Typed
from fostr.kernel.ids import new_id
from fostr.kernel.runtime import Runtime

Row: TypeAlias = Mapping[str, Any]
Read: TypeAlias = Callable[[Row], Any]

TYPES: Final = {"n": "number", "m": "number", "t": "text", "u": "text", "b": "boolean", "d": "date", "w": "datetime"}
FIELDS: Final = {
    key: Field(
        id=new_id(),
        key=key,
        name=key.upper(),
        type=type,
        position=0,
        is_required=False,
        options={},
        hidden_from=frozenset(),
        read_only_for=frozenset(),
        promoted_to=None,
    )
    for key, type in TYPES.items()
}


@dataclass(frozen=True)
class Example:
    """A formula, and what it means."""

    text: str
    read: Read


def compile_text(text: str) -> tuple[Typed, dict[str, Any]]:
    """Return a formula over `FIELDS` as SQL, and its parameters."""
    parameters = Parameters("f")

    def find(name: str, position: int) -> Typed:
        if name.lower() not in FIELDS:
            raise FormulaInvalid("There is no such field.", position)
        value = value_of(FIELDS[name.lower()])
        return typed(value, parameters.take(value.exact if value.kind == "number" else value.sql), position)

    result = compile_formula(text, Compilation(find=find, bind=parameters.bind, now=lambda: "now()"))
    return result, parameters.values


async def compute(runtime: Runtime, text: str, row: Row) -> Any:
    """Return what PostgreSQL makes of a formula for a record with some values."""
    result, params = compile_text(text)
    async with runtime.database.unit() as unit:
        return await unit.value(
            f"select {result.sql} from (select :row::jsonb as field_values) r", row=dict(row), **params
        )


def _lift(function: Callable[..., Any], *parts: Example) -> Read:
    """Return what has no value where one of its parts has none."""

    def read(row: Row) -> Any:
        values = [part.read(row) for part in parts]
        return None if any(value is None for value in values) else function(*values)

    return read


def _number(value: Any) -> Fraction | None:
    return None if value is None else Fraction(Decimal(str(value)))


def _round(value: Fraction, digits: int) -> Fraction:
    scale = 10**digits
    whole = floor(abs(value) * scale + Fraction(1, 2))
    return Fraction(whole if value >= 0 else -whole, scale)


def _down(value: Fraction) -> Fraction:
    return Fraction(floor(value))


def _up(value: Fraction) -> Fraction:
    return -_down(-value)


def _remainder(left: Fraction, right: Fraction) -> Fraction | None:
    return None if right == 0 else left - right * floor(left / right)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _day(value: Any) -> date | None:
    return None if value is None else date.fromisoformat(value)


def _field(key: str, read: Callable[[Any], Any] = lambda value: value) -> Example:
    return Example(f"{{{key}}}", lambda row: read(row.get(key)))


def _constant_number(value: Decimal) -> Example:
    return Example(f"{value:f}" if value >= 0 else f"(-{-value:f})", lambda _: Fraction(value))


def _same(left: Example, right: Example) -> Example:
    return Example(f"({left.text} = {right.text})", lambda row: left.read(row) == right.read(row))


def _choose(condition: Example, then: Example, other: Example) -> Example:
    return Example(
        f"IF({condition.text}, {then.text}, {other.text})",
        lambda row: then.read(row) if condition.read(row) else other.read(row),
    )


def _first(left: Example, right: Example) -> Example:
    def read(row: Row) -> Any:
        value = left.read(row)
        return right.read(row) if value is None else value

    return Example(f"COALESCE({left.text}, {right.text})", read)


def _binary(sign: str, function: Callable[[Any, Any], Any]) -> Callable[[Example, Example], Example]:
    return lambda left, right: Example(f"({left.text} {sign} {right.text})", _lift(function, left, right))


def _one(name: str, function: Callable[[Any], Any]) -> Callable[[Example], Example]:
    return lambda part: Example(f"{name}({part.text})", _lift(function, part))


def _two(name: str, function: Callable[[Any, Any], Any]) -> Callable[[Example, Example], Example]:
    return lambda left, right: Example(f"{name}({left.text}, {right.text})", _lift(function, left, right))


def _quotient(left: Example, right: Example) -> Example:
    # Rounded, because a quotient of PostgreSQL's has some twenty digits and ours has all.
    def read(a: Fraction, b: Fraction) -> Fraction | None:
        return None if b == 0 else _round(a / b, 6)

    return Example(f"ROUND({left.text} / {right.text}, 6)", _lift(read, left, right))


def _extreme(name: str, function: Callable[[list[Fraction]], Fraction]) -> Callable[[Example, Example], Example]:
    def make(left: Example, right: Example) -> Example:
        def read(row: Row) -> Fraction | None:
            values = [value for part in (left, right) if (value := part.read(row)) is not None]
            return function(values) if values else None

        return Example(f"{name}({left.text}, {right.text})", read)

    return make


def _and(left: Example, right: Example) -> Example:
    def read(row: Row) -> bool | None:
        values = {left.read(row), right.read(row)}
        return False if False in values else None if None in values else True

    return Example(f"AND({left.text}, {right.text})", read)


def _or(left: Example, right: Example) -> Example:
    def read(row: Row) -> bool | None:
        values = {left.read(row), right.read(row)}
        return True if True in values else None if None in values else False

    return Example(f"or({left.text}, {right.text})", read)


def _joined(left: Example, right: Example) -> Example:
    return Example(f"({left.text} & {right.text})", lambda row: (left.read(row) or "") + (right.read(row) or ""))


def _blank(part: Example) -> Example:
    return Example(f"ISBLANK({part.text})", lambda row: part.read(row) in (None, ""))


def _cut(part: Example, count: int) -> Example:
    def read(text: str) -> str:
        return text[:count]

    return Example(f"LEFT({part.text}, {count})", _lift(read, part))


def _replaced(whole: Example, old: Example, new: Example) -> Example:
    def read(text: str, part: str, other: str) -> str:
        return text.replace(part, other) if part else text

    return Example(f"SUBSTITUTE({whole.text}, {old.text}, {new.text})", _lift(read, whole, old, new))


def _shifted(part: Example, count: int) -> Example:
    def read(day: date) -> date:
        return day + timedelta(days=count)

    return Example(f'DATEADD({part.text}, {count}, "days")', _lift(read, part))


def _apart(left: Example, right: Example) -> Example:
    def read(a: date, b: date) -> Fraction:
        return Fraction((b - a).days)

    return Example(f'DATEDIFF({left.text}, {right.text}, "days")', _lift(read, left, right))


_DECIMALS: Final = st.decimals(-1000, 1000, places=2, allow_nan=False)
_LETTERS: Final = st.text("abAB \"'\\{}%:", max_size=4)
_KEYS: Final = ("n", "m")


def _numbers(depth: int) -> st.SearchStrategy[Example]:
    simple = st.one_of(st.sampled_from([_field(key, _number) for key in _KEYS]), _DECIMALS.map(_constant_number))
    if depth == 0:
        return simple
    part, text, day = _numbers(depth - 1), _texts(depth - 1), _days(depth - 1)
    return st.one_of(
        simple,
        st.builds(_binary("+", lambda a, b: a + b), part, part),
        st.builds(_binary("-", lambda a, b: a - b), part, part),
        st.builds(_binary("*", lambda a, b: a * b), part, part),
        st.builds(_binary("%", _remainder), part, part),
        st.builds(_quotient, part, part),
        st.builds(_one("ABS", abs), part),
        st.builds(_one("FLOOR", _down), part),
        st.builds(_one("CEILING", _up), part),
        st.builds(_one("round", lambda a: _round(a, 0)), part),
        st.builds(_extreme("MIN", min), part, part),
        st.builds(_extreme("MAX", max), part, part),
        st.builds(_one("LEN", lambda a: Fraction(len(str(a)))), text),
        st.builds(_two("FIND", lambda a, b: Fraction(b.find(a) + 1)), text, text),
        st.builds(_one("YEAR", lambda a: Fraction(a.year)), day),
        st.builds(_one("WEEKDAY", lambda a: Fraction(a.isoweekday())), day),
        st.builds(_apart, day, day),
        st.builds(_choose, _truths(depth - 1), part, part),
        st.builds(_first, part, part),
    )


def _texts(depth: int) -> st.SearchStrategy[Example]:
    simple = st.one_of(
        st.sampled_from([_field("t"), _field("u")]),
        _LETTERS.map(lambda text: Example(_quoted(text), lambda _: text)),
    )
    if depth == 0:
        return simple
    part = _texts(depth - 1)
    return st.one_of(
        simple,
        st.builds(_joined, part, part),
        st.builds(_one("UPPER", str.upper), part),
        st.builds(_one("LOWER", str.lower), part),
        st.builds(_one("TRIM", lambda text: text.strip(" ")), part),
        st.builds(_cut, part, st.integers(0, 5)),
        st.builds(_replaced, part, _texts(0), _texts(0)),
        st.builds(_choose, _truths(depth - 1), part, part),
        st.builds(_first, part, part),
    )


def _truths(depth: int) -> st.SearchStrategy[Example]:
    simple = st.one_of(
        st.just(_field("b")), st.sampled_from([Example("TRUE", lambda _: True), Example("false", lambda _: False)])
    )
    if depth == 0:
        return simple
    part, number, text = _truths(depth - 1), _numbers(depth - 1), _texts(depth - 1)
    return st.one_of(
        simple,
        st.builds(_and, part, part),
        st.builds(_or, part, part),
        st.builds(_one("NOT", lambda a: not a), part),
        st.builds(_same, number, number),
        st.builds(_same, text, text),
        st.builds(_binary("<", lambda a, b: a < b), number, number),
        st.builds(_binary(">=", lambda a, b: a >= b), text, text),
        st.builds(_blank, st.one_of(number, text)),
    )


def _days(depth: int) -> st.SearchStrategy[Example]:
    simple = st.one_of(
        st.just(_field("d", _day)),
        st.dates(date(1990, 1, 1), date(2030, 1, 1)).map(
            lambda day: Example(f"DATE({day.year}, {day.month}, {day.day})", lambda _: day)
        ),
    )
    if depth == 0:
        return simple
    part = _days(depth - 1)
    return st.one_of(
        simple,
        st.builds(_shifted, part, st.integers(-500, 500)),
        st.builds(_choose, _truths(depth - 1), part, part),
    )


EXAMPLES: Final = st.one_of(_numbers(3), _texts(3), _truths(3), _days(3))
ROWS: Final = st.fixed_dictionaries(
    {},
    optional={
        "n": st.one_of(st.integers(-50, 50), st.sampled_from([0.1, -2.5, 0.005])),
        "m": st.integers(-3, 3),
        "t": st.text("abAB ", min_size=1, max_size=5),
        "u": st.text("abAB ", min_size=1, max_size=3),
        "b": st.booleans(),
        "d": st.dates(date(1990, 1, 1), date(2030, 1, 1)).map(date.isoformat),
    },
)
