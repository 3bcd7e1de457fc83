"""Filters on fields, checked against the recordset and turned into SQL.

A filter is a JSON object from field keys to a value, a list of values, or operators with their operands:
`{"state": "CA", "kind": ["a", "b"], "elevation": {"gte": 100, "lt": 500}}`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import orjson

from fostr.domains.records.fields.shaping import LONGEST_PROMOTED_TEXT, check_text, check_value
from fostr.domains.records.fields.types import ValueRefused
from fostr.kernel.db.sql import Fragment
from fostr.kernel.http.errors import Unprocessable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fostr.domains.records.fields.model import Field, Recordset
    from fostr.domains.records.fields.types import Kind
    from fostr.kernel.access.evaluator import FieldMask

COMPARISONS: Final[dict[str, str]] = {"eq": "=", "ne": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
PATTERNS: Final[dict[str, str]] = {"contains": "%{}%", "starts_with": "{}%", "ends_with": "%{}"}
OPERATORS: Final[dict[Kind, tuple[str, ...]]] = {
    "text": ("eq", "ne", "in", "not_in", "contains", "not_contains", "starts_with", "ends_with", "empty"),
    "number": ("eq", "ne", "lt", "lte", "gt", "gte", "in", "not_in", "empty"),
    "time": ("eq", "ne", "lt", "lte", "gt", "gte", "in", "not_in", "empty"),
    "boolean": ("eq", "ne", "empty"),
    "list": ("has", "has_any", "has_all", "empty"),
    "document": ("empty",),
}
NUMBER_ALIASES: Final = {"min": "gte", "max": "lte"}
DATE_ALIASES: Final = {
    "from": "gte",
    "to": "lte",
    "start": "gte",
    "end": "lte",
    "after": "gt",
    "before": "lt",
}
MOST_CONDITIONS: Final = 50
MOST_VALUES: Final = 500


class FilterInvalid(Unprocessable):
    """A filter cannot be used on this recordset."""

    code = "filter_invalid"
    detail = "A filter cannot be used on this recordset."


@dataclass(slots=True)
class _Builder:
    """Collects conditions and the values of their parameters."""

    recordset: Recordset
    mask: FieldMask
    conditions: list[str] = field(default_factory=list[str])
    params: dict[str, Any] = field(default_factory=dict[str, Any])

    def left(self, entry: Field) -> str:
        """Return the SQL of a field's value, its parameters taken up."""
        self.params.update(parameters_of(entry))
        return expression(entry)

    def bind(self, value: Any) -> str:
        name = f"f{len(self.params)}"
        self.params[name] = value
        return f":{name}"


def build_filters(
    recordset: Recordset,
    *,
    mask: FieldMask,
    column_filters: str | None = None,
    numeric_filters: str | None = None,
    date_filters: str | None = None,
) -> Fragment:
    """Return the condition that the three filter parameters stand for together.

    Args:
        recordset: whose fields are named.
        mask: fields that the caller may not see cannot be filtered by.
        column_filters: JSON, for fields of any type.
        numeric_filters: JSON, for numbers; `min` and `max` are short for `gte` and `lte`.
        date_filters: JSON, for dates; `from` and `to`, `start` and `end`, `after` and `before`.

    Raises:
        FilterInvalid: naming the parameter, the field, and the operators that the field has.
    """
    builder = _Builder(recordset, mask)
    _add(builder, "column_filters", column_filters, kinds=None, aliases={})
    _add(builder, "numeric_filters", numeric_filters, kinds=("number",), aliases=NUMBER_ALIASES)
    _add(builder, "date_filters", date_filters, kinds=("time",), aliases=DATE_ALIASES)
    return Fragment(" and ".join(builder.conditions) or "true", builder.params)


def parse_object(parameter: str, text: str) -> dict[str, Any]:
    """Return the JSON object in a query parameter.

    Raises:
        FilterInvalid: it is something else.
    """
    try:
        value: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise FilterInvalid("A filter is a JSON object.", parameter=parameter)
    return cast("dict[str, Any]", value)


def write_filters(parameter: str, filters: Mapping[str, Any] | None) -> str | None:
    """Return filters that came as part of a body, as `build_filters` takes them.

    Raises:
        FilterInvalid: they hold a number or a character that no JSON text can hold.
    """
    if filters is None:
        return None
    try:
        return orjson.dumps(filters).decode()
    except orjson.JSONEncodeError:
        raise FilterInvalid("A number or a character cannot be compared with.", parameter=parameter) from None


def _add(
    builder: _Builder,
    parameter: str,
    text: str | None,
    *,
    kinds: tuple[Kind, ...] | None,
    aliases: Mapping[str, str],
) -> None:
    if text is None or not text.strip():
        return
    for key, wanted in parse_object(parameter, text).items():
        entry = builder.recordset.by_key.get(key)
        if entry is None or key in builder.mask.hidden:
            raise FilterInvalid(f"There is no field {key!r}.", parameter=parameter, field=key)
        if kinds is not None and entry.kind not in kinds:
            raise FilterInvalid(f"Field {key!r} is of type {entry.type}.", parameter=parameter, field=key)
        for operator, operand in _operations(wanted).items():
            _condition(builder, parameter, entry, aliases.get(operator, operator), operand)
    if len(builder.conditions) > MOST_CONDITIONS:
        raise FilterInvalid(f"There are more than {MOST_CONDITIONS} conditions.", parameter=parameter)


def _operations(wanted: Any) -> dict[str, Any]:
    if isinstance(wanted, dict):
        return cast("dict[str, Any]", wanted)
    if wanted is None:
        return {"empty": True}
    return {"in": wanted} if isinstance(wanted, list) else {"eq": wanted}


def _condition(builder: _Builder, parameter: str, entry: Field, operator: str, operand: Any) -> None:
    allowed = OPERATORS[entry.kind]
    if entry.kind == "list":
        operator = {"eq": "has", "in": "has_any"}.get(operator, operator)
    if operator not in allowed:
        raise FilterInvalid(
            f"Field {entry.key!r} has no operator {operator!r}.",
            parameter=parameter,
            field=entry.key,
            operators=list(allowed),
        )
    try:
        builder.conditions.append(_WRITERS.get(operator, _compare)(builder, entry, operator, operand))
    except ValueRefused as refusal:
        raise FilterInvalid(f"{operand!r} {refusal}.", parameter=parameter, field=entry.key) from None


def expression(entry: Field, *, alias: str = "r") -> str:
    """Return the SQL that stands for a field's value, typed for comparing: the promoted column where there is one.

    Whoever puts it into a statement passes `parameters_of` the field along.
    """
    if entry.computed is not None:
        return entry.computed.sql.text
    if entry.promoted_to is not None:
        return f"{alias}.{entry.promoted_to}"
    raw = f"{alias}.field_values->>'{entry.key}'"
    match entry.kind:
        case "number":
            return f"({raw})::double precision"
        case "time":
            # A moment is kept with its Z; a date is the beginning of its day in UTC, whatever the server's zone.
            return f"({raw})::timestamptz" if entry.type == "datetime" else f"(({raw})::timestamp at time zone 'UTC')"
        case "boolean":
            return f"({raw})::boolean"
        case "list" | "document":
            return f"{alias}.field_values->'{entry.key}'"
        case "text":
            return f"({raw})"


def parameters_of(entry: Field) -> Mapping[str, Any]:
    """Return the parameters of a field's `expression`."""
    return {} if entry.computed is None else entry.computed.sql.params


def comparable(entry: Field, value: Any) -> Any:
    """Return a checked value as it is compared with `expression`."""
    match entry.kind:
        case "number":
            return float(value)
        case "time":
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        case _:
            return value


def _operand(entry: Field, value: Any) -> Any:
    if value is None or isinstance(value, dict | list):
        raise ValueRefused("cannot be compared with")
    checked = check_value(entry, value) if entry.kind != "text" else str(value)
    if checked is None:
        raise ValueRefused("cannot be compared with")
    if isinstance(checked, str):
        check_text(checked)
    return comparable(entry, checked)


def _compare(builder: _Builder, entry: Field, operator: str, operand: Any) -> str:
    value = _operand(entry, operand)
    left = builder.left(entry)
    if entry.type == "datetime" and isinstance(operand, str) and len(operand.strip()) == len("2026-01-31"):
        return _compare_day(builder, left, operator, value)
    if entry.kind == "text":
        return _compare_text(builder, entry, operator, value)
    if operator == "ne":
        return f"{left} is distinct from {builder.bind(value)}"
    return f"{left} {COMPARISONS[operator]} {builder.bind(value)}"


def _compare_text(builder: _Builder, entry: Field, operator: str, value: str) -> str:
    left = builder.left(entry)
    if operator == "ne":
        return f"(r.field_values->>'{entry.key}') is distinct from {builder.bind(value)}"
    condition = f"{left} = {builder.bind(value[:LONGEST_PROMOTED_TEXT] if entry.promoted_to else value)}"
    if entry.promoted_to and len(value) >= LONGEST_PROMOTED_TEXT:
        condition += f" and (r.field_values->>'{entry.key}') = {builder.bind(value)}"
    return condition


def _compare_day(builder: _Builder, left: str, operator: str, day: datetime) -> str:
    # A day compared with a moment means the whole day: up to and including it, or after its end.
    try:
        following = day + timedelta(days=1)
    except OverflowError:
        raise ValueRefused("lies too far ahead") from None
    match operator:
        case "eq":
            return f"({left} >= {builder.bind(day)} and {left} < {builder.bind(following)})"
        case "ne":
            return f"({left} < {builder.bind(day)} or {left} >= {builder.bind(following)} or {left} is null)"
        case "lte":
            return f"{left} < {builder.bind(following)}"
        case "gt":
            return f"{left} >= {builder.bind(following)}"
        case _:
            return f"{left} {COMPARISONS[operator]} {builder.bind(day)}"


def _pattern(builder: _Builder, entry: Field, operator: str, operand: Any) -> str:
    value = _operand(entry, operand)
    negated = operator == "not_contains"
    escaped = str(value).replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    parameter = builder.bind(PATTERNS["contains" if negated else operator].format(escaped))
    left = f"(r.field_values->>'{entry.key}')"
    return f"({left} is null or {left} not ilike {parameter})" if negated else f"{left} ilike {parameter}"


def _membership(builder: _Builder, entry: Field, operator: str, operand: Any) -> str:
    if not isinstance(operand, list) or not operand or len(cast("list[Any]", operand)) > MOST_VALUES:
        raise ValueRefused(f"is not a list of 1 to {MOST_VALUES} values")
    values = [_operand(entry, value) for value in cast("list[Any]", operand)]
    if entry.kind == "text" and entry.promoted_to:
        values = [value[:LONGEST_PROMOTED_TEXT] for value in values]
    left = builder.left(entry)
    parameter = builder.bind(values)
    return f"{left} = any({parameter})" if operator == "in" else f"({left} is null or {left} <> all({parameter}))"


def _list_has(builder: _Builder, entry: Field, operator: str, operand: Any) -> str:
    values = [str(v) for v in cast("list[Any]", operand)] if isinstance(operand, list) else [str(operand)]
    if not values or len(values) > MOST_VALUES:
        raise ValueRefused(f"is not a list of 1 to {MOST_VALUES} values")
    for value in values:
        check_text(value)
    sign = "?|" if operator == "has_any" else "?&"
    return f"{builder.left(entry)} {sign} {builder.bind(values)}::text[]"


def _empty(_: _Builder, entry: Field, operator: str, operand: Any) -> str:
    del operator
    if not isinstance(operand, bool):
        raise ValueRefused("is neither true nor false")
    present = f"(r.field_values ? '{entry.key}')"
    return f"not {present}" if operand else present


_Writer: TypeAlias = "Callable[[_Builder, Field, str, Any], str]"
_WRITERS: Final[dict[str, _Writer]] = {
    "contains": _pattern,
    "not_contains": _pattern,
    "starts_with": _pattern,
    "ends_with": _pattern,
    "in": _membership,
    "not_in": _membership,
    "has": _list_has,
    "has_any": _list_has,
    "has_all": _list_has,
    "empty": _empty,
}
