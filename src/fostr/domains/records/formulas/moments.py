"""Functions of dates and moments, which are those of the Gregorian calendar, of the years 1 to 9999, in UTC."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from fostr.domains.records.formulas.function import Function, guarded, literal
from fostr.domains.records.formulas.tree import FormulaInvalid
from fostr.domains.records.formulas.typing import Typed, expect, given

if TYPE_CHECKING:
    from fostr.domains.records.formulas.typing import Compilation, FormulaType

MONTHS_OF: Final = {"months": 1, "quarters": 3, "years": 12}
SECONDS_OF: Final = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400, "weeks": 7 * 86400}
UNITS: Final = (*SECONDS_OF, *MONTHS_OF)

# What a name within a pattern becomes; longer names go before their beginnings.
_PATTERNS: Final = {
    "YYYY": "YYYY",
    "YY": "YY",
    "MMMM": "FMMonth",
    "MMM": "Mon",
    "MM": "MM",
    "M": "FMMM",
    "dddd": "FMDay",
    "ddd": "Dy",
    "DD": "DD",
    "D": "FMDD",
    "HH": "HH24",
    "H": "FMHH24",
    "mm": "MI",
    "ss": "SS",
    "Q": "Q",
    "WW": "IW",
}
_NAME: Final = re.compile("|".join(_PATTERNS))
LONGEST_PATTERN: Final = 100


def _time(value: Typed) -> Typed:
    return expect(value, "moment", "date")


def _part(name: str, unit: str) -> Function:
    def write(_: Compilation, arguments: list[Typed], position: int) -> Typed:
        return Typed("number", f"trunc(extract({unit} from {_time(arguments[0]).sql}))", position)

    return Function(name, 1, 1, write)


def _now(compilation: Compilation, _: list[Typed], position: int) -> Typed:
    compilation.uses_now = True
    return Typed("moment", f"({compilation.now()}::timestamptz at time zone 'UTC')", position)


def _today(compilation: Compilation, arguments: list[Typed], position: int) -> Typed:
    return Typed("date", f"date_trunc('day', {_now(compilation, arguments, position).sql})", position)


def _unit(value: Typed) -> str:
    unit = str(literal(value, "A unit")).strip().lower()
    unit = unit if unit.endswith("s") else f"{unit}s"
    if unit not in UNITS:
        raise FormulaInvalid(f"A unit is one of {', '.join(UNITS)}.", value.position)
    return unit


def _add(_: Compilation, arguments: list[Typed], position: int) -> Typed:
    start, amount, unit = _time(arguments[0]), expect(arguments[1], "number"), _unit(arguments[2])
    type: FormulaType = "date" if start.type == "date" and unit in {"days", "weeks", *MONTHS_OF} else "moment"
    values = {"a": start.sql, "b": f"trunc({amount.sql})"}
    if unit in MONTHS_OF:
        months = f"(extract(year from x.a) * 12 + extract(month from x.a) - 1 + x.b * {MONTHS_OF[unit]})"
        added = f"x.a + make_interval(months => (x.b * {MONTHS_OF[unit]})::integer)"
        return Typed(type, given(values, f"case when {months} between 12 and 119999 then {added} end"), position)
    # The first comparison keeps days in the range of an integer, the second the sum among the years 1 to 9999.
    seconds = f"(x.b * {SECONDS_OF[unit]})"
    within = f"abs({seconds}) <= 315537897599 and extract(epoch from x.a) + {seconds} between {_FIRST} and {_LAST}"
    added = (
        f"x.a + make_interval(days => div({seconds}, 86400)::integer, secs => mod({seconds}, 86400)::double precision)"
    )
    return Typed(type, given(values, f"case when {within} then {added} end"), position)


_FIRST: Final = "-62135596800"
_LAST: Final = "253402300799.999999"
"""The first and the last moment of the years 1 to 9999, in seconds from 1970."""


def _difference(_: Compilation, arguments: list[Typed], position: int) -> Typed:
    values = {"a": _time(arguments[0]).sql, "b": _time(arguments[1]).sql}
    unit = _unit(arguments[2])
    if unit in SECONDS_OF:
        then = f"trunc((extract(epoch from x.b) - extract(epoch from x.a)) / {SECONDS_OF[unit]})"
    else:
        months = "extract(year from age(x.b, x.a)) * 12 + extract(month from age(x.b, x.a))"
        then = f"trunc(({months}) / {MONTHS_OF[unit]})"
    return Typed("number", given(values, then), position)


def _format(compilation: Compilation, arguments: list[Typed], position: int) -> Typed:
    pattern = str(literal(arguments[1], "A pattern"))
    if len(pattern) > LONGEST_PATTERN:
        raise FormulaInvalid(f"A pattern has at most {LONGEST_PATTERN} characters.", arguments[1].position)
    written = compilation.bind(write_pattern(pattern))
    return Typed("text", f"to_char({_time(arguments[0]).sql}, {written}::text)", position)


def write_pattern(pattern: str) -> str:
    """Return a pattern as `to_char` takes it: names of parts replaced, all else quoted."""
    pieces: list[str] = []
    done = 0
    for match in _NAME.finditer(pattern):
        pieces += [_quote(pattern[done : match.start()]), _PATTERNS[match[0]]]
        done = match.end()
    return "".join([*pieces, _quote(pattern[done:])])


def _quote(text: str) -> str:
    if not text:
        return ""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


# Days are counted on from the first of the month, so that there is no February 30 to fail at.
_DATE: Final = """case
    when trunc(x.a) between 1 and 9999 and trunc(x.b) between 1 and 12 and trunc(x.c) between 1 and 31
     and extract(month from make_date(trunc(x.a)::integer, trunc(x.b)::integer, 1) + (trunc(x.c)::integer - 1))
         = trunc(x.b)
    then make_date(trunc(x.a)::integer, trunc(x.b)::integer, 1)::timestamp
         + make_interval(days => trunc(x.c)::integer - 1)
end"""

MOMENTS: Final[tuple[Function, ...]] = (
    Function("NOW", 0, 0, _now),
    Function("TODAY", 0, 0, _today),
    _part("YEAR", "year"),
    _part("QUARTER", "quarter"),
    _part("MONTH", "month"),
    _part("WEEKNUM", "week"),
    _part("DAY", "day"),
    _part("WEEKDAY", "isodow"),
    _part("HOUR", "hour"),
    _part("MINUTE", "minute"),
    _part("SECOND", "second"),
    guarded("DATE", _DATE, ("number", "number", "number"), "date"),
    Function("DATEADD", 3, 3, _add),
    Function("DATEDIFF", 3, 3, _difference),
    Function("FORMAT", 2, 2, _format),
)
