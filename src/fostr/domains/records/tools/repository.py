"""Statements on the places of records in tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from fostr.kernel.db.unit import Unit

_COLUMNS: Final = """
    t.record_id, t.tool, t.status, t.recommendation, t.group_id, t.data, t.set_by, t.created_at, t.updated_at, t.version
"""


async def list_places(unit: Unit, record_id: UUID) -> list[asyncpg.Record]:
    """Return a record's places, by the names of the tools."""
    return await unit.rows(
        f"""
        select {_COLUMNS} from record_tools t
        where t.workspace_id = :workspace and t.record_id = :record_id order by t.tool
        """,
        record_id=record_id,
    )


async def find_place(unit: Unit, record_id: UUID, *, tool: str, lock: bool = False) -> asyncpg.Record | None:
    """Return a record's place in a tool; with `lock`, nobody else changes it until the transaction ends."""
    return await unit.row(
        f"""
        select {_COLUMNS} from record_tools t
        where t.workspace_id = :workspace and t.record_id = :record_id and t.tool = :tool
        {"for update of t" if lock else ""}
        """,
        record_id=record_id,
        tool=tool,
    )


async def count_places(unit: Unit, record_id: UUID) -> int:
    """Return in how many tools a record has a place."""
    return await unit.value(
        "select count(*) from record_tools t where t.workspace_id = :workspace and t.record_id = :record_id",
        record_id=record_id,
    )


async def save_place(unit: Unit, values: Mapping[str, Any]) -> asyncpg.Record:
    """Put a record into a tool, or change its place there, and return it."""
    row = await unit.row(
        f"""
        insert into record_tools as t
            (workspace_id, id, record_id, recordset_id, tool, status, recommendation, group_id, data, set_by,
             created_at, updated_at)
        values
            (:workspace, :id, :record_id, :recordset_id, :tool, :status, :recommendation, :group_id, :data, :set_by,
             :now, :now)
        on conflict (workspace_id, record_id, tool) do update
        set status = excluded.status, recommendation = excluded.recommendation, group_id = excluded.group_id,
            data = excluded.data, set_by = excluded.set_by, updated_at = excluded.updated_at, version = t.version + 1
        returning {_COLUMNS}
        """,
        **values,
    )
    assert row is not None  # noqa: S101 - one or the other happens
    return row


async def dismiss_place(
    unit: Unit, record_id: UUID, *, tool: str, member_id: UUID, now: datetime
) -> asyncpg.Record | None:
    """Clear the status of a record in a tool, and return its place; None where it had no status."""
    return await unit.row(
        f"""
        update record_tools t
        set status = null, set_by = :member_id, updated_at = :now, version = t.version + 1
        where t.workspace_id = :workspace and t.record_id = :record_id and t.tool = :tool and t.status is not null
        returning {_COLUMNS}
        """,
        record_id=record_id,
        tool=tool,
        member_id=member_id,
        now=now,
    )
