"""Functions of texts. None makes a text of more than 100,000 characters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fostr.domains.records.formulas.function import MANY, Function, guarded, simple, whole
from fostr.domains.records.formulas.typing import LONGEST_TEXT, Typed, as_text, expect, given

if TYPE_CHECKING:
    from fostr.domains.records.formulas.typing import Compilation


def _concat(_: Compilation, arguments: list[Typed], position: int) -> Typed:
    parts = ", ".join(as_text(value) for value in arguments)
    return Typed("text", f"left(concat({parts}), {LONGEST_TEXT})", position)


def _text(_: Compilation, arguments: list[Typed], position: int) -> Typed:
    return Typed("text", as_text(arguments[0]), position)


def _side(function: str) -> Function:
    def write(compilation: Compilation, arguments: list[Typed], position: int) -> Typed:
        count = whole(compilation, arguments[1], least=0, most=LONGEST_TEXT)
        return Typed("text", f"{function}({expect(arguments[0], 'text').sql}, {count})", position)

    return Function(function.upper(), 2, 2, write)


def _mid(compilation: Compilation, arguments: list[Typed], position: int) -> Typed:
    start = whole(compilation, arguments[1], least=1, most=LONGEST_TEXT)
    count = whole(compilation, arguments[2], least=0, most=LONGEST_TEXT)
    return Typed("text", f"substr({expect(arguments[0], 'text').sql}, {start}, {count})", position)


def _repeat(compilation: Compilation, arguments: list[Typed], position: int) -> Typed:
    values = {
        "a": expect(arguments[0], "text").sql,
        "b": whole(compilation, arguments[1], least=0, most=LONGEST_TEXT),
    }
    then = f"case when length(x.a)::bigint * x.b <= {LONGEST_TEXT} then repeat(x.a, x.b) end"
    return Typed("text", given(values, then), position)


# Each occurrence makes the text longer by the new part at most; an empty old part is found nowhere.
_SUBSTITUTE: Final = f"""case
    when (length(x.a)::bigint / greatest(length(x.b), 1) + 1) * length(x.c) <= 10 * {LONGEST_TEXT}
    then left(replace(x.a, x.b, x.c), {LONGEST_TEXT})
end"""

TEXTS: Final[tuple[Function, ...]] = (
    Function("&", 2, 2, _concat),
    Function("CONCAT", 1, MANY, _concat),
    Function("TEXT", 1, 1, _text),
    simple("UPPER", f"left(upper({{0}}), {LONGEST_TEXT})", ("text",), "text"),
    simple("LOWER", f"left(lower({{0}}), {LONGEST_TEXT})", ("text",), "text"),
    simple("TRIM", "trim({0})", ("text",), "text"),
    simple("LEN", "length({0})::numeric", ("text",), "number"),
    _side("left"),
    _side("right"),
    Function("MID", 3, 3, _mid),
    simple("FIND", "strpos({1}, {0})::numeric", ("text", "text"), "number"),
    simple("CONTAINS", "(strpos({0}, {1}) > 0)", ("text", "text"), "boolean"),
    guarded("SUBSTITUTE", _SUBSTITUTE, ("text", "text", "text"), "text"),
    Function("REPT", 2, 2, _repeat),
)
