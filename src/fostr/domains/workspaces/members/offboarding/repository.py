"""Statements about what belongs to members in this domain: the teams that they lead, the keys that act for them."""

from typing import Final
from uuid import UUID

from fostr.kernel.belongings import Belonging
from fostr.kernel.db.unit import Unit

_KEYS: Final = """
    from tokens t
    where t.workspace_id = :workspace and t.kind = 'api_key' and t.user_id = :user_id and t.revoked_at is null
"""
_LED: Final = """
    from team_members m join teams t on t.workspace_id = :workspace and t.id = m.team_id
    where m.workspace_id = :workspace and m.member_id = :member_id and m.role = 'lead'
"""


async def list_keys_of(unit: Unit, *, user_id: UUID, limit: int | None, offset: int) -> list[Belonging]:
    rows = await unit.rows(
        f"select t.id, t.name, t.created_at {_KEYS} order by t.created_at, t.id limit :limit offset :offset",
        user_id=user_id,
        limit=limit,
        offset=offset,
    )
    return [Belonging(**dict(row)) for row in rows]


async def count_keys_of(unit: Unit, *, user_id: UUID) -> int:
    return await unit.value(f"select count(*) {_KEYS}", user_id=user_id)


async def list_led_teams(unit: Unit, member_id: UUID, *, limit: int, offset: int) -> list[Belonging]:
    rows = await unit.rows(
        f"select t.id, t.name, t.created_at {_LED} order by t.id limit :limit offset :offset",
        member_id=member_id,
        limit=limit,
        offset=offset,
    )
    return [Belonging(**dict(row)) for row in rows]


async def count_led_teams(unit: Unit, member_id: UUID) -> int:
    return await unit.value(f"select count(*) {_LED}", member_id=member_id)


async def hand_over_teams(unit: Unit, *, source: UUID, target: UUID) -> list[UUID]:
    """Have another member lead the teams that one leads, who stays in them; return the teams."""
    rows = await unit.rows(
        """
        with handed as (
            update team_members m set role = 'member'
            where m.workspace_id = :workspace and m.member_id = :source and m.role = 'lead'
            returning m.team_id
        ), led as (
            insert into team_members (workspace_id, team_id, member_id, role)
            select :workspace, h.team_id, :target, 'lead' from handed h
            on conflict (workspace_id, team_id, member_id) do update set role = 'lead'
        )
        select h.team_id from handed h order by h.team_id
        """,
        source=source,
        target=target,
    )
    return [row["team_id"] for row in rows]


async def leave_teams(unit: Unit, *, member_id: UUID) -> None:
    await unit.run(
        "delete from team_members m where m.workspace_id = :workspace and m.member_id = :member_id",
        member_id=member_id,
    )
