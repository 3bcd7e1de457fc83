"""Statements on duplicates, and on what moves when they become one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    import asyncpg

    from fostr.kernel.db.sql import Fragment
    from fostr.kernel.db.unit import Unit


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing that hangs on records.

    Attributes:
        name: what its moves are noted as.
        table: where it is.
        column: the record on which it hangs.
        free: SQL that says whether a thing `x` may hang on the record `%s`; it may have one like it already.
    """

    name: str
    table: str
    column: str
    free: str = "true"


_NO_TOOL: Final = """
    not exists (
        select from record_tools y where y.workspace_id = :workspace and y.record_id = %s and y.tool = x.tool
    )
"""
_NO_SOURCE: Final = """
    x.target_id <> %s and not exists (
        select from record_relationships y
        where y.workspace_id = :workspace and y.source_id = %s and y.target_id = x.target_id and y.type = x.type
    )
"""
_NO_TARGET: Final = """
    x.source_id <> %s and not exists (
        select from record_relationships y
        where y.workspace_id = :workspace and y.target_id = %s and y.source_id = x.source_id and y.type = x.type
    )
"""

KINDS: Final = (
    Kind("comment", "record_comments", "record_id"),
    Kind("attachment", "record_attachments", "record_id"),
    Kind("tool", "record_tools", "record_id", _NO_TOOL),
    Kind("relationship_from", "record_relationships", "source_id", _NO_SOURCE),
    Kind("relationship_to", "record_relationships", "target_id", _NO_TARGET),
)


async def move(unit: Unit, kind: Kind, *, sources: Sequence[UUID], target: UUID, cause_id: UUID) -> None:
    """Hang what hangs on each of some records, one after the other, on another."""
    for source in sources:
        await unit.run(
            f"""
            with chosen as materialized (
                select x.id from {kind.table} x
                where x.workspace_id = :workspace and x.{kind.column} = :source and {_free(kind, ":target::uuid")}
                order by x.id for update
            ), moved as (
                update {kind.table} x set {kind.column} = :target from chosen c
                where x.workspace_id = :workspace and x.id = c.id
            )
            insert into record_moves (workspace_id, cause_id, kind, item_id, from_record, to_record)
            select :workspace, :cause_id, :kind, c.id, :source::uuid, :target::uuid from chosen c
            """,
            source=source,
            target=target,
            cause_id=cause_id,
            kind=kind.name,
        )


def _free(kind: Kind, record: str) -> str:
    return kind.free.replace("%s", record)


async def has_moves(unit: Unit, cause_id: UUID) -> bool:
    """Say whether anything was moved under a cause."""
    found = await unit.value(
        "select true from record_moves m where m.workspace_id = :workspace and m.cause_id = :cause_id limit 1",
        cause_id=cause_id,
    )
    return found is not None


async def move_back(unit: Unit, kind: Kind, *, cause_id: UUID, new_cause: UUID) -> None:
    """Hang what was moved under a cause, and is still there, where it was."""
    await unit.run(
        f"""
        with chosen as materialized (
            select x.id, m.from_record, m.to_record from record_moves m
            join {kind.table} x on x.workspace_id = :workspace and x.id = m.item_id and x.{kind.column} = m.to_record
            join records r on r.workspace_id = :workspace and r.id = m.from_record
            where m.workspace_id = :workspace and m.cause_id = :cause_id and m.kind = :kind
              and {_free(kind, "m.from_record")}
            order by x.id for update of x
        ), moved as (
            update {kind.table} x set {kind.column} = c.from_record from chosen c
            where x.workspace_id = :workspace and x.id = c.id
        )
        insert into record_moves (workspace_id, cause_id, kind, item_id, from_record, to_record)
        select :workspace, :new_cause, :kind, c.id, c.to_record, c.from_record from chosen c
        """,
        cause_id=cause_id,
        new_cause=new_cause,
        kind=kind.name,
    )


async def list_linking(unit: Unit, targets: Sequence[UUID]) -> list[asyncpg.Record]:
    """Return the records outside the trash that name some records in a link field, with their recordsets."""
    return await unit.rows(
        """
        select distinct r.recordset_id, r.id from record_links l
        join records r on r.workspace_id = :workspace and r.id = l.source_id and r.deleted_at is null
        where l.workspace_id = :workspace and l.target_id = any(:targets::uuid[]) and not l.source_id = any(:targets)
        order by r.recordset_id, r.id
        """,
        targets=list(targets),
    )


async def list_duplicates(
    unit: Unit, condition: Fragment, *, match_on: Sequence[str], ignores_case: bool, limit: int, offset: int, most: int
) -> list[asyncpg.Record]:
    """Return groups of records `r` that have the same values, the largest first, and how many groups there are.

    Args:
        unit: the unit of work.
        condition: SQL, the workspace in it.
        match_on: keys of the fields; records without a value in one of them are no duplicates.
        ignores_case: whether texts that differ only in case and in spaces around them are the same.
        limit: groups to return.
        offset: groups to skip.
        most: records of a group to name, the oldest first.
    """
    values = [f"r.field_values->'{key}'" for key in match_on]
    same = [f"lower(btrim(r.field_values->>'{key}'))" for key in match_on] if ignores_case else values
    present = " and ".join(f"jsonb_typeof({value}) <> 'null'" for value in values)
    return await unit.rows(
        f"""
        with found as materialized (
            select (array_agg(r.id order by r.id))[1:{most}] as ids, count(*) as count,
                   (array_agg(jsonb_build_array({", ".join(values)}) order by r.id))[1] as key
            from records r where {condition.text} and {present}
            group by {", ".join(same)} having count(*) > 1
        )
        select f.ids, f.count, f.key, (select count(*) from found) as total from found f
        order by f.count desc, f.ids[1] limit :groups_limit offset :groups_offset
        """,
        groups_limit=limit,
        groups_offset=offset,
        **condition.params,
    )
