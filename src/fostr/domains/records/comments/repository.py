"""Statements on comments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.comments.tables import record_comments
from fostr.kernel.db.gateway import insert_row, update_row

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    import asyncpg

    from fostr.kernel.db.unit import Unit

_COLUMNS: Final = """
    c.id, c.record_id, c.text, c.created_at, c.updated_at, c.version, c.author_id,
    coalesce(m.full_name, '') as author_name, m.avatar_url as author_avatar_url
"""
_SOURCE: Final = """
    from record_comments c
    left join members m on m.workspace_id = c.workspace_id and m.id = c.author_id
    where c.workspace_id = :workspace and c.record_id = :record_id and c.deleted_at is null
"""


async def list_comments(unit: Unit, *, record_id: UUID, limit: int, offset: int) -> list[asyncpg.Record]:
    """Return a part of a record's comments, the oldest first."""
    return await unit.rows(
        f"select {_COLUMNS} {_SOURCE} order by c.id limit :limit offset :offset",
        record_id=record_id,
        limit=limit,
        offset=offset,
    )


async def count_comments(unit: Unit, *, record_id: UUID) -> int:
    """Return how many comments a record has."""
    return await unit.value(
        """
        select count(*) from record_comments c
        where c.workspace_id = :workspace and c.record_id = :record_id and c.deleted_at is null
        """,
        record_id=record_id,
    )


async def find_comment(unit: Unit, comment_id: UUID, *, record_id: UUID, lock: bool = False) -> asyncpg.Record | None:
    """Return one comment of a record; with `lock`, nobody else changes it until the transaction ends."""
    return await unit.row(
        f"select {_COLUMNS} {_SOURCE} and c.id = :id {'for update of c' if lock else ''}",
        record_id=record_id,
        id=comment_id,
    )


async def insert_comment(unit: Unit, values: Mapping[str, Any]) -> None:
    """Insert a comment."""
    await insert_row(unit, record_comments, values)


async def update_comment(unit: Unit, comment_id: UUID, changes: Mapping[str, Any]) -> None:
    """Change a comment, and count its version up."""
    await update_row(unit, record_comments, comment_id, changes=changes)
