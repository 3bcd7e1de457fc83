"""Statements on row rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.rules.tables import recordset_rules
from fostr.kernel.db.gateway import delete_row, insert_row, update_row

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from fostr.kernel.db.sql import Fragment
    from fostr.kernel.db.unit import Unit

# A team that is out of use gives nothing, and limits all the same: nobody sees more because a team was put away.
LIMITS: Final = """
    (select json_agg(json_build_object(
         'id', u.id, 'name', u.name, 'actions', u.actions, 'roles', u.roles, 'condition', u.condition,
         'names_member', u.for_everybody or coalesce(:member::uuid = any(u.member_ids), false) or exists (
             select 1 from team_members t
             where t.workspace_id = :workspace and t.member_id = :member and t.team_id = any(u.team_ids)
         )
     ) order by u.position, u.id)::text
     from recordset_rules u where u.workspace_id = :workspace and u.recordset_id = s.id and u.is_active)
"""
"""The active rules of a recordset `s` as JSON, as they concern `:member`; null where it has none."""

_COLUMNS: Final = """
    u.id, u.recordset_id, u.name, u.actions, u.for_everybody, u.roles, u.team_ids, u.member_ids, u.condition,
    u.is_active, u.position, u.created_by, u.created_at, u.updated_at, u.version
"""
_PLACE: Final = "from recordset_rules u where u.workspace_id = :workspace and u.recordset_id = :recordset_id"


async def list_rules(unit: Unit, recordset_id: UUID, *, limit: int, offset: int) -> list[dict[str, Any]]:
    """Return a part of the rules of a recordset, in their order."""
    rows = await unit.rows(
        f"select {_COLUMNS} {_PLACE} order by u.position, u.id limit :limit offset :offset",
        recordset_id=recordset_id,
        limit=limit,
        offset=offset,
    )
    return [dict(row) for row in rows]


async def count_rules(unit: Unit, recordset_id: UUID) -> int:
    """Return how many rules a recordset has."""
    return await unit.value(f"select count(*) {_PLACE}", recordset_id=recordset_id)


async def next_position(unit: Unit, recordset_id: UUID) -> int:
    """Return the position behind all rules of a recordset."""
    return await unit.value(f"select coalesce(max(u.position) + 1, 0) {_PLACE}", recordset_id=recordset_id)


async def find_rule(unit: Unit, recordset_id: UUID, rule_id: UUID, *, lock: bool = False) -> dict[str, Any] | None:
    """Return a rule of a recordset; with `lock`, nobody else changes it until the transaction ends."""
    row = await unit.row(
        f"select {_COLUMNS} {_PLACE} and u.id = :id {'for update of u' if lock else ''}",
        recordset_id=recordset_id,
        id=rule_id,
    )
    return None if row is None else dict(row)


async def list_conditions(unit: Unit, recordset_id: UUID) -> list[tuple[str, dict[str, Any]]]:
    """Return the name and the condition of each rule of a recordset, those that are switched off too."""
    rows = await unit.rows(f"select u.name, u.condition {_PLACE} order by u.position, u.id", recordset_id=recordset_id)
    return [(row["name"], row["condition"]) for row in rows]


async def find_reach(unit: Unit, record_id: UUID, *, sees: Fragment, acts: Fragment) -> tuple[bool, bool]:
    """Return whether a record meets the condition of what a caller sees, and that of what they are about to do."""
    row = await unit.row(
        f"""
        select coalesce({sees.text}, false) as sees, coalesce({acts.text}, false) as acts
        from records r where r.workspace_id = :workspace and r.id = :reached_record
        """,
        reached_record=record_id,
        **{**sees.params, **acts.params},
    )
    return (row["sees"], row["acts"]) if row is not None else (False, False)


async def count_reached(unit: Unit, condition: Fragment) -> int:
    """Return how many records `r` meet a condition."""
    return await unit.value(f"select count(*) from records r where {condition.text}", **condition.params)


async def list_reached(unit: Unit, condition: Fragment, *, limit: int) -> list[UUID]:
    """Return the first of the records `r` that meet a condition."""
    text = f"select r.id from records r where {condition.text} order by r.id limit :limit"
    return [row["id"] for row in await unit.rows(text, limit=limit, **condition.params)]


async def insert_rule(unit: Unit, values: Mapping[str, Any]) -> None:
    """Insert a rule."""
    await insert_row(unit, recordset_rules, values)


async def update_rule(unit: Unit, rule_id: UUID, changes: Mapping[str, Any]) -> None:
    """Change a rule, and count its version up."""
    await update_row(unit, recordset_rules, rule_id, changes=changes)


async def delete_rule(unit: Unit, rule_id: UUID) -> None:
    """Delete a rule for good."""
    await delete_row(unit, recordset_rules, rule_id)
