"""Fields that show what every record has beside its values: who made and changed it, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fostr.domains.records.fields.model import Computed
from fostr.kernel.db.sql import Fragment

if TYPE_CHECKING:
    from fostr.domains.records.fields.types import Kind


def _moment(column: str) -> Computed:
    # In the form in which a record keeps the moments that people send.
    utc = f"""to_char({column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
    return _computed("time", column, shown=f"to_jsonb({utc})")


def _member(column: str) -> Computed:
    return _computed("text", f"({column}::text)", shown=f"to_jsonb({column})")


def _computed(kind: Kind, sql: str, *, shown: str) -> Computed:
    return Computed(kind=kind, sql=Fragment(sql, {}), shown=Fragment(shown, {}))


SYSTEM: Final[dict[str, Computed]] = {
    "created_by": _member("r.created_by"),
    "updated_by": _member("r.updated_by"),
    "created_at": _moment("r.created_at"),
    "updated_at": _moment("r.updated_at"),
}
"""How the values of each such type are computed; they need nothing of the field or of the caller."""
