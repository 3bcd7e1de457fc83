"""Statements on the trash of recordsets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.recordsets.counts.repository import RECORD_COUNT
from fostr.domains.records.recordsets.repository import contains

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from fostr.kernel.db.sql import Fragment
    from fostr.kernel.db.unit import Unit


@dataclass(frozen=True, slots=True)
class TrashListing:
    """Which trashed recordsets are listed."""

    allowed: Fragment
    search: str | None

    @property
    def condition(self) -> str:
        """The condition on a recordset `s`."""
        return f"""
            s.workspace_id = :workspace and s.deleted_at is not null and {self.allowed.text}
            and (:pattern::text is null or s.name ilike :pattern or s.slug ilike :pattern
                 or s.description ilike :pattern)
        """

    @property
    def params(self) -> dict[str, Any]:
        """The values of the condition's parameters."""
        return {**self.allowed.params, "pattern": None if self.search is None else contains(self.search)}


async def list_trash(unit: Unit, listing: TrashListing, *, limit: int, offset: int) -> list[asyncpg.Record]:
    """Return a part of the trash, what came last first."""
    return await unit.rows(
        f"""
        select s.id, s.slug, s.name, s.description, s.type, s.owner_id, {RECORD_COUNT} as record_count,
               s.deleted_at, s.deleted_by
        from recordsets s where {listing.condition}
        order by s.deleted_at desc, s.id limit :limit offset :offset
        """,
        **listing.params,
        limit=limit,
        offset=offset,
    )


async def count_trash(unit: Unit, listing: TrashListing) -> int:
    """Return how many recordsets of a listing are in the trash."""
    return await unit.value(f"select count(*) from recordsets s where {listing.condition}", **listing.params)


async def mark_trashed(unit: Unit, recordset_id: UUID, *, member_id: UUID, now: datetime) -> bool:
    """Move a recordset to the trash; say whether it was not there yet."""
    moved = await unit.run(
        """
        update recordsets s
        set deleted_at = :now, deleted_by = :member_id, is_active = false, updated_at = :now, version = s.version + 1
        where s.workspace_id = :workspace and s.id = :id and s.deleted_at is null
        """,
        id=recordset_id,
        member_id=member_id,
        now=now,
    )
    return moved == 1


async def unmark_trashed(unit: Unit, recordset_id: UUID, *, now: datetime) -> bool:
    """Take a recordset out of the trash; say whether it was there."""
    moved = await unit.run(
        """
        update recordsets s
        set deleted_at = null, deleted_by = null, is_active = true, updated_at = :now, version = s.version + 1
        where s.workspace_id = :workspace and s.id = :id and s.deleted_at is not null
        """,
        id=recordset_id,
        now=now,
    )
    return moved == 1


async def list_expired(unit: Unit, *, before: datetime, limit: int) -> list[UUID]:
    """Return recordsets of the unit's workspace that came into the trash before a moment, the oldest first."""
    rows = await unit.rows(
        """
        select s.id from recordsets s where s.workspace_id = :workspace and s.deleted_at < :before
        order by s.deleted_at, s.id limit :limit
        """,
        before=before,
        limit=limit,
    )
    return [row["id"] for row in rows]


async def delete_recordset(unit: Unit, recordset_id: UUID, *, before: datetime | None = None) -> bool:
    """Delete a recordset that is in the trash, its fields and grants; say whether it was there.

    Its records stay behind, reachable by nothing; `delete_records` follows.

    Args:
        unit: the transaction.
        recordset_id: the recordset.
        before: only if it came into the trash before this.
    """
    deleted = await unit.run(
        """
        delete from recordsets s
        where s.workspace_id = :workspace and s.id = :id and s.deleted_at is not null
          and s.deleted_at < coalesce(:before::timestamptz, 'infinity')
        """,
        id=recordset_id,
        before=before,
    )
    return deleted == 1


async def delete_records(unit: Unit, recordset_id: UUID, *, most: int) -> int:
    """Delete up to so many records of a recordset with all that hangs on them; return how many there were.

    Both indexes on a recordset's records are partial, so each half is looked for by itself.
    """
    return await unit.value(
        """
        with live as (
            select r.id from records r
            where r.workspace_id = :workspace and r.recordset_id = :id and r.deleted_at is null limit :most
        ), trashed as (
            select r.id from records r
            where r.workspace_id = :workspace and r.recordset_id = :id and r.deleted_at is not null limit :most
        ), chosen as (
            select c.id from (select id from live union all select id from trashed) as c limit :most
        ), unfound as (
            delete from record_search x using chosen
            where x.workspace_id = :workspace and x.record_id = chosen.id
        ), gone as (
            delete from records r using chosen where r.workspace_id = :workspace and r.id = chosen.id
            returning r.id
        )
        select count(*) from gone
        """,
        id=recordset_id,
        most=most,
    )


_EXPIRED: Final = """
    select f.id, f.recordset_id from recordsets s cross join lateral (
        select r.id, r.recordset_id from records r
        where r.workspace_id = :workspace and r.recordset_id = s.id and r.deleted_at is not null
          and r.deleted_at < :before
        order by r.deleted_at limit :most
    ) f
    where s.workspace_id = :workspace limit :most
"""
"""Recordset by recordset: the index of the trash begins with it."""


async def has_expired_records(unit: Unit, *, before: datetime) -> bool:
    """Say whether any record of the workspace came into the trash before a moment."""
    return await unit.value(f"select exists ({_EXPIRED})", before=before, most=1)


async def delete_expired_records(unit: Unit, *, before: datetime, most: int) -> dict[UUID, int]:
    """Delete up to so many records that came into the trash before a moment, with all that hangs on them.

    Returns how many those were of each recordset.
    """
    rows = await unit.rows(
        f"""
        with chosen as materialized ({_EXPIRED}),
        held as materialized (
            select r.id, r.recordset_id from records r join chosen c on c.id = r.id
            where r.workspace_id = :workspace and r.deleted_at < :before
            for update of r skip locked
        ), unfound as (
            delete from record_search x using held
            where x.workspace_id = :workspace and x.record_id = held.id
        ), gone as (
            delete from records r using held where r.workspace_id = :workspace and r.id = held.id
            returning r.recordset_id
        )
        select g.recordset_id, count(*) as count from gone g group by g.recordset_id
        """,
        before=before,
        most=most,
    )
    return {row["recordset_id"]: row["count"] for row in rows}
