"""Comparisons, and functions that choose between values of any type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fostr.domains.records.formulas.function import MANY, Function, simple
from fostr.domains.records.formulas.typing import Typed, blank, expect, is_time, unify

if TYPE_CHECKING:
    from fostr.domains.records.formulas.typing import Compilation


def _comparison(sign: str, operator: str) -> Function:
    def write(_: Compilation, arguments: list[Typed], position: int) -> Typed:
        left, right = unify(arguments)
        # The same order wherever the server stands.
        order = ' collate "C"' if left.type in {"text", "blank"} else ""
        return Typed("boolean", f"({left.sql} {operator} {right.sql}{order})", position)

    return Function(sign, 2, 2, write)


def _junction(name: str) -> Function:
    def write(_: Compilation, arguments: list[Typed], position: int) -> Typed:
        joined = f" {name.lower()} ".join(f"({expect(value, 'boolean').sql})" for value in arguments)
        return Typed("boolean", f"({joined})", position)

    return Function(name, 1, MANY, write)


def _if(_: Compilation, arguments: list[Typed], position: int) -> Typed:
    condition = expect(arguments[0], "boolean")
    otherwise = arguments[2] if len(arguments) > 2 else blank("blank", position)
    then, other = unify([arguments[1], otherwise])
    return Typed(then.type, f"case when {condition.sql} then {then.sql} else {other.sql} end", position)


def _switch(_: Compilation, arguments: list[Typed], position: int) -> Typed:
    subject, *rest = arguments
    pairs = [(rest[place], rest[place + 1]) for place in range(0, len(rest) - 1, 2)]
    last = rest[-1] if len(rest) % 2 else blank("blank", position)
    subject, *keys = unify([subject, *(key for key, _ in pairs)])
    *results, last = unify([*(result for _, result in pairs), last])
    cases = " ".join(f"when {key.sql} then {result.sql}" for key, result in zip(keys, results, strict=True))
    return Typed(last.type, f"case {subject.sql} {cases} else {last.sql} end", position)


def _coalesce(_: Compilation, arguments: list[Typed], position: int) -> Typed:
    values = unify(arguments)
    return Typed(values[0].type, f"coalesce({', '.join(value.sql for value in values)})", position)


def _is_blank(_: Compilation, arguments: list[Typed], position: int) -> Typed:
    value = arguments[0]
    sql = f"nullif({value.sql}, '')" if value.type in {"text", "blank"} else value.sql
    return Typed("boolean", f"({sql} is null)", position)


def _blank(_: Compilation, __: list[Typed], position: int) -> Typed:
    return blank("blank", position)


def _extreme(name: str, function: str) -> Function:
    def write(_: Compilation, arguments: list[Typed], position: int) -> Typed:
        values = unify(arguments)
        if not is_time(values[0].type):
            values = [expect(value, "number") for value in values]
        return Typed(values[0].type, f"{function}({', '.join(value.sql for value in values)})", position)

    return Function(name, 1, MANY, write)


LOGIC: Final[tuple[Function, ...]] = (
    _comparison("=", "is not distinct from"),
    _comparison("!=", "is distinct from"),
    *(_comparison(sign, sign) for sign in ("<", "<=", ">", ">=")),
    _junction("AND"),
    _junction("OR"),
    simple("NOT", "(not {0})", ("boolean",), "boolean"),
    Function("IF", 2, 3, _if),
    Function("SWITCH", 3, MANY, _switch),
    Function("COALESCE", 1, MANY, _coalesce),
    Function("IFERROR", 2, 2, _coalesce),
    Function("ISBLANK", 1, 1, _is_blank),
    Function("BLANK", 0, 0, _blank),
    _extreme("MIN", "least"),
    _extreme("MAX", "greatest"),
)
