"""Statements on saved views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.views.tables import recordset_views
from fostr.kernel.belongings import Belonging
from fostr.kernel.db.gateway import delete_row, insert_row, update_row

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from fostr.kernel.db.unit import Unit

_COLUMNS: Final = """
    v.id, v.recordset_id, v.name, v.description, v.type, v.visibility, v.owner_id, v.config, v.position, v.is_default,
    v.locked_at, v.locked_by, v.created_at, v.updated_at, v.version, coalesce(m.full_name, '') as owner_name,
    exists (
        select 1 from view_share_links l
        where l.workspace_id = :workspace and l.view_id = v.id and l.revoked_at is null
          and coalesce(l.expires_at, 'infinity') > :now
    ) as is_published
"""
_SOURCE: Final = """
    from recordset_views v
    left join members m on m.workspace_id = :workspace and m.id = v.owner_id
    where v.workspace_id = :workspace and v.recordset_id = :recordset_id
"""
_SEEN: Final = "(v.visibility = 'shared' or v.owner_id = :member_id)"


async def list_views(
    unit: Unit, recordset_id: UUID, *, member_id: UUID, now: datetime, limit: int, offset: int
) -> list[asyncpg.Record]:
    """Return a part of the views of a recordset that a member sees, in their order."""
    return await unit.rows(
        f"select {_COLUMNS} {_SOURCE} and {_SEEN} order by v.position, v.id limit :limit offset :offset",
        recordset_id=recordset_id,
        member_id=member_id,
        now=now,
        limit=limit,
        offset=offset,
    )


async def count_views(unit: Unit, recordset_id: UUID, *, member_id: UUID) -> int:
    """Return how many views of a recordset a member sees."""
    return await unit.value(
        f"""
        select count(*) from recordset_views v
        where v.workspace_id = :workspace and v.recordset_id = :recordset_id and {_SEEN}
        """,
        recordset_id=recordset_id,
        member_id=member_id,
    )


async def find_view(
    unit: Unit, view_id: UUID, *, recordset_id: UUID, member_id: UUID, now: datetime, lock: bool = False
) -> asyncpg.Record | None:
    """Return a view that a member sees; with `lock`, nobody else changes it until the transaction ends."""
    return await unit.row(
        f"select {_COLUMNS} {_SOURCE} and {_SEEN} and v.id = :id {'for update of v' if lock else ''}",
        recordset_id=recordset_id,
        member_id=member_id,
        now=now,
        id=view_id,
    )


async def insert_view(unit: Unit, values: Mapping[str, Any]) -> None:
    """Insert a view."""
    await insert_row(unit, recordset_views, values)


async def update_view(unit: Unit, view_id: UUID, changes: Mapping[str, Any]) -> None:
    """Change a view, and count its version up."""
    await update_row(unit, recordset_views, view_id, changes=changes)


async def delete_view(unit: Unit, view_id: UUID) -> None:
    """Delete a view, with the links that share it."""
    await delete_row(unit, recordset_views, view_id)


async def measure_views(unit: Unit, recordset_id: UUID) -> tuple[int, int]:
    """Return how many views a recordset has, everybody's together, and the position behind the last one."""
    row = await unit.row(
        """
        select count(*) as count, coalesce(max(v.position) + 1, 0) as next from recordset_views v
        where v.workspace_id = :workspace and v.recordset_id = :recordset_id
        """,
        recordset_id=recordset_id,
    )
    assert row is not None  # noqa: S101 - an aggregate always has one row
    return row["count"], row["next"]


async def make_room(unit: Unit, recordset_id: UUID, *, position: int) -> None:
    """Move the views at a position and behind it one further.

    Their versions stay: nothing that anybody edits has changed.
    """
    await unit.run(
        """
        update recordset_views v set position = v.position + 1
        where v.workspace_id = :workspace and v.recordset_id = :recordset_id and v.position >= :position
        """,
        recordset_id=recordset_id,
        position=position,
    )


async def clear_default(unit: Unit, recordset_id: UUID) -> None:
    """Take the place of the recordset's default view from the one that has it."""
    await unit.run(
        """
        update recordset_views v set is_default = false, version = v.version + 1
        where v.workspace_id = :workspace and v.recordset_id = :recordset_id and v.is_default
        """,
        recordset_id=recordset_id,
    )


_OWNED: Final = "from recordset_views v where v.workspace_id = :workspace and v.owner_id = :member_id"


async def list_owned(unit: Unit, member_id: UUID, *, limit: int, offset: int) -> list[Belonging]:
    """Return a part of the views that a member owns, the oldest first."""
    rows = await unit.rows(
        f"select v.id, v.name, v.created_at {_OWNED} order by v.id limit :limit offset :offset",
        member_id=member_id,
        limit=limit,
        offset=offset,
    )
    return [Belonging(id=row["id"], name=row["name"], created_at=row["created_at"]) for row in rows]


async def count_owned(unit: Unit, member_id: UUID) -> int:
    """Return how many views a member owns."""
    return await unit.value(f"select count(*) {_OWNED}", member_id=member_id)


async def hand_over_views(unit: Unit, *, source: UUID, target: UUID, now: datetime) -> list[UUID]:
    """Make another member the owner of all views that one owns, and return which."""
    rows = await unit.rows(
        """
        update recordset_views v set owner_id = :target, updated_at = :now, version = v.version + 1
        where v.workspace_id = :workspace and v.owner_id = :source
        returning v.id
        """,
        source=source,
        target=target,
        now=now,
    )
    return sorted(row["id"] for row in rows)


async def delete_personal_views(unit: Unit, member_id: UUID) -> list[asyncpg.Record]:
    """Delete the views that only a member sees, and return them."""
    return await unit.rows(
        """
        delete from recordset_views v
        where v.workspace_id = :workspace and v.owner_id = :member_id and v.visibility = 'personal'
        returning v.id, v.recordset_id, v.name, v.type, v.visibility, v.owner_id, v.is_default, v.locked_at
        """,
        member_id=member_id,
    )
