"""Statements about teams."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import asyncpg

from fostr.domains.workspaces.teams.schemas import Team, TeamFilter, TeamMember, TeamRole
from fostr.kernel.db.sql import Fragment
from fostr.kernel.db.unit import Unit

_TEAM: Final = """
    select t.id, t.name, t.description, t.parent_team_id, t.is_active,
        (select count(*) from team_members x
         join members p on p.workspace_id = :workspace and p.id = x.member_id and p.status <> 'removed'
         where x.workspace_id = :workspace and x.team_id = t.id) as member_count,
        (select count(*) from teams c where c.workspace_id = :workspace and c.parent_team_id = t.id) as child_count,
        (select o.role from team_members o
         where o.workspace_id = :workspace and o.team_id = t.id and o.member_id = :caller) as own_role,
        t.created_by, t.created_at, t.updated_at, t.version
    from teams t where t.workspace_id = :workspace
"""
_MEMBER: Final = """
    select x.team_id, x.member_id, x.role, m.email, m.avatar_url, x.created_at,
        coalesce(nullif(m.display_name, ''), nullif(m.full_name, ''), m.email) as name
    from team_members x
    join members m on m.workspace_id = :workspace and m.id = x.member_id and m.status <> 'removed'
    where x.workspace_id = :workspace and x.team_id = :team_id
"""


def _team(row: asyncpg.Record) -> Team:
    return Team(**dict(row))


def _team_member(row: asyncpg.Record) -> TeamMember:
    return TeamMember(**dict(row))


def _matching(wanted: TeamFilter) -> Fragment:
    conditions: list[str] = []
    params: dict[str, Any] = {}
    if wanted.search:
        conditions.append("and strpos(lower(t.name || ' ' || t.description), lower(:search)) > 0")
        params["search"] = wanted.search
    if wanted.is_active is not None:
        conditions.append("and t.is_active = :is_active")
        params["is_active"] = wanted.is_active
    if wanted.parent_team_id == "none":
        conditions.append("and t.parent_team_id is null")
    elif wanted.parent_team_id is not None:
        conditions.append("and t.parent_team_id = :parent_team_id")
        params["parent_team_id"] = wanted.parent_team_id
    return Fragment(" ".join(conditions), params)


async def list_teams(unit: Unit, *, wanted: TeamFilter, caller: UUID, limit: int, offset: int) -> list[Team]:
    matching = _matching(wanted)
    rows = await unit.rows(
        f"{_TEAM} {matching.text} order by lower(t.name), t.id limit :limit offset :offset",
        caller=caller,
        limit=limit,
        offset=offset,
        **matching.params,
    )
    return [_team(row) for row in rows]


async def count_teams(unit: Unit, *, wanted: TeamFilter) -> int:
    matching = _matching(wanted)
    return await unit.value(
        f"select count(*) from teams t where t.workspace_id = :workspace {matching.text}", **matching.params
    )


async def find_team(unit: Unit, *, team_id: UUID, caller: UUID) -> Team | None:
    row = await unit.row(f"{_TEAM} and t.id = :id", id=team_id, caller=caller)
    return None if row is None else _team(row)


async def lock_team(unit: Unit, *, team_id: UUID, lock: Literal["key share", "update"]) -> bool:
    """Keep a team from being deleted, or with `update` from being changed too; say whether it is there."""
    found = await unit.value(
        f"select true from teams t where t.workspace_id = :workspace and t.id = :id for {lock}", id=team_id
    )
    return found is True


async def lock_teams(unit: Unit) -> None:
    """Have changes to names and to which team stands below which wait for each other, until the transaction ends."""
    await unit.value("select pg_advisory_xact_lock(hashtextextended('teams ' || :workspace::uuid, 0))")


async def list_line(unit: Unit, *, team_id: UUID) -> list[UUID]:
    """Return a team and all that it stands below; nothing when there is no such team."""
    rows = await unit.rows(
        """
        with recursive line as (
            select t.id, t.parent_team_id from teams t where t.workspace_id = :workspace and t.id = :id
            union
            select t.id, t.parent_team_id from teams t
            join line l on l.parent_team_id = t.id
            where t.workspace_id = :workspace
        )
        select l.id from line l
        """,
        id=team_id,
    )
    return [row["id"] for row in rows]


async def insert_team(unit: Unit, *, values: dict[str, Any]) -> bool:
    """Say whether the name was free."""
    inserted = await unit.run(
        """
        insert into teams
            (workspace_id, id, parent_team_id, name, description, is_active, created_by, created_at, updated_at)
        values (:workspace, :id, :parent_team_id, :name, :description, :is_active, :created_by, :now, :now)
        on conflict do nothing
        """,
        **values,
    )
    return inserted == 1


async def has_name(unit: Unit, *, name: str, besides: UUID) -> bool:
    return await unit.value(
        """
        select exists (
            select 1 from teams t
            where t.workspace_id = :workspace and lower(t.name) = lower(:name) and t.id <> :besides
        )
        """,
        name=name,
        besides=besides,
    )


async def update_team(unit: Unit, *, team_id: UUID, values: dict[str, Any], now: datetime) -> None:
    await unit.run(
        """
        update teams t
        set name = :name, description = :description, parent_team_id = :parent_team_id, is_active = :is_active,
            updated_at = :now, version = t.version + 1
        where t.workspace_id = :workspace and t.id = :id
        """,
        id=team_id,
        now=now,
        **values,
    )


async def delete_team(unit: Unit, *, team_id: UUID) -> None:
    await unit.run("delete from teams t where t.workspace_id = :workspace and t.id = :id", id=team_id)


async def list_members(unit: Unit, *, team_id: UUID, limit: int, offset: int) -> list[TeamMember]:
    rows = await unit.rows(
        f"{_MEMBER} order by x.role, lower(m.email), x.member_id limit :limit offset :offset",
        team_id=team_id,
        limit=limit,
        offset=offset,
    )
    return [_team_member(row) for row in rows]


async def count_members(unit: Unit, *, team_id: UUID) -> int:
    return await unit.value(
        """
        select count(*) from team_members x
        join members m on m.workspace_id = :workspace and m.id = x.member_id and m.status <> 'removed'
        where x.workspace_id = :workspace and x.team_id = :team_id
        """,
        team_id=team_id,
    )


async def find_team_member(unit: Unit, *, team_id: UUID, member_id: UUID, lock: bool = False) -> TeamMember | None:
    row = await unit.row(
        f"{_MEMBER} and x.member_id = :member_id {'for update of x' if lock else ''}",
        team_id=team_id,
        member_id=member_id,
    )
    return None if row is None else _team_member(row)


async def lock_member(unit: Unit, *, member_id: UUID) -> bool:
    """Keep a member from being deleted until the transaction ends; say whether they are there."""
    found = await unit.value(
        """
        select true from members m
        where m.workspace_id = :workspace and m.id = :id and m.status <> 'removed' for key share
        """,
        id=member_id,
    )
    return found is True


async def insert_team_member(unit: Unit, *, team_id: UUID, member_id: UUID, role: TeamRole, now: datetime) -> bool:
    """Say whether the member was not in the team yet."""
    inserted = await unit.run(
        """
        insert into team_members (workspace_id, team_id, member_id, role, created_at)
        values (:workspace, :team_id, :member_id, :role, :now)
        on conflict (workspace_id, team_id, member_id) do nothing
        """,
        team_id=team_id,
        member_id=member_id,
        role=role,
        now=now,
    )
    return inserted == 1


async def set_team_role(unit: Unit, *, team_id: UUID, member_id: UUID, role: TeamRole) -> None:
    await unit.run(
        """
        update team_members x set role = :role
        where x.workspace_id = :workspace and x.team_id = :team_id and x.member_id = :member_id
        """,
        team_id=team_id,
        member_id=member_id,
        role=role,
    )


async def delete_team_member(unit: Unit, *, team_id: UUID, member_id: UUID) -> None:
    await unit.run(
        """
        delete from team_members x
        where x.workspace_id = :workspace and x.team_id = :team_id and x.member_id = :member_id
        """,
        team_id=team_id,
        member_id=member_id,
    )


async def list_team_ids(unit: Unit, *, member_id: UUID) -> list[UUID]:
    rows = await unit.rows(
        """
        select m.team_id from team_members m
        where m.workspace_id = :workspace and m.member_id = :member_id order by m.team_id
        """,
        member_id=member_id,
    )
    return [row["team_id"] for row in rows]


async def has_team(unit: Unit, *, team_id: UUID) -> bool:
    return await unit.value(
        "select exists (select 1 from teams t where t.workspace_id = :workspace and t.id = :id)", id=team_id
    )


async def list_belonging(unit: Unit, *, team_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """Return who is in each of some teams; teams that are not there are left out."""
    rows = await unit.rows(
        """
        select t.id, array_remove(array_agg(m.member_id), null) as member_ids
        from teams t
        left join team_members m on m.workspace_id = :workspace and m.team_id = t.id
        where t.workspace_id = :workspace and t.id = any(:ids::uuid[])
        group by t.id
        """,
        ids=list(team_ids),
    )
    return {row["id"]: row["member_ids"] for row in rows}


async def list_names(unit: Unit, *, team_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the names of those of some teams that are there."""
    rows = await unit.rows(
        "select t.id, t.name from teams t where t.workspace_id = :workspace and t.id = any(:ids::uuid[])",
        ids=list(team_ids),
    )
    return {row["id"]: row["name"] for row in rows}
