"""Statements that keep the derived parts of many records: titles, places, promoted columns, search words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.records.tables import PROMOTED
from fostr.domains.records.recordsets.counts.repository import count_anew

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from fostr.domains.records.fields.model import Recordset
    from fostr.domains.records.fields.shaping import Shaped
    from fostr.kernel.db.unit import Unit


async def lock_definition(unit: Unit, recordset_id: UUID) -> int | None:
    """Keep a recordset's definition from changing until the transaction ends, and return its `fields_version`."""
    return await unit.value(
        "select s.fields_version from recordsets s where s.workspace_id = :workspace and s.id = :id for key share",
        id=recordset_id,
    )


async def count_some(unit: Unit, recordset_id: UUID, *, most: int) -> int:
    """Return how many records a recordset has, those in the trash included; counting ends a little after `most`."""
    return await unit.value(
        """
        select (
            select count(*) from (
                select 1 from records r
                where r.workspace_id = :workspace and r.recordset_id = :id and r.deleted_at is null limit :limit
            ) as live
        ) + (
            select count(*) from (
                select 1 from records r
                where r.workspace_id = :workspace and r.recordset_id = :id and r.deleted_at is not null limit :limit
            ) as trashed
        )
        """,
        id=recordset_id,
        limit=most + 1,
    )


async def lock_live(unit: Unit, recordset_id: UUID, *, after: UUID, limit: int) -> list[asyncpg.Record]:
    """Return the values of the next records, by id, and let nobody else change them."""
    return await unit.rows(
        """
        select r.id, r.deleted_at, r.field_values from records r
        where r.workspace_id = :workspace and r.recordset_id = :recordset_id and r.deleted_at is null and r.id > :after
        order by r.id limit :limit for no key update
        """,
        recordset_id=recordset_id,
        after=after,
        limit=limit,
    )


async def lock_trashed(
    unit: Unit, recordset_id: UUID, *, after: tuple[datetime, UUID], limit: int
) -> list[asyncpg.Record]:
    """Return the values of the next records in the trash, by when they came there, and let nobody change them."""
    return await unit.rows(
        """
        select r.id, r.deleted_at, r.field_values from records r
        where r.workspace_id = :workspace and r.recordset_id = :recordset_id and r.deleted_at is not null
          and (r.deleted_at, r.id) > (:deleted_at, :after)
        order by r.deleted_at, r.id limit :limit for no key update
        """,
        recordset_id=recordset_id,
        deleted_at=after[0],
        after=after[1],
        limit=limit,
    )


_COLUMNS: Final = ", ".join(PROMOTED)
_OF_RECORD: Final = ", ".join(f"r.{name}" for name in PROMOTED)
_GIVEN: Final = ", ".join(f"d.{name}" for name in PROMOTED)
_SET: Final = ", ".join(f"{name} = d.{name}" for name in PROMOTED)
_TYPES: Final = {"text": "text", "number": "double precision", "time": "timestamptz"}
_ARRAYS: Final = ", ".join(f":{name}::{_TYPES[name.partition('_')[0]]}[]" for name in PROMOTED)

# Boxes are compared as texts: to PostgreSQL, two are equal when they are as large.
_WRITE: Final = f"""
    update records r
    set title = d.title,
        field_values = case when :removes then r.field_values - :removed::text[] else r.field_values end,
        geometry = d.geometry::jsonb, geometry_type = d.geometry_type, bbox = d.bbox::box, {_SET}
    from unnest(
        :ids::uuid[], :titles::text[], :geometries::text[], :geometry_types::text[], :boxes::text[], {_ARRAYS}
    ) as d (id, title, geometry, geometry_type, bbox, {_COLUMNS})
    where r.workspace_id = :workspace and r.id = d.id and (
        (r.title, r.geometry, {_OF_RECORD}) is distinct from (d.title, d.geometry::jsonb, {_GIVEN})
        or r.bbox::text is distinct from d.bbox::box::text
        or (:removes and r.field_values ?| :removed::text[])
    )
"""


async def write_derived(
    unit: Unit, recordset: Recordset, ids: Sequence[UUID], shaped: Sequence[Shaped], geometries: Sequence[str | None]
) -> None:
    """Write what is derived from the values of records, where it differs; and take the removed fields' values away.

    A record's version stays: nothing that people have written changes.
    """
    promoted: dict[str, list[Any]] = {name: [entry.promoted.get(name) for entry in shaped] for name in PROMOTED}
    await unit.run(
        _WRITE,
        ids=list(ids),
        titles=[entry.title for entry in shaped],
        geometries=list(geometries),
        geometry_types=[entry.geometry_type for entry in shaped],
        boxes=[entry.bbox for entry in shaped],
        removes=bool(recordset.removed),
        removed=sorted(recordset.removed),
        **promoted,
    )


async def write_search(unit: Unit, recordset: Recordset, ids: Sequence[UUID], shaped: Sequence[Shaped]) -> None:
    """Write the words by which records are found, where they differ."""
    await unit.run(
        """
        insert into record_search as x (workspace_id, record_id, recordset_id, document)
        select :workspace, d.id, :recordset_id, to_tsvector('simple', d.search)
        from unnest(:ids::uuid[], :searches::text[]) as d (id, search)
        on conflict (workspace_id, record_id) do update set document = excluded.document
        where x.document is distinct from excluded.document
        """,
        recordset_id=recordset.id,
        ids=list(ids),
        searches=[entry.search for entry in shaped],
    )


async def finish(unit: Unit, recordset_id: UUID) -> None:
    """Note that all records are in step, and count them anew; the recordset is locked for change.

    Its filters read every promoted column from now on, and the keys of removed fields are free again.
    """
    await unit.run(
        """
        update recordset_fields f set is_promotion_filled = true
        where f.workspace_id = :workspace and f.recordset_id = :id and not f.is_promotion_filled
        """,
        id=recordset_id,
    )
    await unit.run(
        """
        delete from recordset_fields f
        where f.workspace_id = :workspace and f.recordset_id = :id and f.removed_at is not null
        """,
        id=recordset_id,
    )
    await unit.run(
        """
        update recordsets s
        set synced_version = s.fields_version
        where s.workspace_id = :workspace and s.id = :id
        """,
        id=recordset_id,
    )
    await count_anew(unit, recordset_id)
