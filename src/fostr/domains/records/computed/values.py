"""Values of fields as SQL on `records r`, as parts of what is computed of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fostr.domains.records.fields.model import Computed
from fostr.domains.records.formulas.typing import Typed, bounded, date_text, given, moment_text
from fostr.domains.records.query.expressions import kept
from fostr.kernel.db.sql import Fragment

if TYPE_CHECKING:
    from fostr.domains.records.fields.model import Field
    from fostr.domains.records.fields.types import Kind

LONGEST_TEXT: Final = 100_000
_SQL_TYPES: Final[dict[Kind, str]] = {
    "text": "text",
    "number": "double precision",
    "time": "timestamptz",
    "boolean": "boolean",
    "list": "jsonb",
    "document": "jsonb",
}


class Broken(Exception):
    """A field that cannot be computed, by its definition; the message is a sentence for people.

    Attributes:
        position: where a formula goes wrong.
    """

    def __init__(self, message: str, *, position: int | None = None) -> None:
        """Say what is wrong."""
        super().__init__(message)
        self.position = position


@dataclass(frozen=True, slots=True)
class Value:
    """A field's value.

    Attributes:
        kind: as what it is compared.
        type: as which type of field it is read.
        sql: typed as it is compared, whole.
        shown: as jsonb, as the API shows it.
        exact: a number as `numeric`.
    """

    kind: Kind
    type: str
    sql: Fragment
    shown: Fragment
    exact: Fragment

    @property
    def is_date(self) -> bool:
        """Whether a time is a date, which belongs to no zone."""
        return self.type == "date"


def value_of(field: Field) -> Value:
    """Return the value of a field, whose computation is known if it has one."""
    if field.computed is not None:
        computed = field.computed
        exact = Fragment(f"({computed.sql.text})::text::numeric", computed.sql.params)
        return Value(computed.kind, computed.type or field.type, computed.sql, computed.shown, exact)
    raw = f"r.field_values->'{field.key}'"
    # The text of a number in jsonb is exact; the promoted column and `double precision` are not.
    exact = f"(case jsonb_typeof({raw}) when 'number' then ({raw})::numeric end)"
    return Value(field.kind, field.type, Fragment(kept(field), {}), Fragment(f"({raw})", {}), Fragment(exact, {}))


def nothing(kind: Kind, type: str = "") -> Value:
    """Return no value, of a kind."""
    sql = Fragment(f"null::{_SQL_TYPES[kind]}", {})
    return Value(kind, type, sql, Fragment("null::jsonb", {}), Fragment("null::numeric", {}))


def compute(value: Value) -> Computed:
    """Return a value as how a field is computed."""
    return Computed(kind=value.kind, sql=value.sql, shown=value.shown, type=value.type)


def number(sql: str) -> str:
    """Return SQL of an exact number as numbers are compared; missing where it is too large for that."""
    return f"({bounded(sql)})::double precision"


def shown(kind: Kind, sql: str, *, is_date: bool = False) -> str:
    """Return SQL of a single value as the API shows it."""
    if kind != "time":
        return f"to_jsonb({sql})"
    utc = f"({sql} at time zone 'UTC')"
    return f"to_jsonb({date_text(utc) if is_date else moment_text(utc)})"


def typed(value: Value, text: str, position: int) -> Typed:
    """Return a value as a part of a formula.

    Args:
        value: of a field.
        text: SQL of its value; the exact one of a number, the shown one of a list.
        position: where the formula names it.

    Raises:
        Broken: formulas cannot use such values.
    """
    if value.type == "attachment":
        raise Broken("Attachments cannot be used in a formula.", position=position)
    match value.kind:
        case "number":
            return Typed("number", f"({text})", position)
        case "text":
            return Typed("text", f"({text})", position)
        case "boolean":
            return Typed("boolean", f"({text})", position)
        case "time":
            utc = f"(({text}) at time zone 'UTC')"
            return Typed("date" if value.is_date else "moment", utc, position)
        case "list":
            return Typed("text", _joined(text), position)
        case "document":
            raise Broken(f"A value of type {value.type} cannot be used in a formula.", position=position)


def _joined(text: str) -> str:
    elements = "jsonb_array_elements(case jsonb_typeof(x.a) when 'array' then x.a else '[]'::jsonb end)"
    joined = f"""(
        select left(string_agg(e.v #>> '{{}}', ', ' order by e.place), {LONGEST_TEXT})
        from {elements} with ordinality e (v, place)
    )"""
    return given({"a": text}, joined)
