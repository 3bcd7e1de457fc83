"""Statements on grants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from fostr.kernel.db.unit import Unit

GranteeColumn: TypeAlias = Literal["member_id", "team_id"]

_SELECT: Final = """
    select g.id, g.recordset_id, g.member_id, g.team_id, g.actions, g.granted_by, g.created_at, g.updated_at,
           coalesce(t.name, nullif(m.display_name, ''), nullif(m.full_name, ''), m.email, '') as name
    from recordset_grants g
    left join members m on m.workspace_id = :workspace and m.id = g.member_id
    left join teams t on t.workspace_id = :workspace and t.id = g.team_id
    where g.workspace_id = :workspace and g.recordset_id = :recordset_id
"""


async def list_grants(unit: Unit, recordset_id: UUID, *, limit: int, offset: int) -> list[asyncpg.Record]:
    """Return a part of the grants on a recordset, the oldest first."""
    return await unit.rows(
        f"{_SELECT} order by g.id limit :limit offset :offset",
        recordset_id=recordset_id,
        limit=limit,
        offset=offset,
    )


async def count_grants(unit: Unit, recordset_id: UUID) -> int:
    """Return how many grants there are on a recordset."""
    return await unit.value(
        """
        select count(*) from recordset_grants g
        where g.workspace_id = :workspace and g.recordset_id = :recordset_id
        """,
        recordset_id=recordset_id,
    )


async def find_grant(unit: Unit, recordset_id: UUID, *, column: GranteeColumn, grantee: UUID) -> asyncpg.Record | None:
    """Return what is granted to a member or a team."""
    return await unit.row(f"{_SELECT} and g.{column} = :grantee", recordset_id=recordset_id, grantee=grantee)


async def save_grant(
    unit: Unit,
    recordset_id: UUID,
    *,
    id: UUID,
    column: GranteeColumn,
    grantee: UUID,
    actions: Sequence[str],
    granted_by: UUID,
    now: datetime,
) -> None:
    """Grant to a member or a team; an earlier grant gets the new actions."""
    await unit.run(
        f"""
        insert into recordset_grants
            (workspace_id, id, recordset_id, {column}, actions, granted_by, created_at, updated_at)
        values (:workspace, :id, :recordset_id, :grantee, :actions, :granted_by, :now, :now)
        on conflict (workspace_id, recordset_id, {column}) do update
        set actions = excluded.actions, granted_by = excluded.granted_by, updated_at = excluded.updated_at
        """,
        id=id,
        recordset_id=recordset_id,
        grantee=grantee,
        actions=list(actions),
        granted_by=granted_by,
        now=now,
    )


async def delete_grant(unit: Unit, recordset_id: UUID, *, column: GranteeColumn, grantee: UUID) -> list[str] | None:
    """Take what is granted from a member or a team; return what it was, None when it was nothing."""
    return await unit.value(
        f"""
        delete from recordset_grants g
        where g.workspace_id = :workspace and g.recordset_id = :recordset_id and g.{column} = :grantee
        returning g.actions
        """,
        recordset_id=recordset_id,
        grantee=grantee,
    )
