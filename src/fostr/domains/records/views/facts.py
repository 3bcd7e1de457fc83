"""What events tell of a view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncpg


def facts_of(row: asyncpg.Record) -> dict[str, Any]:
    """Return what an event tells of a view; what it filters by is not among it."""
    return {
        "recordset_id": str(row["recordset_id"]),
        "name": row["name"],
        "type": row["type"],
        "visibility": row["visibility"],
        "owner_id": None if row["owner_id"] is None else str(row["owner_id"]),
        "is_default": row["is_default"],
        "is_locked": row["locked_at"] is not None,
    }
