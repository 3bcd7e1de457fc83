"""Statements on the versions of records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from fostr.kernel.db.unit import Unit

_COLUMNS: Final = """
    v.id, v.record_id, v.version, v.operation, v.before, v.after, v.cause, v.changed_by, v.changed_at,
    m.full_name, m.avatar_url
"""
_AUTHOR: Final = "left join members m on m.workspace_id = v.workspace_id and m.id = v.changed_by"


@dataclass(frozen=True, slots=True)
class Version:
    """A kept change of a record, with who made it."""

    id: UUID
    record_id: UUID
    version: int
    operation: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    cause: dict[str, Any] | None
    changed_by: UUID | None
    changed_at: datetime
    full_name: str | None
    avatar_url: str | None


async def list_versions(unit: Unit, record_id: UUID, *, limit: int, offset: int) -> list[Version]:
    """Return a part of the changes of a record, the newest first."""
    rows = await unit.rows(
        f"""
        select {_COLUMNS} from record_versions v {_AUTHOR}
        where v.workspace_id = :workspace and v.record_id = :record_id
        order by v.version desc limit :limit offset :offset
        """,
        record_id=record_id,
        limit=limit,
        offset=offset,
    )
    return [_version(row) for row in rows]


async def find_creation_acting_as(unit: Unit, record_id: UUID) -> str | None:
    """Return the administrator who made a record in a member's name, when somebody did; only its event tells."""
    return await unit.value(
        """
        select e.actor ->> 'acting_as' from events e
        where e.workspace_id = :workspace and e.entity = 'record' and e.entity_id = :record_id
          and e.type = 'record.created'
        order by e.id limit 1
        """,
        record_id=record_id,
    )


async def count_versions(unit: Unit, record_id: UUID) -> int:
    """Return how many changes of a record were kept."""
    return await unit.value(
        "select count(*) from record_versions v where v.workspace_id = :workspace and v.record_id = :record_id",
        record_id=record_id,
    )


async def find_version(unit: Unit, version_id: UUID, *, record_id: UUID) -> Version | None:
    """Return one change of a record."""
    row = await unit.row(
        f"""
        select {_COLUMNS} from record_versions v {_AUTHOR}
        where v.workspace_id = :workspace and v.record_id = :record_id and v.id = :id
        """,
        record_id=record_id,
        id=version_id,
    )
    return None if row is None else _version(row)


async def list_values_undone(unit: Unit, record_id: UUID, *, after: int) -> list[dict[str, Any]]:
    """Return the values that each change after a version replaced, the newest first."""
    rows = await unit.rows(
        """
        select v.before->'field_values' as values from record_versions v
        where v.workspace_id = :workspace and v.record_id = :record_id and v.version > :after
          and v.before ? 'field_values'
        order by v.version desc
        """,
        record_id=record_id,
        after=after,
    )
    return [row["values"] for row in rows]


async def find_author(unit: Unit, member_id: UUID) -> asyncpg.Record | None:
    """Return what a member is called."""
    return await unit.row(
        "select m.full_name, m.avatar_url from members m where m.workspace_id = :workspace and m.id = :id",
        id=member_id,
    )


def _version(row: asyncpg.Record) -> Version:
    return Version(**dict(row.items()))
