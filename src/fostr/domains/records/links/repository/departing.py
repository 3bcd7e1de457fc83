"""Statements that settle what becomes of links when the records that they lead to are deleted.

The records that a request deletes are told by the moment at which it does: they came into the trash then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from fostr.domains.records.records.repository.writing import SERIES_ID, delete_records
from fostr.kernel.db.sql import Fragment
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.domains.records.records.repository.writing import Change, Deleted
    from fostr.kernel.db.unit import Unit


@dataclass(frozen=True, slots=True)
class Incoming:
    """A link field of some recordset, by which its records name those of another."""

    field_id: UUID
    key: str
    name: str
    source_id: UUID
    target_id: UUID
    on_delete: str


async def list_incoming(unit: Unit, recordset_ids: Sequence[UUID]) -> list[Incoming]:
    """Return the link fields that lead to some recordsets."""
    rows = await unit.rows(
        """
        select f.id as field_id, f.key, f.name, f.recordset_id as source_id,
               (f.options->>'recordset')::uuid as target_id, f.options->>'on_delete' as on_delete
        from recordset_fields f
        where f.workspace_id = :workspace and f.type = 'link' and f.removed_at is null
          and f.options->>'recordset' = any(:ids::text[])
        order by f.id
        """,
        ids=[str(recordset_id) for recordset_id in recordset_ids],
    )
    return [Incoming(**dict(row.items())) for row in rows]


_LINKED: Final = """
    exists (
        select 1 from record_links l
        join records t on t.workspace_id = :workspace and t.id = l.target_id
        where l.workspace_id = :workspace and l.field_id = :link_field and l.source_id = r.id
          and t.recordset_id = :link_target and t.deleted_at = :now
    )
"""


async def count_linking(unit: Unit, link: Incoming, *, change: Change) -> int:
    """Return how many records, outside the trash, name one by a field that the request deletes."""
    return await unit.value(
        f"""
        select count(*) from records r
        where r.workspace_id = :workspace and r.recordset_id = :source and r.deleted_at is null and {_LINKED}
        """,
        source=link.source_id,
        now=change.now,
        link_field=link.field_id,
        link_target=link.target_id,
    )


async def delete_linking(unit: Unit, link: Incoming, *, change: Change) -> list[Deleted]:
    """Move the records that name by a field one that the request deletes to the trash as well."""
    condition = Fragment(
        f"r.workspace_id = :workspace and r.recordset_id = :link_source and {_LINKED}",
        {"link_source": link.source_id, "link_field": link.field_id, "link_target": link.target_id},
    )
    return await delete_records(unit, condition, change=change)


async def clear_linking(unit: Unit, link: Incoming, *, change: Change) -> int:
    """Take the names of records that the request deletes out of a link field; return how many records had some.

    Each makes a version of its own.
    """
    return await unit.value(
        f"""
        with gone as materialized (
            select l.source_id, l.target_id from record_links l
            join records t on t.workspace_id = :workspace and t.id = l.target_id
            where l.workspace_id = :workspace and l.field_id = :link_field
              and t.recordset_id = :link_target and t.deleted_at = :now
        ), chosen as materialized (
            select r.id, r.field_values->:key as old, (
                select jsonb_agg(e.id order by e.place)
                from jsonb_array_elements_text(r.field_values->:key) with ordinality e (id, place)
                where not exists (select 1 from gone g where g.source_id = r.id and g.target_id = e.id::uuid)
            ) as new
            from records r
            where r.workspace_id = :workspace and r.recordset_id = :source and r.deleted_at is null
              and r.id in (select g.source_id from gone g) and jsonb_typeof(r.field_values->:key) = 'array'
            order by r.id for update of r
        ), changed as (
            update records r
            set field_values = case
                    when c.new is null then r.field_values - :key
                    else jsonb_set(r.field_values, array[:key], c.new)
                end,
                updated_by = :member, updated_at = :now, version = r.version + 1
            from chosen c
            where r.workspace_id = :workspace and r.id = c.id and c.old is distinct from c.new
            returning r.id, r.version, c.old, c.new
        ), kept as (
            insert into record_versions
                (workspace_id, id, record_id, version, operation, before, after, cause, changed_by, changed_at)
            select :workspace, {SERIES_ID % "row_number() over (order by c.id)"}, c.id, c.version, 'update',
                   jsonb_build_object('field_values', jsonb_build_object(:key, c.old)),
                   jsonb_build_object('field_values', jsonb_build_object(:key, c.new)),
                   :cause, :member::uuid, :now
            from changed c
        ), unlinked as (
            delete from record_links l using changed c, gone g
            where l.workspace_id = :workspace and l.field_id = :link_field and l.source_id = c.id
              and g.source_id = c.id and l.target_id = g.target_id
        )
        select count(*) from changed
        """.replace(":key", ":link_key::text"),
        link_field=link.field_id,
        link_target=link.target_id,
        link_key=link.key,
        source=link.source_id,
        # The versions of a bulk write are the series that its cause's id begins.
        series=str(change.cause.id if change.cause else new_id()),
        cause=change.cause,
        member=change.member_id,
        now=change.now,
    )
