"""Statements on attachments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.attachments.tables import record_attachments
from fostr.kernel.db.gateway import insert_row, update_row

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from fostr.kernel.db.sql import Fragment
    from fostr.kernel.db.unit import Unit

_COLUMNS: Final = """
    a.id, a.record_id, a.recordset_id, a.field, a.key, a.filename, a.size, a.content_type, a.sha256, a.width, a.height,
    a.has_thumbnail, a.is_ready, a.uploaded_by, a.created_at
"""
_LISTED: Final = """
    where a.workspace_id = :workspace and a.record_id = :record_id and a.is_ready and a.deleted_at is null
      and (a.field is null or a.field <> all(:hidden::text[]))
"""


async def list_attachments(
    unit: Unit, *, record_id: UUID, hidden: Collection[str], limit: int, offset: int
) -> list[asyncpg.Record]:
    """Return a part of a record's attachments, the oldest first, without those of hidden fields."""
    return await unit.rows(
        f"select {_COLUMNS} from record_attachments a {_LISTED} order by a.id limit :limit offset :offset",
        record_id=record_id,
        hidden=sorted(hidden),
        limit=limit,
        offset=offset,
    )


async def count_attachments(unit: Unit, *, record_id: UUID, hidden: Collection[str]) -> int:
    """Return how many there are of them."""
    return await unit.value(
        f"select count(*) from record_attachments a {_LISTED}", record_id=record_id, hidden=sorted(hidden)
    )


async def list_attachments_of(
    unit: Unit, condition: Fragment, *, ids: Collection[UUID], hidden: Collection[str]
) -> list[asyncpg.Record]:
    """Return those of the named attachments whose records `r` meet a condition."""
    return await unit.rows(
        f"""
        select {_COLUMNS} from record_attachments a
        join records r on r.workspace_id = :workspace and r.id = a.record_id
        where a.workspace_id = :workspace and a.id = any(:ids::uuid[]) and a.is_ready and a.deleted_at is null
          and (a.field is null or a.field <> all(:hidden::text[])) and {condition.text}
        order by a.id
        """,
        ids=list(ids),
        hidden=sorted(hidden),
        **condition.params,
    )


async def find_attachment(unit: Unit, attachment_id: UUID, *, record_id: UUID) -> asyncpg.Record | None:
    """Return an attachment of a record, also one whose file is awaited, and lock it."""
    return await unit.row(
        f"""
        select {_COLUMNS} from record_attachments a
        where a.workspace_id = :workspace and a.record_id = :record_id and a.id = :id and a.deleted_at is null
        for update
        """,
        record_id=record_id,
        id=attachment_id,
    )


async def insert_attachment(unit: Unit, values: Mapping[str, Any]) -> None:
    """Insert an attachment."""
    await insert_row(unit, record_attachments, values)


async def update_attachment(unit: Unit, attachment_id: UUID, changes: Mapping[str, Any]) -> None:
    """Change an attachment."""
    await update_row(unit, record_attachments, attachment_id, changes=changes)


async def revive(unit: Unit, ids: Collection[UUID], *, record_id: UUID, field: str) -> int:
    """Have a field list attachments of its record, out of the trash where they are in it; return how many there are."""
    return await unit.run(
        """
        update record_attachments a set deleted_at = null, deleted_by = null, field = :field
        where a.workspace_id = :workspace and a.record_id = :record_id and a.id = any(:ids::uuid[]) and a.is_ready
        """,
        record_id=record_id,
        ids=list(ids),
        field=field,
    )


async def bury(unit: Unit, ids: Collection[UUID], *, record_id: UUID, now: datetime, member_id: UUID | None) -> None:
    """Move attachments of a record that no field lists any more to the trash."""
    await unit.run(
        """
        update record_attachments a set deleted_at = :now, deleted_by = :member_id
        where a.workspace_id = :workspace and a.record_id = :record_id and a.id = any(:ids::uuid[])
          and a.deleted_at is null
        """,
        record_id=record_id,
        ids=list(ids),
        now=now,
        member_id=member_id,
    )


async def list_removable(
    unit: Unit, *, before: datetime, expected_before: datetime, limit: int
) -> list[asyncpg.Record]:
    """Return attachments whose files may go: long in the trash, never arrived, or of records that are gone."""
    return await unit.rows(
        """
        select a.id, a.key, a.has_thumbnail from record_attachments a
        where a.workspace_id = :workspace and (
            a.deleted_at < :before
            or (not a.is_ready and a.created_at < :expected_before)
            or not exists (select 1 from records r where r.workspace_id = :workspace and r.id = a.record_id)
        )
        order by a.id limit :limit
        """,
        before=before,
        expected_before=expected_before,
        limit=limit,
    )


async def delete_rows(unit: Unit, ids: Collection[UUID]) -> None:
    """Forget attachments whose files are removed."""
    await unit.run(
        "delete from record_attachments a where a.workspace_id = :workspace and a.id = any(:ids::uuid[])",
        ids=list(ids),
    )
