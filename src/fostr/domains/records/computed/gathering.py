"""What is made of the values of linked records: lookups, rollups and counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fostr.domains.records.computed.sources import MOST_SHOWN
from fostr.domains.records.computed.values import LONGEST_TEXT, Broken, Value, nothing, number, shown
from fostr.kernel.db.sql import Fragment

if TYPE_CHECKING:
    from fostr.domains.records.computed.parameters import Parameters
    from fostr.domains.records.computed.sources import Source
    from fostr.domains.records.fields.types import Kind

LONGEST_JOINED: Final = 1_000
"""Characters of each value that are joined."""

_SCALARS: Final[frozenset[Kind]] = frozenset({"text", "number", "time", "boolean"})
_TAKES: Final[dict[str, frozenset[Kind]]] = {
    "sum": frozenset({"number"}),
    "avg": frozenset({"number"}),
    "min": frozenset({"number", "time", "text"}),
    "max": frozenset({"number", "time", "text"}),
    "any": frozenset({"boolean"}),
    "all": frozenset({"boolean"}),
    "join": _SCALARS,
    "earliest": frozenset({"time"}),
    "latest": frozenset({"time"}),
}
"""The kinds of values that each function takes; any, where it is not named."""


@dataclass(frozen=True, slots=True)
class _Result:
    kind: Kind
    type: str
    sql: str


def ids_of(parameters: Parameters, source: Source) -> Value:
    """Return the ids of linked records, in their order."""
    text = f"""(
        select jsonb_agg(f.id order by f.place)
        from (select r.id, {source.place} as place {source.rows} order by {source.place} limit {MOST_SHOWN}) f
    )"""
    sql = Fragment(text, parameters.values)
    return _many("link", sql, Fragment(f"coalesce({text}, '[]'::jsonb)", parameters.values))


def _many(type: str, sql: Fragment, shown: Fragment) -> Value:
    return Value("list", type, sql, shown, exact=Fragment("null::numeric", {}))


def look_up(parameters: Parameters, source: Source, value: Value) -> Value:
    """Return the values that linked records have: one where a single record is linked, or a list."""
    if source.is_single:
        return _look_up_one(parameters, source, value)
    shown = parameters.take(value.shown)
    found = f"(select {shown} as v, {source.place} as place {source.rows} order by {source.place} limit {MOST_SHOWN})"
    element, rows = "f.v", f"{found} f where f.v <> 'null'::jsonb"
    if value.kind == "list":
        # Lists of lists are one list.
        element = "g.v"
        rows = f"""{found} f cross join lateral jsonb_array_elements(
            case jsonb_typeof(f.v) when 'array' then f.v else '[]'::jsonb end
        ) with ordinality g (v, place)"""
    place = "f.place" if value.kind != "list" else "f.place, g.place"
    texts = f"(select jsonb_agg(to_jsonb({element} #>> '{{}}') order by {place}) from {rows})"
    whole = f"(select coalesce(jsonb_agg({element} order by {place}), '[]'::jsonb) from {rows})"
    type = value.type if value.kind in {"list", "document"} else "multi_select"
    return _many(type, Fragment(texts, parameters.values), Fragment(whole, parameters.values))


def _look_up_one(parameters: Parameters, source: Source, value: Value) -> Value:
    def one(piece: Fragment) -> Fragment:
        text = f"(select {parameters.take(piece)} {source.rows} order by {source.place} limit 1)"
        return Fragment(text, parameters.values)

    exact = one(value.exact) if value.kind == "number" else value.exact
    return Value(value.kind, value.type, one(value.sql), one(value.shown), exact)


def count(parameters: Parameters, source: Source) -> Value:
    """Return how many records are linked."""
    return _single(_Result("number", "number", f"(select count(*)::double precision {source.rows})"), parameters)


def roll_up(parameters: Parameters, source: Source, value: Value, function: str) -> Value:
    """Return one value made of those that linked records have."""
    check_function(function, value)
    result = _aggregate(parameters, source, value, function)
    return _single(result, parameters)


def check_function(function: str, value: Value) -> None:
    """Refuse a function that does not take such values.

    Raises:
        Broken: it does not.
    """
    if value.kind not in _TAKES.get(function, {value.kind}):
        raise Broken(f"{function} does not take values of type {value.type}.")


def result_of(function: str, value: Value) -> Value:
    """Return no value, of the kind that a function gives."""
    if function in {"min", "max", "earliest", "latest"}:
        return nothing(value.kind, value.type)
    if function in {"any", "all"}:
        return nothing("boolean", "boolean")
    return nothing("text", "text") if function == "join" else nothing("number", "number")


_COUNTED: Final = {
    "count": "count({})::double precision",
    "count_distinct": "count(distinct {})::double precision",
}
_SUMMED: Final = {"sum": "coalesce(sum({}), 0)", "avg": "avg({})"}
_DECIDED: Final = {"any": "coalesce(bool_or({}), false)", "all": "coalesce(bool_and({}), true)"}


def _aggregate(parameters: Parameters, source: Source, value: Value, function: str) -> _Result:
    if function == "join":
        return _Result("text", "text", _join(parameters, source, value))
    sql = parameters.take(value.exact if value.kind == "number" else value.sql)
    if function in _SUMMED:
        return _Result("number", "number", number(f"(select {_SUMMED[function].format(sql)} {source.rows})"))
    if function in _COUNTED:
        return _Result("number", "number", f"(select {_COUNTED[function].format(sql)} {source.rows})")
    if function in _DECIDED:
        return _Result("boolean", "boolean", f"(select {_DECIDED[function].format(sql)} {source.rows})")
    return _extreme(source, value, sql, "min" if function in {"min", "earliest"} else "max")


def _extreme(source: Source, value: Value, sql: str, function: str) -> _Result:
    order = ' collate "C"' if value.kind == "text" else ""
    extreme = f"(select {function}({sql}{order}) {source.rows})"
    type = value.type if value.kind == "time" else value.kind
    return _Result(value.kind, type, number(extreme) if value.kind == "number" else extreme)


def _join(parameters: Parameters, source: Source, value: Value) -> str:
    text = f"left({parameters.take(value.shown)} #>> '{{}}', {LONGEST_JOINED})"
    found = f"(select {text} as v, {source.place} as place {source.rows} order by {source.place} limit {MOST_SHOWN})"
    return f"(select left(string_agg(f.v, ', ' order by f.place), {LONGEST_TEXT}) from {found} f)"


def _single(result: _Result, parameters: Parameters) -> Value:
    display = shown(result.kind, result.sql, is_date=result.type == "date")
    return Value(
        result.kind,
        result.type,
        Fragment(result.sql, parameters.values),
        Fragment(display, parameters.values),
        Fragment(f"({result.sql})::text::numeric", parameters.values),
    )
