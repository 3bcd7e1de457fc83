"""Statements that find whom something about a record concerns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.domains.records.bulk.repository import series_bounds

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


async def list_new_owners(unit: Unit, series: UUID, *, recordset_id: UUID) -> list[UUID]:
    """Return to whom a bulk write gave records of a recordset: such as it changed, and such as it created."""
    least, greatest = series_bounds(series)
    rows = await unit.rows(
        """
        select (v.after ->> 'owner_id')::uuid as owner_id
        from record_versions v join records r on r.workspace_id = :workspace and r.id = v.record_id
        where v.workspace_id = :workspace and v.id > :least and v.id <= :greatest and r.recordset_id = :recordset_id
          and v.after ->> 'owner_id' is not null
        union
        select r.owner_id from records r
        where r.workspace_id = :workspace and r.id > :least and r.id <= :greatest and r.recordset_id = :recordset_id
          and r.owner_id is not null
        """,
        least=least,
        greatest=greatest,
        recordset_id=recordset_id,
    )
    return [row["owner_id"] for row in rows]


async def list_owners_of_deleted(unit: Unit, series: UUID, *, recordset_id: UUID) -> list[UUID]:
    """Return whose records of a recordset a bulk write moved to the trash."""
    least, greatest = series_bounds(series)
    rows = await unit.rows(
        """
        select distinct r.owner_id
        from record_versions v join records r on r.workspace_id = :workspace and r.id = v.record_id
        where v.workspace_id = :workspace and v.id > :least and v.id <= :greatest and v.operation = 'delete'
          and r.recordset_id = :recordset_id and r.owner_id is not null
        """,
        least=least,
        greatest=greatest,
        recordset_id=recordset_id,
    )
    return [row["owner_id"] for row in rows]
