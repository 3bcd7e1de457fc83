"""A field as SQL: its value, typed for comparing, and the parameters that this takes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fostr.domains.records.fields.model import Field


def expression(entry: Field, *, alias: str = "r") -> str:
    """Return the SQL that stands for a field's value, typed for comparing: the promoted column where there is one.

    Whoever puts it into a statement passes `parameters_of` the field along.
    """
    if entry.computed is not None:
        return entry.computed.sql.text
    if entry.promoted_to is not None:
        return f"{alias}.{entry.promoted_to}"
    return kept(entry, alias=alias)


def parameters_of(entry: Field) -> Mapping[str, Any]:
    """Return the parameters of a field's `expression`."""
    return {} if entry.computed is None else entry.computed.sql.params


def kept(entry: Field, *, alias: str = "r") -> str:
    """Return the SQL of the value that the record keeps, whole, whether or not a column holds a copy."""
    raw = f"{alias}.field_values->>'{entry.key}'"
    match entry.field_type.kind:
        case "number":
            return f"({raw})::double precision"
        case "time" if entry.type == "datetime":
            return f"({raw})::timestamptz"
        case "time":
            # A moment is kept with its Z; a date is the beginning of its day in UTC, whatever the server's zone.
            return f"(({raw})::timestamp at time zone 'UTC')"
        case "boolean":
            return f"({raw})::boolean"
        case "list" | "document":
            return f"{alias}.field_values->'{entry.key}'"
        case "text":
            return f"({raw})"


def comparable(entry: Field, value: Any) -> Any:
    """Return a checked value as it is compared with `expression`."""
    match entry.kind:
        case "number":
            return float(value)
        case "time":
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        case _:
            return value
