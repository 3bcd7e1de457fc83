"""Statements that find whom something about a record concerns."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.kernel.db.unit import Unit


async def list_holders(unit: Unit, record_id: UUID) -> list[UUID]:
    """Return who owns a record and who created it, the latter unless they are the same."""
    row = await unit.row(
        "select r.owner_id, r.created_by from records r where r.workspace_id = :workspace and r.id = :record_id",
        record_id=record_id,
    )
    return [] if row is None else [*dict.fromkeys(one for one in row if one is not None)]


async def list_authors(unit: Unit, record_id: UUID) -> list[UUID]:
    """Return who has commented on a record, and has not taken all of it back."""
    rows = await unit.rows(
        """
        select distinct c.author_id from record_comments c
        where c.workspace_id = :workspace and c.record_id = :record_id and c.deleted_at is null
        """,
        record_id=record_id,
    )
    return [row["author_id"] for row in rows]
