"""What an export reads of each record."""

from typing import Final

EXPORTED_COLUMNS: Final = """
    r.id, r.geometry, (
        select coalesce(jsonb_object_agg(wanted.key, r.field_values -> wanted.key), '{}')
        from unnest(:keys::text[]) as wanted (key) where r.field_values ? wanted.key
    ) as field_values
"""
