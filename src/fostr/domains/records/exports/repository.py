"""What an export reads of each record."""

from __future__ import annotations

from fostr.kernel.db.sql import Fragment


def exported_columns(values: Fragment, *, has_place: bool) -> Fragment:
    """Return SQL of what is exported of a record `r`.

    Args:
        values: SQL of its values.
        has_place: whether its geometry is wanted, and known to the caller.
    """
    place = "r.geometry" if has_place else "null::jsonb"
    return Fragment(f"r.id, {place} as geometry, {values.text} as field_values", values.params)
