"""Statements on relationships, and on the links of fields as relationships."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.links.tables import record_relationships
from fostr.kernel.db.gateway import delete_row

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from uuid import UUID

    import asyncpg

    from fostr.kernel.db.sql import Fragment
    from fostr.kernel.db.unit import Unit


@dataclass(frozen=True, slots=True)
class Viewer:
    """What decides which relationships somebody sees.

    Attributes:
        sees: SQL that they may see a record `r`.
        hidden: keys of the record's own fields that are hidden from them.
        roles: theirs, where fields of other recordsets may be hidden from them.
    """

    sees: Fragment
    hidden: Collection[str]
    roles: Collection[str]
    member_id: UUID


_FOUND: Final = """
    select 'named' as kind, x.id, x.type, x.note, x.metadata, x.created_by, x.created_at,
           case when x.source_id = :record_id then 'outgoing' else 'incoming' end as direction,
           case when x.source_id = :record_id then x.target_id else x.source_id end as other_id,
           null::text as field_key, x.id as place
    from record_relationships x
    where x.workspace_id = :workspace and (x.source_id = :record_id or x.target_id = :record_id)
    union all
    select 'link', null, f.name, '', '{}'::jsonb, null, null, 'outgoing', l.target_id, f.key, l.field_id
    from record_links l
    join recordset_fields f on f.workspace_id = :workspace and f.id = l.field_id
    where l.workspace_id = :workspace and l.source_id = :record_id and f.type = 'link' and f.removed_at is null
      and f.key <> all(:hidden::text[])
    union all
    select 'link', null, f.name, '', '{}'::jsonb, null, null, 'incoming', l.source_id, f.key, l.field_id
    from record_links l
    join recordset_fields f on f.workspace_id = :workspace and f.id = l.field_id
    join recordsets o on o.workspace_id = :workspace and o.id = f.recordset_id
    where l.workspace_id = :workspace and l.target_id = :record_id and f.type = 'link' and f.removed_at is null
      and not (f.hidden_from && :roles::text[] and o.owner_id is distinct from :member_id::uuid)
"""


def _source(viewer: Viewer) -> str:
    return f"""
        from ({_FOUND}) found
        join records r on r.workspace_id = :workspace and r.id = found.other_id and r.deleted_at is null
        join recordsets s on s.workspace_id = :workspace and s.id = r.recordset_id and s.deleted_at is null
        where {viewer.sees.text}
    """


def _params(viewer: Viewer, record_id: UUID) -> dict[str, Any]:
    own = {"record_id": record_id, "member_id": viewer.member_id}
    return {**viewer.sees.params, **own, "hidden": sorted(viewer.hidden), "roles": sorted(viewer.roles)}


async def list_relationships(
    unit: Unit, record_id: UUID, *, viewer: Viewer, limit: int, offset: int
) -> list[asyncpg.Record]:
    """Return a part of a record's relationships: the named ones, the oldest first, and then the links of fields.

    A title may still come from what was hidden a moment ago, until all records of its recordset are in step.
    """
    return await unit.rows(
        f"""
        select found.kind, found.id, found.type, found.note, found.metadata, found.created_by, found.created_at,
               found.direction, found.field_key, r.id as other_id, r.recordset_id,
               case when s.fields_version = s.synced_version then r.title else '' end as title
        {_source(viewer)}
        order by found.kind desc, found.place, found.direction, r.id limit :limit offset :offset
        """,
        limit=limit,
        offset=offset,
        **_params(viewer, record_id),
    )


async def count_relationships(unit: Unit, record_id: UUID, *, viewer: Viewer) -> int:
    """Return how many relationships of a record somebody sees."""
    return await unit.value(f"select count(*) {_source(viewer)}", **_params(viewer, record_id))


async def insert_relationship(unit: Unit, values: Mapping[str, Any]) -> bool:
    """Insert a relationship; say whether there was no such one."""
    inserted = await unit.run(
        """
        insert into record_relationships
            (workspace_id, id, source_id, target_id, type, note, metadata, created_by, created_at)
        values (:workspace, :id, :source_id, :target_id, :type, :note, :metadata, :created_by, :created_at)
        on conflict (workspace_id, source_id, target_id, type) do nothing
        """,
        **values,
    )
    return inserted == 1


async def find_relationship(unit: Unit, relationship_id: UUID, *, record_id: UUID) -> asyncpg.Record | None:
    """Return a relationship of a record, with the recordset at its other end; nobody else deletes it meanwhile."""
    return await unit.row(
        """
        select x.id, x.source_id, x.target_id, x.type, x.note, x.metadata, x.created_by, x.created_at,
               r.id as other_id, r.recordset_id
        from record_relationships x
        join records r on r.workspace_id = :workspace
         and r.id = case when x.source_id = :record_id then x.target_id else x.source_id end
        where x.workspace_id = :workspace and x.id = :id and (x.source_id = :record_id or x.target_id = :record_id)
        for update of x
        """,
        id=relationship_id,
        record_id=record_id,
    )


async def delete_relationship(unit: Unit, relationship_id: UUID) -> None:
    """Delete a relationship."""
    await delete_row(unit, record_relationships, relationship_id)
