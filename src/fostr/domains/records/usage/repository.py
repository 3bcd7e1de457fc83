"""Statements on how often fields are filtered and sorted by."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from uuid import UUID

    import asyncpg

    from fostr.domains.records.usage.rules import Uses
    from fostr.kernel.db.unit import Unit


async def add_uses(unit: Unit, uses: Mapping[tuple[UUID, UUID], Uses], *, day: date) -> None:
    """Add to the counts of a day, by recordset and field; those of recordsets that are gone are left out."""
    await unit.run(
        """
        insert into field_uses as u (workspace_id, recordset_id, field_id, day, filters, sorts)
        select :workspace, d.recordset_id, d.field_id, :day, d.filters, d.sorts
        from unnest(:recordsets::uuid[], :fields::uuid[], :filters::bigint[], :sorts::bigint[])
            as d (recordset_id, field_id, filters, sorts)
        join recordsets s on s.workspace_id = :workspace and s.id = d.recordset_id
        order by d.recordset_id, d.field_id
        on conflict (workspace_id, recordset_id, field_id, day) do update
        set filters = u.filters + excluded.filters, sorts = u.sorts + excluded.sorts
        """,
        day=day,
        recordsets=[recordset for recordset, _ in uses],
        fields=[field for _, field in uses],
        filters=[filters for filters, _ in uses.values()],
        sorts=[sorts for _, sorts in uses.values()],
    )


async def list_uses(unit: Unit, recordset_id: UUID, *, since: date) -> list[asyncpg.Record]:
    """Return how often each field of a recordset was used since a day."""
    return await unit.rows(
        """
        select u.field_id, sum(u.filters)::bigint as filters, sum(u.sorts)::bigint as sorts from field_uses u
        where u.workspace_id = :workspace and u.recordset_id = :recordset_id and u.day >= :since
        group by u.field_id
        """,
        recordset_id=recordset_id,
        since=since,
    )


async def delete_uses(unit: Unit, *, before: date) -> int:
    """Forget the counts of the days before one; return how many there were."""
    return await unit.run("delete from field_uses u where u.workspace_id = :workspace and u.day < :day", day=before)
