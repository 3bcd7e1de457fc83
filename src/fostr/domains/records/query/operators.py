"""Operators: how what a record holds is compared with an operand, as SQL.

What is not there is equal to nothing and differs from everything: operators that deny are true of it, all others false.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from fostr.domains.records.fields.shaping import LONGEST_PROMOTED_TEXT
from fostr.domains.records.fields.types import ValueRefused
from fostr.domains.records.query.moments import Period, parse_period
from fostr.domains.records.query.subjects import parse_operand
from fostr.domains.records.query.viewer import VIEWER, list_of_viewer, value_of_viewer

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from fostr.domains.records.query.moments import Clock
    from fostr.domains.records.query.subjects import Subject, SubjectKind

_EQUAL: Final = ("eq", "ne", "in", "not_in")
_ORDERED: Final = (*_EQUAL, "lt", "lte", "gt", "gte", "between")
OPERATORS: Final[dict[SubjectKind, tuple[str, ...]]] = {
    "text": (
        *_EQUAL, "ieq", "ine", "iin", "contains", "not_contains", "starts_with", "ends_with", "empty",
    ),
    "number": (*_ORDERED, "empty"),
    "time": (*_ORDERED, "within", "empty"),
    "boolean": ("eq", "ne", "empty"),
    "list": ("has", "has_any", "has_all", "has_none", "exactly", "count", "empty"),
    "document": ("empty",),
    "identifier": (*_EQUAL, "empty"),
}  # fmt: skip
"""What can be asked of each kind of value. Those that begin with `i` do not tell capitals from small letters."""

COMPARISONS: Final[dict[str, str]] = {"eq": "=", "ne": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
PATTERNS: Final[dict[str, str]] = {"contains": "%{}%", "starts_with": "{}%", "ends_with": "%{}"}
MOST_VALUES: Final = 500
ENDS: Final = 2
"""How many values `between` takes."""


@dataclass(slots=True)
class Builder:
    """Collects the values of parameters while conditions are written.

    Attributes:
        prefix: begins the names of the parameters, so that conditions written apart can stand in one statement. With
            the underscore before it, no key of a field begins with it.
        clock: by which relative dates are reckoned.
        viewer: the member whom `$viewer` means; None where nobody in particular asks.
        params: the values so far.
        conditions: how many conditions were written.
    """

    prefix: str
    clock: Clock
    viewer: UUID | None = None
    params: dict[str, Any] = field(default_factory=dict[str, Any])
    conditions: int = 0

    def bind(self, value: Any) -> str:
        """Take up a value, and return the parameter that stands for it."""
        name = f"_{self.prefix}{len(self.params)}"
        self.params[name] = value
        return f":{name}"

    def write(self, subject: Subject, operator: str, operand: Any) -> str:
        """Return a condition.

        Raises:
            ValueRefused: the operand does not fit.
        """
        self.conditions += 1
        self.params.update(subject.params)
        return _WRITERS.get(operator, _compare)(self, subject, operator, operand)


def find_operator(subject: Subject, name: str) -> str | None:
    """Return the operator that a name means; None where it has no such operator."""
    if subject.kind == "list":
        name = {"eq": "has", "in": "has_any", "not_in": "has_none"}.get(name, name)
    return name if name in OPERATORS[subject.kind] else None


def _compare(builder: Builder, subject: Subject, operator: str, operand: Any) -> str:
    if subject.kind == "time":
        return _compare_time(subject.sql, operator, _period(builder, subject, operand), builder)
    if subject.kind == "text":
        return _compare_text(builder, subject, operator, operand)
    value = _value(builder, subject, operand)
    if operator == "ne":
        return f"{subject.sql} is distinct from {value}"
    return f"{subject.sql} {COMPARISONS[operator]} {value}"


def _value(builder: Builder, subject: Subject, operand: Any) -> str:
    """Return the SQL of one operand."""
    if _names_viewer(operand):
        return value_of_viewer(builder, subject, operand)
    return builder.bind(parse_operand(subject, operand))


def _compare_text(builder: Builder, subject: Subject, operator: str, operand: Any) -> str:
    value = _value(builder, subject, operand)
    if operator == "ne":
        return f"{subject.text} is distinct from {value}"
    if not subject.is_cut or not _is_long(operand):
        return f"{subject.sql} = {value}"
    return f"({subject.sql} = left({value}::text, {LONGEST_PROMOTED_TEXT}) and {subject.text} = {value})"


def _is_long(operand: Any) -> bool:
    """Say whether an operand may be longer than what is kept of a text in its column."""
    return isinstance(operand, str) and len(operand) >= LONGEST_PROMOTED_TEXT


def _period(builder: Builder, subject: Subject, operand: Any) -> Period:
    return parse_period(operand, of_days=subject.holds_dates, clock=builder.clock)


def _compare_time(left: str, operator: str, period: Period, builder: Builder) -> str:
    start, end = period.start, period.end
    if end is None:
        sign = "is distinct from" if operator == "ne" else COMPARISONS[operator]
        return f"{left} {sign} {builder.bind(start)}"
    match operator:
        case "eq":
            return f"({left} >= {builder.bind(start)} and {left} < {builder.bind(end)})"
        case "ne":
            return f"({left} < {builder.bind(start)} or {left} >= {builder.bind(end)} or {left} is null)"
        case "lte":
            return f"{left} < {builder.bind(end)}"
        case "gt":
            return f"{left} >= {builder.bind(end)}"
        case _:
            return f"{left} {COMPARISONS[operator]} {builder.bind(start)}"


def _within(builder: Builder, subject: Subject, operator: str, operand: Any) -> str:
    del operator
    period = _period(builder, subject, operand)
    if period.end is None:
        raise ValueRefused("is a moment, not a period")
    return _compare_time(subject.sql, "eq", period, builder)


def _between(builder: Builder, subject: Subject, operator: str, operand: Any) -> str:
    del operator
    ends = _list(operand)
    if len(ends) != ENDS:
        raise ValueRefused("is not a list of two values, from and to")
    low, high = (_compare(builder, subject, sign, end) for sign, end in zip(("gte", "lte"), ends, strict=True))
    return f"({low} and {high})"


def _list(operand: Any) -> list[Any]:
    items = cast("list[Any]", operand) if isinstance(operand, list) else []
    if not 0 < len(items) <= MOST_VALUES:
        raise ValueRefused(f"is not a list of 1 to {MOST_VALUES} values")
    return items


def _items(operand: Any) -> list[Any]:
    return [operand] if _names_viewer(operand) else _list(operand)


def _names_viewer(operand: Any) -> bool:
    return isinstance(operand, dict) and VIEWER in operand


def _membership(builder: Builder, subject: Subject, operator: str, operand: Any) -> str:
    if subject.kind == "time":
        found = _any_period(builder, subject, _list(operand))
        return found if operator == "in" else f"({found} is not true)"
    left, values = subject.sql, _values(builder, subject, operand)
    if subject.is_cut and any(_is_long(item) for item in _items(operand)):
        found = _among_cut(subject, values)
        return found if operator == "in" else f"({found} is not true)"
    return f"{left} = any({values})" if operator == "in" else f"({left} is null or {left} <> all({values}))"


def _any_period(builder: Builder, subject: Subject, operands: list[Any]) -> str:
    periods = [_period(builder, subject, operand) for operand in operands]
    if all(period.end is None for period in periods):
        return f"{subject.sql} = any({builder.bind([period.start for period in periods])})"
    found = [_compare_time(subject.sql, "eq", period, builder) for period in periods]
    return f"({' or '.join(found)})"


def _among_cut(subject: Subject, values: str) -> str:
    """Look for a text by its beginning, which is indexed, and then by the whole."""
    beginnings = f"array(select left(v.v, {LONGEST_PROMOTED_TEXT}) from unnest({values}::text[]) as v (v))"
    return f"({subject.sql} = any({beginnings}) and {subject.text} = any({values}))"


def _values(builder: Builder, subject: Subject, operand: Any) -> str:
    """Return the SQL of an array of operands; the viewer's teams may stand for all, or among them."""
    items = _items(operand)
    plain = [item for item in items if not _names_viewer(item)]
    named = [list_of_viewer(builder, subject, item) for item in items if _names_viewer(item)]
    values = [builder.bind([parse_operand(subject, item) for item in plain])] if plain else []
    if not named:
        return values[0]
    type = "uuid[]" if subject.kind == "identifier" else "text[]"
    return f"({' || '.join(f'{part}::{type}' for part in (*values, *named))})"


def _pattern(builder: Builder, subject: Subject, operator: str, operand: Any) -> str:
    denies = operator == "not_contains"
    escaped = parse_operand(subject, operand).replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    parameter = builder.bind(PATTERNS["contains" if denies else operator].format(escaped))
    left = subject.text
    return f"({left} is null or {left} not ilike {parameter})" if denies else f"{left} ilike {parameter}"


def _folded(builder: Builder, subject: Subject, operator: str, operand: Any) -> str:
    left = f"lower({subject.text})"
    if operator == "iin":
        values = _values(builder, subject, operand)
        return f"{left} = any(array(select lower(v.v) from unnest({values}::text[]) as v (v)))"
    sign = "is distinct from" if operator == "ine" else "="
    return f"{left} {sign} lower({_value(builder, subject, operand)}::text)"


def _list_has(builder: Builder, subject: Subject, operator: str, operand: Any) -> str:
    # A single value stands for a list of one.
    given = cast("list[Any]", operand) if isinstance(operand, list) else [operand]
    values = f"{_values(builder, subject, given)}::text[]"
    if subject.elements is not None:
        found = f"{subject.elements} {'&&' if operator in {'has_any', 'has_none'} else '@>'} {values}"
        also = f"{subject.elements} <@ {values}"
    else:
        found = f"{subject.sql} {'?|' if operator in {'has_any', 'has_none'} else '?&'} {values}"
        also = f"{subject.sql} <@ to_jsonb({values})"
    if operator == "has_none":
        return f"(({found}) is not true)"
    return f"({found} and {also})" if operator == "exactly" else found


def _count(builder: Builder, subject: Subject, operator: str, operand: Any) -> str:
    del operator
    length = f"cardinality({subject.elements})"
    if subject.elements is None:
        length = f"case jsonb_typeof({subject.sql}) when 'array' then jsonb_array_length({subject.sql}) else 0 end"
    asked = cast("dict[str, Any]", operand) if isinstance(operand, dict) else {"eq": operand}
    found = [_compare_count(builder, length, sign, number) for sign, number in asked.items()]
    if not found:
        raise ValueRefused("counts nothing")
    return f"({' and '.join(found)})"


def _compare_count(builder: Builder, length: str, sign: str, number: Any) -> str:
    if sign not in COMPARISONS:
        raise ValueRefused(f"compares by none of {', '.join(COMPARISONS)}")
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 1 << 31:
        raise ValueRefused("does not name a whole number")
    return f"{length} {COMPARISONS[sign]} {builder.bind(number)}"


def _empty(_: Builder, subject: Subject, operator: str, operand: Any) -> str:
    del operator
    if not isinstance(operand, bool):
        raise ValueRefused("is neither true nor false")
    return f"not {subject.present}" if operand else subject.present


_Writer: TypeAlias = "Callable[[Builder, Subject, str, Any], str]"
_WRITERS: Final[dict[str, _Writer]] = {
    "contains": _pattern,
    "not_contains": _pattern,
    "starts_with": _pattern,
    "ends_with": _pattern,
    "ieq": _folded,
    "ine": _folded,
    "iin": _folded,
    "in": _membership,
    "not_in": _membership,
    "between": _between,
    "within": _within,
    "has": _list_has,
    "has_any": _list_has,
    "has_all": _list_has,
    "has_none": _list_has,
    "exactly": _list_has,
    "count": _count,
    "empty": _empty,
}
