"""Statements about workspaces."""

from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from fostr.domains.workspaces.workspaces.schemas import Workspace
from fostr.kernel.db.unit import Unit
from fostr.kernel.steps import newest_step

_OWN: Final = """
    select w.id, w.name, w.slug, w.logo_url, m.role, m.member_id,
        coalesce(w.id = coalesce(t.workspace_id, s.workspace_id), false) as is_current,
        w.created_at, w.updated_at, w.version
    from memberships m
    join workspaces w on w.id = m.workspace_id and w.deleted_at is null
    left join tokens t on t.id = :credential_id::uuid
    left join sessions s on s.id = :credential_id
    where m.user_id = :user_id and m.status = 'active' and (t.workspace_id is null or t.workspace_id = w.id)
      and (s.acting_user_id is null or s.workspace_id = w.id)
"""
"""The caller's workspaces, as far as their credential reaches: an API key, and whoever acts for somebody, reach one."""


def _workspace(row: asyncpg.Record) -> Workspace:
    return Workspace(**dict(row))


async def insert_workspace(unit: Unit, *, workspace_id: UUID, name: str, slug: str) -> bool:
    """Say whether the slug was free."""
    inserted = await unit.run(
        """
        insert into workspaces (id, name, slug, step) values (:id, :name, :slug, :step)
        on conflict (slug) do nothing
        """,
        id=workspace_id,
        name=name,
        slug=slug,
        # What steps do to older workspaces, a new one has from the beginning.
        step=newest_step(),
    )
    return inserted == 1


async def list_own(unit: Unit, *, user_id: UUID, credential_id: UUID, limit: int, offset: int) -> list[Workspace]:
    rows = await unit.rows(
        f"{_OWN} order by lower(w.name), w.id limit :limit offset :offset",
        user_id=user_id,
        credential_id=credential_id,
        limit=limit,
        offset=offset,
    )
    return [_workspace(row) for row in rows]


async def count_own(unit: Unit, *, user_id: UUID, credential_id: UUID) -> int:
    return await unit.value(
        """
        select count(*) from memberships m
        join workspaces w on w.id = m.workspace_id and w.deleted_at is null
        left join tokens t on t.id = :credential_id
        left join sessions s on s.id = :credential_id
        where m.user_id = :user_id and m.status = 'active' and (t.workspace_id is null or t.workspace_id = w.id)
          and (s.acting_user_id is null or s.workspace_id = w.id)
        """,
        user_id=user_id,
        credential_id=credential_id,
    )


async def find_own(unit: Unit, *, user_id: UUID, credential_id: UUID | None, workspace_id: UUID) -> Workspace | None:
    row = await unit.row(
        f"{_OWN} and w.id = :workspace_id",
        user_id=user_id,
        credential_id=credential_id,
        workspace_id=workspace_id,
    )
    return None if row is None else _workspace(row)


async def get_name(unit: Unit, *, workspace_id: UUID) -> str:
    return await unit.value("select name from workspaces where id = :id", id=workspace_id)


async def lock_workspace(unit: Unit, *, workspace_id: UUID) -> asyncpg.Record | None:
    return await unit.row(
        """
        select name, slug, logo_url, version from workspaces
        where id = :id and deleted_at is null for no key update
        """,
        id=workspace_id,
    )


async def update_workspace(unit: Unit, *, workspace_id: UUID, name: str, logo_url: str | None, now: datetime) -> None:
    await unit.run(
        """
        update workspaces set name = :name, logo_url = :logo_url, updated_at = :now, version = version + 1
        where id = :id
        """,
        id=workspace_id,
        name=name,
        logo_url=logo_url,
        now=now,
    )


async def set_session_workspace(unit: Unit, *, session_id: UUID, workspace_id: UUID) -> None:
    await unit.run(
        "update sessions set workspace_id = :workspace_id where id = :id",
        id=session_id,
        workspace_id=workspace_id,
    )
