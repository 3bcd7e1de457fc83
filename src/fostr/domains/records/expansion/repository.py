"""Statements that find what one bulk write did to each record: ranges of primary keys, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.domains.records.bulk.repository import series_bounds

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    import asyncpg

    from fostr.kernel.db.unit import Unit


async def list_versions(
    unit: Unit, series: UUID, *, recordset_id: UUID, after: UUID, limit: int
) -> list[asyncpg.Record]:
    """Return the next versions of a series, by id, that are of a recordset's records."""
    _, greatest = series_bounds(series)
    return await unit.rows(
        """
        select v.id, v.record_id, v.version, v.operation, v.before, v.after, v.changed_by, v.changed_at
        from record_versions v join records r on r.workspace_id = :workspace and r.id = v.record_id
        where v.workspace_id = :workspace and v.id > :after and v.id <= :greatest and r.recordset_id = :recordset_id
        order by v.id limit :limit
        """,
        after=after,
        greatest=greatest,
        recordset_id=recordset_id,
        limit=limit,
    )


_CREATED = """
    select r.id, r.id as record_id, r.field_values, r.tags, r.status, r.owner_id, r.created_by, r.created_at, r.version
"""


async def list_created(
    unit: Unit, series: UUID, *, recordset_id: UUID, after: UUID, limit: int
) -> list[asyncpg.Record]:
    """Return the next records of a series, by id, that are of a recordset."""
    _, greatest = series_bounds(series)
    return await unit.rows(
        f"""
        {_CREATED} from records r
        where r.workspace_id = :workspace and r.id > :after and r.id <= :greatest and r.recordset_id = :recordset_id
        order by r.id limit :limit
        """,
        after=after,
        greatest=greatest,
        recordset_id=recordset_id,
        limit=limit,
    )


async def list_imported(
    unit: Unit, import_id: UUID, *, recordset_id: UUID, after: UUID, limit: int
) -> list[asyncpg.Record]:
    """Return the next records, by id, that an import created in a recordset."""
    return await unit.rows(
        f"""
        {_CREATED} from imports i join records r on r.workspace_id = :workspace
            and r.id >= i.first_id and r.id <= i.last_id and r.import_id = i.id
        where i.workspace_id = :workspace and i.id = :import_id and r.id > :after and r.recordset_id = :recordset_id
        order by r.id limit :limit
        """,
        import_id=import_id,
        recordset_id=recordset_id,
        after=after,
        limit=limit,
    )


async def list_states_replaced(unit: Unit, record_ids: Sequence[UUID]) -> list[asyncpg.Record]:
    """Return what each change of some records replaced, the last of each record first."""
    return await unit.rows(
        """
        select v.record_id, v.before from record_versions v
        where v.workspace_id = :workspace and v.record_id = any(:ids::uuid[]) and v.before is not null
        order by v.record_id, v.version desc
        """,
        ids=list(record_ids),
    )
