"""A function of the language, as each of its tables declares it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from fostr.domains.records.formulas.tree import FormulaInvalid
from fostr.domains.records.formulas.typing import Compilation, Typed, expect, given

if TYPE_CHECKING:
    from fostr.domains.records.formulas.typing import FormulaType

Write: TypeAlias = Callable[[Compilation, list[Typed], int], Typed]

MANY: Final = 50
"""The most arguments of a function that takes any number of them."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function or an operator.

    Attributes:
        write: returns its SQL, of arguments whose number fits.
    """

    name: str
    least: int
    most: int
    write: Write

    @property
    def arity(self) -> str:
        """How many arguments it takes, in words."""
        if self.least == self.most:
            return f"{self.least} argument{'' if self.least == 1 else 's'}"
        return f"{self.least} to {self.most} arguments"


def simple(name: str, pattern: str, takes: tuple[FormulaType, ...], gives: FormulaType) -> Function:
    """Return a function of as many arguments as types, whose SQL has them in the places `{0}`, `{1}` and so on."""

    def write(_: Compilation, arguments: list[Typed], position: int) -> Typed:
        values = [expect(value, type).sql for value, type in zip(arguments, takes, strict=True)]
        return Typed(gives, pattern.format(*values), position)

    return Function(name, len(takes), len(takes), write)


def guarded(name: str, then: str, takes: tuple[FormulaType, ...], gives: FormulaType) -> Function:
    """Return a function whose SQL `then` names its arguments `x.a`, `x.b`, …, each of them computed once."""

    def write(_: Compilation, arguments: list[Typed], position: int) -> Typed:
        values = {
            letter: expect(value, type).sql for letter, value, type in zip("abcd", arguments, takes, strict=False)
        }
        return Typed(gives, given(values, then), position)

    return Function(name, len(takes), len(takes), write)


def whole(compilation: Compilation, value: Typed, *, least: int, most: int) -> str:
    """Return SQL of a number as an integer between two bounds."""
    number = expect(value, "number")
    if number.constant is not None:
        clamped = max(least, min(most, int(number.constant)))
        return f"{compilation.bind(clamped)}::integer"
    clamp = f"case when x.a is not null then least(greatest(trunc(x.a), {least}), {most})::integer end"
    return given({"a": number.sql}, clamp)


def literal(value: Typed, what: str) -> Any:
    """Return the text of an argument that must be the same for all records.

    Raises:
        FormulaInvalid: it is something else.
    """
    if value.type != "text" or value.constant is None:
        raise FormulaInvalid(f"{what} stands here as a text in quotes.", value.position)
    return value.constant
