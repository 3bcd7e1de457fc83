"""Statements about teams."""

from uuid import UUID

from fostr.kernel.db.unit import Unit


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
