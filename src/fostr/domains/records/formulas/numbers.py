"""Functions of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fostr.domains.records.formulas.function import MANY, Function, guarded, simple, whole
from fostr.domains.records.formulas.typing import Typed, bounded, expect

if TYPE_CHECKING:
    from fostr.domains.records.formulas.typing import Compilation

LARGEST_POWER: Final = 690
"""The natural logarithm of about the largest number."""

_POWER: Final = f"""case
    when x.a is null or x.b is null or abs(x.b) > 1e9 then null
    when x.a = 0 then case when x.b > 0 then 0 when x.b = 0 then 1 end
    when x.a < 0 and x.b <> trunc(x.b) then null
    when x.b * ln(abs(x.a)) > {LARGEST_POWER} then null
    when x.b * ln(abs(x.a)) < -{LARGEST_POWER} then 0
    else power(x.a, x.b)
end"""
_EXP: Final = f"case when x.a > {LARGEST_POWER} then null when x.a < -{LARGEST_POWER} then 0 else exp(x.a) end"


def _round(compilation: Compilation, arguments: list[Typed], position: int) -> Typed:
    number = expect(arguments[0], "number").sql
    if len(arguments) == 1:
        return Typed("number", f"round({number})", position)
    return Typed("number", f"round({number}, {whole(compilation, arguments[1], least=-300, most=300)})", position)


def _aggregate(name: str) -> Function:
    def write(_: Compilation, arguments: list[Typed], position: int) -> Typed:
        rows = ", ".join(f"({expect(value, 'number').sql})" for value in arguments)
        return Typed("number", f"(select {name}(x.a) from (values {rows}) x (a))", position)

    return Function({"sum": "SUM", "avg": "AVERAGE"}[name], 1, MANY, write)


def _parse_number() -> Function:
    # Stricter than PostgreSQL's own reading, so that what passes cannot fail.
    pattern = "'^ *[+-]?([0-9]{1,100}([.][0-9]{0,100})?|[.][0-9]{1,100})([eE][+-]?[0-9]{1,2})? *$'"
    return guarded("VALUE", f"case when x.a ~ {pattern} then btrim(x.a)::numeric end", ("text",), "number")


_NN: Final = ("number", "number")
NUMBERS: Final[tuple[Function, ...]] = (
    simple("+", "({0} + {1})", _NN, "number"),
    simple("-", "({0} - {1})", _NN, "number"),
    simple("*", bounded("{0} * {1}"), _NN, "number"),
    simple("/", bounded("{0} / nullif({1}, 0)"), _NN, "number"),
    simple("NEGATE", "(- {0})", ("number",), "number"),
    guarded("%", "mod(mod(x.a, nullif(x.b, 0)) + x.b, nullif(x.b, 0))", _NN, "number"),
    guarded("MOD", "mod(mod(x.a, nullif(x.b, 0)) + x.b, nullif(x.b, 0))", _NN, "number"),
    guarded("^", bounded(_POWER), _NN, "number"),
    guarded("POWER", bounded(_POWER), _NN, "number"),
    guarded("SQRT", "case when x.a >= 0 then sqrt(x.a) end", ("number",), "number"),
    guarded("EXP", _EXP, ("number",), "number"),
    guarded("LN", "case when x.a > 0 then ln(x.a) end", ("number",), "number"),
    guarded("LOG10", "case when x.a > 0 then log(x.a) end", ("number",), "number"),
    Function("ROUND", 1, 2, _round),
    simple("FLOOR", "floor({0})", ("number",), "number"),
    simple("CEILING", "ceil({0})", ("number",), "number"),
    simple("INT", "trunc({0})", ("number",), "number"),
    simple("ABS", "abs({0})", ("number",), "number"),
    simple("SIGN", "sign({0})", ("number",), "number"),
    _aggregate("sum"),
    _aggregate("avg"),
    _parse_number(),
)
