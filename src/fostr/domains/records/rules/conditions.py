"""What a rule's condition may hold, and the fields that it hangs on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.query.conditions import compile_condition, list_names
from fostr.domains.records.query.refusals import FilterInvalid
from fostr.kernel.access.evaluator import FieldMask

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from fostr.domains.records.fields.model import Field, Recordset
    from fostr.kernel.db.sql import Fragment

PARAMETER: Final = "condition"
AUTHORSHIP: Final = frozenset({"created_by", "updated_by", "created_at", "updated_at"})
"""Types of fields that show what every record knows of itself, to everybody the same."""
NOTHING_MASKED: Final = FieldMask(hidden=frozenset(), read_only=frozenset())
"""A rule may use fields that are hidden from those whom it limits: it does not tell them a value."""


def compile_rule(
    recordset: Recordset, condition: dict[str, Any], *, viewer: UUID, now: datetime, prefix: str
) -> Fragment:
    """Return the condition of a rule as SQL on `records r`, for one viewer.

    Raises:
        FilterInvalid: it does not fit the recordset.
    """
    return compile_condition(
        _as_kept(recordset, condition),
        mask=NOTHING_MASKED,
        tree=condition,
        viewer=viewer,
        prefix=prefix,
        now=now,
        parameter=PARAMETER,
    )


def _as_kept(recordset: Recordset, condition: dict[str, Any]) -> Recordset:
    """Return a recordset of which a condition reads what the records keep.

    What is computed is computed by the rights of whoever looks, and so cannot decide on them.
    """
    read: dict[str, Field] = {}
    for name in list_names(condition):
        entry = recordset.by_key.get(name)
        if entry is None or entry.type in AUTHORSHIP:
            continue
        if not entry.field_type.is_kept:
            raise FilterInvalid(f"A rule cannot use {name!r}, which is computed.", parameter=PARAMETER, field=name)
        if entry.computed is not None:
            read[name] = replace(entry, computed=None)
    if not read:
        return recordset
    return replace(recordset, fields=tuple(read.get(field.key, field) for field in recordset.fields))
