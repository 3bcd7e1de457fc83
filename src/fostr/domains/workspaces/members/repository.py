"""Statements about members, and about the memberships behind them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from fostr.domains.workspaces.members.schemas import Member
from fostr.kernel.db.unit import Unit

_COLUMNS: Final = """
    m.id, m.user_id, m.email, m.full_name, m.display_name, m.avatar_url, m.role, m.status, m.created_at, m.updated_at,
    m.version
"""


@dataclass(frozen=True, slots=True)
class Person:
    """What a workspace copies of an account."""

    user_id: UUID
    email: str
    full_name: str
    avatar_url: str | None


def _member(row: asyncpg.Record) -> Member:
    return Member(**dict(row))


async def find_person(unit: Unit, *, user_id: UUID) -> Person | None:
    row = await unit.row(
        "select id as user_id, email, full_name, avatar_url from users where id = :user_id", user_id=user_id
    )
    return None if row is None else Person(**dict(row))


async def has_role(unit: Unit, *, workspace_id: UUID, role: str) -> bool:
    return await unit.value(
        "select exists (select 1 from roles where workspace_id = :workspace_id and key = :role)",
        workspace_id=workspace_id,
        role=role,
    )


async def insert_membership(unit: Unit, *, workspace_id: UUID, user_id: UUID, member_id: UUID, role: str) -> bool:
    """Say whether the person was not a member yet."""
    inserted = await unit.run(
        """
        insert into memberships (workspace_id, user_id, member_id, role)
        values (:workspace_id, :user_id, :member_id, :role)
        on conflict (workspace_id, user_id) do nothing
        """,
        workspace_id=workspace_id,
        user_id=user_id,
        member_id=member_id,
        role=role,
    )
    return inserted == 1


async def insert_member(unit: Unit, *, member_id: UUID, person: Person, role: str) -> Member:
    row = await unit.row(
        f"""
        insert into members as m (workspace_id, id, user_id, email, full_name, avatar_url, role)
        values (:workspace, :id, :user_id, :email, :full_name, :avatar_url, :role)
        returning {_COLUMNS}
        """,
        id=member_id,
        user_id=person.user_id,
        email=person.email,
        full_name=person.full_name,
        avatar_url=person.avatar_url,
        role=role,
    )
    assert row is not None  # noqa: S101 - an insert returns its row or raises
    return _member(row)


async def find_member(unit: Unit, *, member_id: UUID) -> Member | None:
    row = await unit.row(
        f"select {_COLUMNS} from members m where m.workspace_id = :workspace and m.id = :id", id=member_id
    )
    return None if row is None else _member(row)


async def find_member_of_user(unit: Unit, *, user_id: UUID) -> Member | None:
    row = await unit.row(
        f"select {_COLUMNS} from members m where m.workspace_id = :workspace and m.user_id = :user_id",
        user_id=user_id,
    )
    return None if row is None else _member(row)


async def list_members(unit: Unit, *, limit: int, offset: int) -> list[Member]:
    rows = await unit.rows(
        f"""
        select {_COLUMNS} from members m where m.workspace_id = :workspace
        order by m.created_at, m.id limit :limit offset :offset
        """,
        limit=limit,
        offset=offset,
    )
    return [_member(row) for row in rows]


async def count_members(unit: Unit) -> int:
    return await unit.value("select count(*) from members m where m.workspace_id = :workspace")


async def list_names(unit: Unit, *, member_ids: list[UUID]) -> dict[UUID, str]:
    rows = await unit.rows(
        """
        select m.id, coalesce(nullif(m.display_name, ''), nullif(m.full_name, ''), m.email) as name
        from members m where m.workspace_id = :workspace and m.id = any(:ids::uuid[])
        """,
        ids=member_ids,
    )
    return {row["id"]: row["name"] for row in rows}


async def update_copy(unit: Unit, *, person: Person, now: datetime) -> Member | None:
    """Bring what the workspace copied of a person up to date; return the member when that changed anything."""
    row = await unit.row(
        f"""
        update members m
        set email = :email, full_name = :full_name, avatar_url = :avatar_url, updated_at = :now, version = m.version + 1
        where m.workspace_id = :workspace and m.user_id = :user_id
          and (m.email, m.full_name, m.avatar_url) is distinct from (:email, :full_name, :avatar_url)
        returning {_COLUMNS}
        """,
        user_id=person.user_id,
        email=person.email,
        full_name=person.full_name,
        avatar_url=person.avatar_url,
        now=now,
    )
    return None if row is None else _member(row)


async def list_workspace_ids(unit: Unit, *, user_id: UUID) -> list[UUID]:
    rows = await unit.rows(
        """
        select m.workspace_id from memberships m join workspaces w on w.id = m.workspace_id
        where m.user_id = :user_id and w.deleted_at is null order by m.workspace_id
        """,
        user_id=user_id,
    )
    return [row["workspace_id"] for row in rows]


async def increase_rights_epoch(unit: Unit, *, workspace_ids: list[UUID]) -> None:
    # Locked in one order, so that two of these never wait for each other.
    await unit.run(
        """
        update workspaces set rights_epoch = rights_epoch + 1
        where id in (select id from workspaces where id = any(:ids::uuid[]) order by id for no key update)
        """,
        ids=workspace_ids,
    )


def columns(member: Member) -> dict[str, Any]:
    """Return a member as events tell of them."""
    return {
        "user_id": member.user_id,
        "email": member.email,
        "full_name": member.full_name,
        "display_name": member.display_name,
        "avatar_url": member.avatar_url,
        "role": member.role,
        "status": member.status,
    }
