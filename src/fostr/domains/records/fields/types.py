"""The types of fields: how each checks a value, as what PostgreSQL compares it, and which options it knows.

A new type is an entry of `TYPES` and a name in `TypeName`; its options stand in `recordsets.schemas.FieldOptions`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from fostr.domains.records.fields import values
from fostr.domains.records.fields.durations import check_duration, write_duration
from fostr.domains.records.fields.links import (
    LINK_OPTIONS,
    check_computed,
    check_links,
    settle_backlink,
    settle_count,
    settle_formula,
    settle_link,
    settle_lookup,
    settle_rollup,
    write_links,
)
from fostr.domains.records.fields.options import (
    Settle,
    settle_choices,
    settle_currency,
    settle_limits,
    settle_nothing,
    settle_rating,
    settle_zone,
)
from fostr.domains.records.fields.values import LONGEST_LINE, LONGEST_TEXT, Options, ValueRefused

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "COMPUTING",
    "LONGEST_LINE",
    "LONGEST_TEXT",
    "TYPES",
    "FieldType",
    "Kind",
    "Options",
    "TypeName",
    "ValueRefused",
]

Kind: TypeAlias = Literal["text", "number", "time", "boolean", "list", "document"]
"""As what PostgreSQL compares the values of a field."""

Check: TypeAlias = "Callable[[Any, Options], Any]"


@dataclass(frozen=True, slots=True)
class FieldType:
    """A type of field.

    Attributes:
        name: how the API calls it.
        kind: as what its values are compared.
        check: turns a value into the form that is kept, or raises `ValueRefused`.
        options: the options that it knows.
        settle: checks them against each other and returns them as they are kept, or raises `OptionRefused`.
        is_written: whether people send its values; those of other types are computed or assigned.
        is_kept: whether a record keeps its values; those of other types are computed whenever they are read.
        is_searched: whether its values are words by which a record is found.
        operand: the same for what its values are compared with, where that may be more than a value.
        write: turns a kept value into the text of a spreadsheet's cell that `check` reads back; None where `cells`
            knows how by the kind alone.
    """

    name: str
    kind: Kind
    check: Check
    options: frozenset[str] = frozenset()
    settle: Settle = settle_nothing
    is_written: bool = True
    is_kept: bool = True
    is_searched: bool = True
    operand: Check | None = None
    write: Callable[[Any], str] | None = None


_LIMITS: Final = frozenset({"min", "max", "default"})
_NUMBER: Final = _LIMITS | {"decimals"}
_TEXT: Final = frozenset({"max_length", "default"})
_CHOICES: Final = frozenset({"choices", "colors", "default"})
_ZONE: Final = frozenset({"time_zone"})
_DEFAULT: Final = frozenset({"default"})


def _computing(name: str, kind: Kind, settle: Settle, *options: str) -> FieldType:
    return FieldType(name, kind, check_computed, frozenset(options), settle, is_written=False, is_kept=False)


TYPES: Final[dict[str, FieldType]] = {
    entry.name: entry
    for entry in (
        FieldType("text", "text", values.check_text, _TEXT),
        FieldType("long_text", "text", values.check_long_text, _TEXT),
        FieldType("number", "number", values.check_number, _NUMBER, settle_limits),
        FieldType("currency", "number", values.check_currency, _NUMBER | {"currency"}, settle_currency),
        FieldType("percent", "number", values.check_percent, _NUMBER, settle_limits),
        FieldType(
            "rating", "number", values.check_rating, _DEFAULT | {"max"}, settle_rating, operand=values.check_number
        ),
        FieldType(
            "duration", "number", check_duration, _LIMITS, settle_limits, is_searched=False, write=write_duration
        ),
        FieldType("boolean", "boolean", values.check_boolean, _DEFAULT),
        FieldType("date", "time", values.check_date, _DEFAULT),
        FieldType("datetime", "time", values.check_datetime, _ZONE | _DEFAULT, settle_zone),
        FieldType("email", "text", values.check_email, _DEFAULT),
        FieldType("url", "text", values.check_url, _DEFAULT),
        FieldType("phone", "text", values.check_phone, _DEFAULT),
        FieldType("select", "text", values.check_select, _CHOICES, settle_choices),
        FieldType("multi_select", "list", values.check_multi_select, _CHOICES, settle_choices),
        FieldType("member", "list", values.check_member, frozenset({"multiple"}), is_searched=False),
        FieldType("attachment", "list", values.check_attachments, is_searched=False),
        FieldType("location", "document", values.check_location),
        FieldType("geometry", "document", values.check_shape),
        FieldType("json", "document", values.check_json),
        FieldType("autonumber", "number", values.check_number, is_written=False),
        FieldType("created_by", "text", values.check_member_id, is_written=False, is_kept=False),
        FieldType("updated_by", "text", values.check_member_id, is_written=False, is_kept=False),
        FieldType(
            "created_at", "time", values.check_datetime, _ZONE, settle_zone, is_written=False, is_kept=False
        ),
        FieldType(
            "updated_at", "time", values.check_datetime, _ZONE, settle_zone, is_written=False, is_kept=False
        ),
        FieldType("link", "list", check_links, LINK_OPTIONS, settle_link, is_searched=False, write=write_links),
        _computing("backlink", "list", settle_backlink, "recordset", "field"),
        _computing("lookup", "document", settle_lookup, "link", "field"),
        _computing("rollup", "document", settle_rollup, "link", "field", "function"),
        _computing("count", "number", settle_count, "link"),
        _computing("formula", "document", settle_formula, "expression"),
    )
}  # fmt: skip
TypeName: TypeAlias = Literal[
    "text", "long_text", "number", "currency", "percent", "rating", "duration", "boolean", "date", "datetime", "email",
    "url", "phone", "select", "multi_select", "member", "attachment", "location", "geometry", "json", "autonumber",
    "created_by", "updated_by", "created_at", "updated_at", "link", "backlink", "lookup", "rollup", "count", "formula",
]  # fmt: skip

COMPUTING: Final = frozenset({"link", "backlink", "lookup", "rollup", "count", "formula"})
"""The types whose values depend on what else the reader may see. A link keeps ids, and shows those that they may."""
