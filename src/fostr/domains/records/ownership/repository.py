"""Statements about what members own.

No index leads to the records of an owner: it would cost every insert and every import something, for a question that
is asked when somebody leaves. The statements read a workspace's records once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fostr.domains.records.records.repository.writing import SERIES_ID
from fostr.kernel.belongings import Belonging

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from fostr.kernel.db.unit import Unit
    from fostr.kernel.events.outbox import Cause

_RECORDSETS: Final = "from recordsets s where s.workspace_id = :workspace and s.owner_id = :member_id"
_RECORDS: Final = "from records r where r.workspace_id = :workspace and r.owner_id = :member_id"
_GRANTS: Final = """
    from recordset_grants g join recordsets s on s.workspace_id = :workspace and s.id = g.recordset_id
    where g.workspace_id = :workspace and g.member_id = :member_id
"""


async def list_recordsets(unit: Unit, member_id: UUID, *, limit: int, offset: int) -> list[Belonging]:
    """Return a part of the recordsets that a member owns, those in the trash among them."""
    text = f"select s.id, s.name, s.created_at {_RECORDSETS} order by s.id limit :limit offset :offset"
    return await _list(unit, text, member_id, limit=limit, offset=offset)


async def count_recordsets(unit: Unit, member_id: UUID) -> int:
    """Return how many recordsets a member owns."""
    return await unit.value(f"select count(*) {_RECORDSETS}", member_id=member_id)


async def hand_over_recordsets(unit: Unit, *, source: UUID, target: UUID, now: datetime) -> list[UUID]:
    """Make another member the owner of all recordsets that one owns, and return which."""
    rows = await unit.rows(
        """
        with chosen as materialized (
            select s.id from recordsets s where s.workspace_id = :workspace and s.owner_id = :source
            order by s.id for update
        ), changed as (
            update recordsets s set owner_id = :target, updated_at = :now, version = s.version + 1
            from chosen c where s.workspace_id = :workspace and s.id = c.id
            returning s.id
        )
        select c.id from changed c order by c.id
        """,
        source=source,
        target=target,
        now=now,
    )
    return [row["id"] for row in rows]


async def list_records(unit: Unit, member_id: UUID, *, limit: int, offset: int) -> list[Belonging]:
    """Return a part of the records that a member owns, those in the trash among them."""
    text = f"select r.id, r.title as name, r.created_at {_RECORDS} order by r.id limit :limit offset :offset"
    return await _list(unit, text, member_id, limit=limit, offset=offset)


async def count_records(unit: Unit, member_id: UUID) -> int:
    """Return how many records a member owns."""
    return await unit.value(f"select count(*) {_RECORDS}", member_id=member_id)


async def hand_over_records(
    unit: Unit, *, source: UUID, target: UUID, actor: UUID, cause: Cause, now: datetime
) -> dict[UUID, int]:
    """Make another member the owner of all records that one owns, with their history; return how many by recordset."""
    rows = await unit.rows(
        f"""
        with chosen as materialized (
            select r.id from records r where r.workspace_id = :workspace and r.owner_id = :source
            order by r.id for update
        ), changed as (
            update records r set owner_id = :target, updated_by = :actor, updated_at = :now, version = r.version + 1
            from chosen c where r.workspace_id = :workspace and r.id = c.id
            returning r.id, r.recordset_id, r.version
        ), kept as (
            insert into record_versions
                (workspace_id, id, record_id, version, operation, before, after, cause, changed_by, changed_at)
            select :workspace, {SERIES_ID % "row_number() over (order by c.id)"}, c.id, c.version, 'update',
                   jsonb_build_object('owner_id', :source::uuid), jsonb_build_object('owner_id', :target::uuid),
                   :cause, :actor::uuid, :now
            from changed c
        )
        select c.recordset_id, count(*) as count from changed c group by c.recordset_id order by c.recordset_id
        """,
        source=source,
        target=target,
        actor=actor,
        cause=cause,
        now=now,
        series=str(cause.id),
    )
    return {row["recordset_id"]: row["count"] for row in rows}


async def list_grants(unit: Unit, member_id: UUID, *, limit: int, offset: int) -> list[Belonging]:
    """Return a part of what is granted to a member on recordsets, by the recordset's name."""
    text = f"select g.id, s.name, g.created_at {_GRANTS} order by g.id limit :limit offset :offset"
    return await _list(unit, text, member_id, limit=limit, offset=offset)


async def count_grants(unit: Unit, member_id: UUID) -> int:
    """Return on how many recordsets something is granted to a member."""
    return await unit.value(f"select count(*) {_GRANTS}", member_id=member_id)


async def delete_grants(unit: Unit, member_id: UUID) -> list[tuple[UUID, list[str]]]:
    """Take away whatever is granted to a member; return on which recordsets it was, and what."""
    rows = await unit.rows(
        """
        delete from recordset_grants g where g.workspace_id = :workspace and g.member_id = :member_id
        returning g.recordset_id, g.actions
        """,
        member_id=member_id,
    )
    return [(row["recordset_id"], row["actions"]) for row in rows]


async def _list(unit: Unit, text: str, member_id: UUID, *, limit: int, offset: int) -> list[Belonging]:
    rows = await unit.rows(text, member_id=member_id, limit=limit, offset=offset)
    return [Belonging(**dict(row)) for row in rows]
