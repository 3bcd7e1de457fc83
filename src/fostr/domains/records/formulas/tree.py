"""What a formula is read into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from decimal import Decimal


class FormulaInvalid(ValueError):
    """A formula that cannot be read or makes no sense; the message is a sentence for people.

    Attributes:
        position: the character at which it goes wrong, from 0.
    """

    def __init__(self, message: str, position: int) -> None:
        """Say what is wrong, and where."""
        super().__init__(message)
        self.position = position


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, a text, or true or false."""

    value: Decimal | str | bool
    position: int


@dataclass(frozen=True, slots=True)
class Reference:
    """A field, by its key or its name.

    Attributes:
        end: where the reference ends; it begins at `position`.
    """

    name: str
    position: int
    end: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments; operators are functions whose names are signs."""

    name: str
    arguments: tuple[Node, ...]
    position: int


Node: TypeAlias = "Constant | Reference | Call"
