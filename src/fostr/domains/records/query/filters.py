"""Filters on fields, checked against the recordset and turned into SQL.

A filter is a JSON object from field keys to a value, a list of values, or operators with their operands:
`{"state": "CA", "kind": ["a", "b"], "elevation": {"gte": 100, "lt": 500}}`. For groups of them, see `conditions`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from fostr.domains.records.fields.types import ValueRefused
from fostr.domains.records.query.conditions import MOST_CONDITIONS
from fostr.domains.records.query.expressions import comparable, expression, parameters_of
from fostr.domains.records.query.moments import find_clock
from fostr.domains.records.query.operators import OPERATORS, Builder, find_operator
from fostr.domains.records.query.refusals import FilterInvalid
from fostr.domains.records.query.subjects import subject_of
from fostr.domains.records.query.viewer import VIEWER
from fostr.kernel import clock
from fostr.kernel.db.sql import Fragment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from fostr.domains.records.fields.model import Field, Recordset
    from fostr.domains.records.fields.types import Kind
    from fostr.kernel.access.evaluator import FieldMask

__all__ = [
    "FilterInvalid",
    "build_filters",
    "comparable",
    "expression",
    "parameters_of",
    "parse_object",
    "write_filters",
]

NUMBER_ALIASES: Final = {"min": "gte", "max": "lte"}
DATE_ALIASES: Final = {
    "from": "gte",
    "to": "lte",
    "start": "gte",
    "end": "lte",
    "after": "gt",
    "before": "lt",
}


@dataclass(frozen=True, slots=True)
class _Parameter:
    """One of the filter parameters: its name, the kinds of fields that it is for, and its words for operators."""

    name: str
    kind: Kind | None = None
    aliases: Mapping[str, str] | None = None

    def operator(self, word: str) -> str:
        """Return what the parameter calls by a word."""
        return (self.aliases or {}).get(word, word)


_COLUMNS: Final = _Parameter("column_filters")
_NUMBERS: Final = _Parameter("numeric_filters", "number", NUMBER_ALIASES)
_DATES: Final = _Parameter("date_filters", "time", DATE_ALIASES)


def build_filters(
    recordset: Recordset,
    *,
    mask: FieldMask,
    column_filters: str | None = None,
    numeric_filters: str | None = None,
    date_filters: str | None = None,
    viewer: UUID | None = None,
    now: datetime | None = None,
    time_zone: str | None = None,
) -> Fragment:
    """Return the condition that the three filter parameters stand for together.

    Args:
        recordset: whose fields are named.
        mask: fields that the caller may not see cannot be filtered by.
        column_filters: JSON, for fields of any type.
        numeric_filters: JSON, for numbers; `min` and `max` are short for `gte` and `lte`.
        date_filters: JSON, for dates; `from` and `to`, `start` and `end`, `after` and `before`.
        viewer: the member whom operands such as `{"$viewer": "member_id"}` mean.
        now: the present, for relative dates.
        time_zone: whose days are meant; UTC unless it is said.

    Raises:
        FilterInvalid: naming the parameter, the field, and the operators that the field has.
        TimeZoneUnknown: there is no such zone.
    """
    builder = Builder("f", find_clock(now or clock.now(), time_zone), viewer)
    written = [
        condition
        for parameter, text in ((_COLUMNS, column_filters), (_NUMBERS, numeric_filters), (_DATES, date_filters))
        if text is not None and text.strip()
        for condition in _write(builder, parameter, text, recordset=recordset, mask=mask)
    ]
    return Fragment(" and ".join(written) or "true", builder.params)


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


def _write(builder: Builder, parameter: _Parameter, text: str, *, recordset: Recordset, mask: FieldMask) -> list[str]:
    written: list[str] = []
    for key, wanted in parse_object(parameter.name, text).items():
        entry = recordset.by_key.get(key)
        if entry is None or key in mask.hidden:
            raise FilterInvalid(f"There is no field {key!r}.", parameter=parameter.name, field=key)
        if parameter.kind not in {None, entry.kind}:
            raise FilterInvalid(f"Field {key!r} is of type {entry.type}.", parameter=parameter.name, field=key)
        for word, operand in _operations(wanted).items():
            written.append(_condition(builder, parameter, entry, word, operand))
    if builder.conditions > MOST_CONDITIONS:
        raise FilterInvalid(f"There are more than {MOST_CONDITIONS} conditions.", parameter=parameter.name)
    return written


def _operations(wanted: Any) -> dict[str, Any]:
    if isinstance(wanted, dict):
        asked = cast("dict[str, Any]", wanted)
        return {"eq": asked} if VIEWER in asked else asked
    if wanted is None:
        return {"empty": True}
    return {"in": wanted} if isinstance(wanted, list) else {"eq": wanted}


def _condition(builder: Builder, parameter: _Parameter, entry: Field, word: str, operand: Any) -> str:
    subject = subject_of(entry)
    operator = find_operator(subject, parameter.operator(word))
    if operator is None:
        raise FilterInvalid(
            f"Field {entry.key!r} has no operator {word!r}.",
            parameter=parameter.name,
            field=entry.key,
            operators=list(OPERATORS[subject.kind]),
        )
    try:
        return builder.write(subject, operator, operand)
    except ValueRefused as refusal:
        raise FilterInvalid(f"{operand!r} {refusal}.", parameter=parameter.name, field=entry.key) from None
