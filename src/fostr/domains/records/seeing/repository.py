"""Statements that ask about many things at once: which of them a reader may know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fostr.kernel.db.sql import prefix_names

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    import asyncpg

    from fostr.kernel.db.sql import Fragment
    from fostr.kernel.db.unit import Unit


@dataclass(frozen=True, slots=True)
class KnownRecord:
    """A record that events tell of.

    Attributes:
        is_visible: whether the reader may see it, or might if it were not in the trash.
        is_open: whether they may see what is in it: of one in the trash, whether they may take it out again.
    """

    id: UUID
    recordset_id: UUID
    title: str
    is_visible: bool
    is_open: bool


async def list_records(
    unit: Unit, record_ids: Collection[UUID], *, sees: Fragment, deletes: Fragment
) -> list[KnownRecord]:
    """Return those of some records that are there.

    Args:
        unit: the unit of work.
        record_ids: the records.
        sees: the condition under which the reader may see a record `r`; no record of a trashed recordset is visible.
        deletes: the same for deleting it, and so for taking it out of the trash.
    """
    # Each of the two conditions stands for itself: they give their parameters other values.
    deleting = prefix_names(deletes, "delete_")
    rows = await unit.rows(
        f"""
        select k.id, k.recordset_id, k.title, k.is_visible, k.is_visible and (k.is_living or k.deletes) as is_open
        from (
            select r.id, r.recordset_id, r.title, r.deleted_at is null as is_living,
                   coalesce({deleting.text}, false) as deletes,
                   coalesce({sees.text}, false) and exists (
                       select 1 from recordsets s
                       where s.workspace_id = :workspace and s.id = r.recordset_id and s.deleted_at is null
                   ) as is_visible
            from records r where r.workspace_id = :workspace and r.id = any(:seen_ids::uuid[])
        ) k
        """,
        seen_ids=list(record_ids),
        **sees.params,
        **deleting.params,
    )
    return [KnownRecord(**dict(row)) for row in rows]


async def list_living_comments(unit: Unit, comment_ids: Collection[UUID]) -> set[UUID]:
    """Return those of some comments that were not deleted."""
    rows = await unit.rows(
        """
        select c.id from record_comments c
        where c.workspace_id = :workspace and c.id = any(:ids::uuid[]) and c.deleted_at is null
        """,
        ids=list(comment_ids),
    )
    return {row["id"] for row in rows}


async def list_views(unit: Unit, view_ids: Collection[UUID]) -> dict[UUID, asyncpg.Record]:
    """Return those of some views that are there, by id, with what decides who sees them."""
    rows = await unit.rows(
        """
        select v.id, v.name, v.visibility, v.owner_id from recordset_views v
        where v.workspace_id = :workspace and v.id = any(:ids::uuid[])
        """,
        ids=list(view_ids),
    )
    return {row["id"]: row for row in rows}


async def list_openings(unit: Unit) -> list[dict[str, Any]]:
    """Return how each recordset of the workspace is opened to its members, by ownership, grants and rules.

    A rule says whom it names, and whether its condition names whoever looks.
    """
    rows = await unit.rows(
        """
        select s.id, s.owner_id,
               (select coalesce(json_agg(json_build_array(g.member_id, g.team_id, g.actions)), '[]')::text
                from recordset_grants g where g.workspace_id = :workspace and g.recordset_id = s.id) as grants,
               (select coalesce(json_agg(json_build_object(
                    'id', u.id, 'for_everybody', u.for_everybody, 'roles', u.roles, 'team_ids', u.team_ids,
                    'member_ids', u.member_ids, 'names_viewer', u.condition::text like '%$viewer%'
                )), '[]')::text
                from recordset_rules u
                where u.workspace_id = :workspace and u.recordset_id = s.id and u.is_active
                  and u.actions && '{view,delete}'::text[]) as rules,
               array(select distinct h.role
                     from recordset_fields f cross join lateral unnest(f.hidden_from) as h (role)
                     where f.workspace_id = :workspace and f.recordset_id = s.id) as masked_roles
        from recordsets s where s.workspace_id = :workspace
        """
    )
    return [dict(row) for row in rows]


async def list_team_members(unit: Unit) -> list[asyncpg.Record]:
    """Return who is in which team, and whether the team is in use."""
    return await unit.rows(
        """
        select t.member_id, t.team_id, a.is_active from team_members t
        join teams a on a.workspace_id = :workspace and a.id = t.team_id
        where t.workspace_id = :workspace
        """
    )


async def get_rights_epoch(unit: Unit) -> int:
    """Return the epoch of rights in the unit's workspace."""
    return await unit.value("select w.rights_epoch from workspaces w where w.id = :workspace")
