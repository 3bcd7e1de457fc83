"""The types of values in formulas, and how one becomes another."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from fostr.domains.records.formulas.tree import FormulaInvalid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FormulaType: TypeAlias = Literal["number", "text", "boolean", "date", "moment", "blank"]

SQL_TYPES: Final[dict[FormulaType, str]] = {
    "number": "numeric",
    "text": "text",
    "boolean": "boolean",
    "date": "timestamp",
    "moment": "timestamp",
    "blank": "text",
}
"""What PostgreSQL computes with. Numbers are exact; dates and moments are in UTC, without a zone of their own."""

LARGEST: Final = "1e307"
LONGEST_TEXT: Final = 100_000


@dataclass(frozen=True, slots=True)
class Typed:
    """A part of a formula as SQL.

    Attributes:
        type: of its value.
        sql: the value; missing where there is none, and where it cannot be computed.
        position: where it stands.
        constant: its value, where it is the same for all records.
    """

    type: FormulaType
    sql: str
    position: int
    constant: Any = None


@dataclass(slots=True)
class Compilation:
    """What the compilation of one formula takes and collects.

    Attributes:
        find: returns what a name stands for; raises `FormulaInvalid`.
        bind: takes a value as a parameter, and returns how SQL names it.
        now: SQL of this moment.
        uses_now: whether the value depends on when it is computed.
    """

    find: Callable[[str, int], Typed]
    bind: Callable[[Any], str]
    now: Callable[[], str]
    uses_now: bool = False
    references: list[str] = field(default_factory=list[str])


def is_time(type: FormulaType) -> bool:
    """Say whether a type is a date or a moment."""
    return type in {"date", "moment"}


def blank(type: FormulaType, position: int) -> Typed:
    """Return no value, of a type."""
    return Typed(type, f"null::{SQL_TYPES[type]}", position)


def expect(value: Typed, *types: FormulaType) -> Typed:
    """Return a value that is of one of some types, or blank.

    Raises:
        FormulaInvalid: it is of another.
    """
    if value.type == "blank":
        return blank(types[0], value.position)
    if value.type not in types:
        raise FormulaInvalid(f"This is {_NAMES[value.type]}; {_NAMES[types[0]]} is needed.", value.position)
    return value


_NAMES: Final[dict[FormulaType, str]] = {
    "number": "a number",
    "text": "a text",
    "boolean": "true or false",
    "date": "a date",
    "moment": "a moment",
    "blank": "blank",
}


def unify(values: Sequence[Typed]) -> list[Typed]:
    """Return values as ones of the same type; a date among moments is its beginning.

    Raises:
        FormulaInvalid: they are of types that do not go together.
    """
    types: set[FormulaType] = {value.type for value in values if value.type != "blank"}
    if types == {"date", "moment"}:
        types = {"moment"}
    if len(types) > 1:
        other = next(value for value in values if value.type not in {"blank", values[0].type})
        raise FormulaInvalid(
            f"This is {_NAMES[other.type]}, and what it goes with is {_NAMES[values[0].type]}.", other.position
        )
    type: FormulaType = next(iter(types)) if types else "blank"
    return [
        blank(type, value.position) if value.type == "blank" else Typed(type, value.sql, value.position)
        for value in values
    ]


def bounded(sql: str) -> str:
    """Return SQL of a number that is missing where it would be too large, and 0 where too small.

    Each part stands once in it, so that formulas do not double with every operator.
    """
    clamped = f"greatest(least(trim_scale(round({sql}, 300)), {LARGEST}), -{LARGEST})"
    return f"nullif(nullif({clamped}, {LARGEST}), -{LARGEST})"


def given(values: dict[str, str], then: str) -> str:
    """Return SQL that names values before it uses them, more than once maybe.

    `offset 0` keeps the planner from putting the values in the names' places: they would be computed each time, and
    constants among them before the condition that guards them was.
    """
    named = ", ".join(f"{sql} as {name}" for name, sql in values.items())
    return f"(select {then} from (select {named} offset 0) x)"


def as_text(value: Typed) -> str:
    """Return SQL of a value as a text; a blank is missing."""
    match value.type:
        case "text" | "blank":
            return value.sql
        case "number":
            return f"trim_scale({value.sql})::text"
        case "boolean":
            return f"({value.sql})::text"
        case "date":
            return date_text(value.sql)
        case "moment":
            return moment_text(value.sql)


def date_text(sql: str) -> str:
    """Return SQL of a date as the API shows it."""
    return f"to_char({sql}, 'YYYY-MM-DD')"


def moment_text(sql: str) -> str:
    """Return SQL of a moment in UTC as the API shows it."""
    return f"""replace(to_char({sql}, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '.000000Z', 'Z')"""
