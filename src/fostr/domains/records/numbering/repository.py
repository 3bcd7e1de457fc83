"""Statements on the numbers that records get."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.domains.records.fields.model import Field
    from fostr.kernel.db.unit import Unit


async def take_numbers(unit: Unit, field_id: UUID, *, count: int) -> int:
    """Take so many numbers, and return the first of them; nobody else gets any before the transaction ends."""
    last = await unit.value(
        """
        insert into field_numbers as n (workspace_id, field_id, last) values (:workspace, :field_id, :count)
        on conflict (workspace_id, field_id) do update set last = n.last + excluded.last
        returning n.last
        """,
        field_id=field_id,
        count=count,
    )
    return last - count + 1


async def count_records(unit: Unit, recordset_id: UUID) -> int:
    """Return how many records a recordset has, those in the trash included."""
    return await unit.value(
        """
        select (
            select count(*) from records r
            where r.workspace_id = :workspace and r.recordset_id = :id and r.deleted_at is null
        ) + (
            select count(*) from records r
            where r.workspace_id = :workspace and r.recordset_id = :id and r.deleted_at is not null
        )
        """,
        id=recordset_id,
    )


async def number_records(unit: Unit, recordset_id: UUID, field: Field) -> int:
    """Number the records that have no number, from 1 in the order of their creation; return how many those were.

    A record's version stays: nothing that people have written changes.
    """
    # The name of a column of `records`, or nothing.
    slot = f", {field.slot} = n.number" if field.slot else ""
    return await unit.run(
        f"""
        update records r
        set field_values = r.field_values || jsonb_build_object(:key::text, n.number){slot}
        from (
            select c.id, row_number() over (order by c.id) as number from records c
            where c.workspace_id = :workspace and c.recordset_id = :id and not c.field_values ? :key::text
        ) as n
        where r.workspace_id = :workspace and r.id = n.id
        """,
        id=recordset_id,
        key=field.key,
    )
