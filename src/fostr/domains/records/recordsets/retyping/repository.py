"""Statements that give many records the converted value of a field at once."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from fostr.domains.records.records.repository.writing import SERIES_ID

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from fostr.kernel.db.sql import Fragment
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.events.outbox import Cause


@dataclass(frozen=True, slots=True)
class StagedValue:
    """A value that changes; `after` is None when the new type does not take it."""

    record_id: UUID
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Staged:
    """How many values change, and how many of these are lost."""

    changed: int
    lost: int


async def stream_values(unit: Unit, recordset_id: UUID, key: str, *, shown: Fragment) -> AsyncGenerator[asyncpg.Record]:
    """Yield the value of a field in every record that has one, the trash included.

    Args:
        unit: the unit of work.
        recordset_id: whose records.
        key: the field's.
        shown: SQL on `records r`: whether the caller may be shown the record.
    """
    columns = f"r.id, r.field_values->:key::text as value, ({shown.text}) as is_shown"
    where = "r.workspace_id = :workspace and r.recordset_id = :recordset_id and r.field_values ? :key::text"
    # Both indexes on a recordset's records are partial, so each half is looked for by itself.
    text = f"""
        select {columns} from records r where {where} and r.deleted_at is null
        union all
        select {columns} from records r where {where} and r.deleted_at is not null
    """
    async with aclosing(unit.stream(text, recordset_id=recordset_id, key=key, **shown.params)) as rows:
        async for row in rows:
            yield row


async def list_named(unit: Unit, recordset_id: UUID, key: str) -> list[str]:
    """Return the ids of all members whom a field names."""
    rows = await unit.rows(
        """
        select distinct jsonb_array_elements_text(r.field_values->:key::text) as id from records r
        where r.workspace_id = :workspace and r.recordset_id = :recordset_id and r.field_values ? :key::text
        """,
        recordset_id=recordset_id,
        key=key,
    )
    return [row["id"] for row in rows]


async def list_words(unit: Unit, recordset_id: UUID, key: str, *, pattern: str) -> list[str]:
    """Return all that a field holds and that matches a regular expression, as texts."""
    rows = await unit.rows(
        """
        select distinct r.field_values->>:key::text as word from records r
        where r.workspace_id = :workspace and r.recordset_id = :recordset_id and r.field_values->>:key::text ~* :pattern
        """,
        recordset_id=recordset_id,
        key=key,
        pattern=pattern,
    )
    return [row["word"] for row in rows]


async def stage_values(unit: Unit, field_id: UUID, values: Sequence[StagedValue]) -> None:
    """Keep values that change until all records get theirs; those that are kept already stay."""
    await unit.run(
        """
        insert into retyped_values (workspace_id, field_id, record_id, before, after)
        select :workspace, :field_id, d.id, d.before::jsonb, d.after::jsonb
        from unnest(:ids::uuid[], :befores::text[], :afters::text[]) as d (id, before, after)
        on conflict (workspace_id, field_id, record_id) do nothing
        """,
        field_id=field_id,
        ids=[value.record_id for value in values],
        befores=[orjson.dumps(value.before).decode() for value in values],
        afters=[None if value.after is None else orjson.dumps(value.after).decode() for value in values],
    )


async def count_staged(unit: Unit, field_id: UUID) -> Staged:
    """Return how many values change."""
    row = await unit.row(
        """
        select count(*) as changed, count(*) filter (where d.after is null) as lost from retyped_values d
        where d.workspace_id = :workspace and d.field_id = :field_id
        """,
        field_id=field_id,
    )
    assert row is not None  # noqa: S101 - an aggregate always has one row
    return Staged(**dict(row.items()))


_SWITCH: Final = f"""
    with changed as (
        update records r set
            field_values = case when d.after is null then r.field_values - :key::text
                else r.field_values || jsonb_build_object(:key::text, d.after) end,
            updated_by = :member, updated_at = :now, version = r.version + 1
        from retyped_values d
        where r.workspace_id = :workspace and d.workspace_id = :workspace and d.field_id = :field_id
          and r.id = d.record_id
        returning r.id, r.version, d.before, d.after
    )
    insert into record_versions
        (workspace_id, id, record_id, version, operation, before, after, cause, changed_by, changed_at)
    select :workspace, {SERIES_ID % "row_number() over (order by c.id)"}, c.id, c.version, 'update',
           jsonb_build_object('field_values', jsonb_build_object(:key::text, c.before)),
           jsonb_build_object('field_values', jsonb_build_object(:key::text, c.after)), :cause, :member::uuid, :now
    from changed c
"""


async def switch_values(
    unit: Unit, field_id: UUID, key: str, *, member_id: UUID | None, cause: Cause, now: datetime
) -> None:
    """Give all records their staged values at once, and each a version in its history."""
    await unit.run(_SWITCH, field_id=field_id, key=key, member=member_id, cause=cause, now=now, series=str(cause.id))
    await forget_values(unit, field_id)


async def forget_values(unit: Unit, field_id: UUID) -> None:
    """Forget the staged values of a field."""
    await unit.run(
        "delete from retyped_values d where d.workspace_id = :workspace and d.field_id = :field_id",
        field_id=field_id,
    )


async def advance_definition(unit: Unit, recordset_id: UUID, *, is_in_step: bool, now: datetime) -> None:
    """Count a recordset's versions up; records that were in step are so by the new one, unless it says otherwise."""
    await unit.run(
        """
        update recordsets s
        set fields_version = s.fields_version + 1, updated_at = :now, version = s.version + 1,
            synced_version = case when :is_in_step and s.synced_version = s.fields_version then s.fields_version + 1
                else s.synced_version end
        where s.workspace_id = :workspace and s.id = :id
        """,
        id=recordset_id,
        is_in_step=is_in_step,
        now=now,
    )
