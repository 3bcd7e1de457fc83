"""Statements about members, and about the memberships behind them."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from fostr.domains.workspaces.members.schemas import Member, MemberFilter
from fostr.kernel.access.catalogue import ADMINISTRATORS
from fostr.kernel.db.unit import Unit
from fostr.kernel.events.outbox import CHANNEL

_COLUMNS: Final = """
    m.id, m.user_id, m.email, m.full_name, m.display_name, m.title, m.avatar_url, m.role, m.status, m.created_at,
    m.updated_at, m.version
"""
_WILD: Final = re.compile(r"[\\%_]")
_ESCAPED: Final = r"\\\g<0>"
_MATCHES: Final = """
    m.workspace_id = :workspace and (:include_removed or m.status <> 'removed')
    and (:is_active::bool is null or (m.status = 'active') = :is_active)
    and (
        :pattern::text is null
        or m.full_name ilike :pattern or m.display_name ilike :pattern or m.email ilike :pattern
    )
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
    """Return what is to be copied of an account, which is not deleted until the transaction ends."""
    row = await unit.row(
        "select id as user_id, email, full_name, avatar_url from users where id = :user_id for key share",
        user_id=user_id,
    )
    return None if row is None else Person(**dict(row))


async def has_role(unit: Unit, *, workspace_id: UUID, role: str) -> bool:
    return await unit.value(
        "select exists (select 1 from roles where workspace_id = :workspace_id and key = :role for share)",
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


async def insert_member(unit: Unit, *, member_id: UUID, person: Person, role: str, now: datetime) -> Member | None:
    """Return None when the person is a member. Somebody who had left is the same member again, under the old id."""
    row = await unit.row(
        f"""
        insert into members as m (workspace_id, id, user_id, email, full_name, avatar_url, role)
        values (:workspace, :id, :user_id, :email, :full_name, :avatar_url, :role)
        on conflict (workspace_id, user_id) do update
        set email = excluded.email, full_name = excluded.full_name,
            avatar_url = case when m.has_own_avatar then m.avatar_url else excluded.avatar_url end,
            role = excluded.role, status = 'active', updated_at = :now, version = m.version + 1
        where m.workspace_id = :workspace and m.status = 'removed'
        returning {_COLUMNS}
        """,
        id=member_id,
        user_id=person.user_id,
        email=person.email,
        full_name=person.full_name,
        avatar_url=person.avatar_url,
        role=role,
        now=now,
    )
    return None if row is None else _member(row)


async def find_member(unit: Unit, *, member_id: UUID, lock: bool = False) -> Member | None:
    row = await unit.row(
        f"""
        select {_COLUMNS} from members m
        where m.workspace_id = :workspace and m.id = :id {"for no key update" if lock else ""}
        """,
        id=member_id,
    )
    return None if row is None else _member(row)


async def find_member_of_user(unit: Unit, *, user_id: UUID) -> Member | None:
    row = await unit.row(
        f"select {_COLUMNS} from members m where m.workspace_id = :workspace and m.user_id = :user_id",
        user_id=user_id,
    )
    return None if row is None else _member(row)


async def list_members(unit: Unit, *, wanted: MemberFilter, limit: int, offset: int) -> list[Member]:
    rows = await unit.rows(
        f"select {_COLUMNS} from members m where {_MATCHES} order by m.created_at, m.id limit :limit offset :offset",
        **_matching(wanted),
        limit=limit,
        offset=offset,
    )
    return [_member(row) for row in rows]


async def count_members(unit: Unit, *, wanted: MemberFilter) -> int:
    return await unit.value(f"select count(*) from members m where {_MATCHES}", **_matching(wanted))


def _matching(wanted: MemberFilter) -> dict[str, Any]:
    pattern = None if not wanted.search else f"%{_WILD.sub(_ESCAPED, wanted.search)}%"
    return {"is_active": wanted.is_active, "include_removed": wanted.include_removed, "pattern": pattern}


async def list_cards(unit: Unit) -> str:
    """Return every active member as JSON, by name."""
    return await unit.value(
        """
        select coalesce(json_agg(json_build_object(
            'id', m.id, 'email', m.email, 'full_name', m.full_name, 'display_name', m.display_name,
            'avatar_url', m.avatar_url, 'role', m.role
        ) order by lower(coalesce(nullif(m.display_name, ''), nullif(m.full_name, ''), m.email)), m.id), '[]')::text
        from members m where m.workspace_id = :workspace and m.status = 'active'
        """
    )


async def update_profile(unit: Unit, *, member_id: UUID, display_name: str, title: str, now: datetime) -> Member:
    row = await unit.row(
        f"""
        update members m set display_name = :display_name, title = :title, updated_at = :now, version = m.version + 1
        where m.workspace_id = :workspace and m.id = :id
        returning {_COLUMNS}
        """,
        id=member_id,
        display_name=display_name,
        title=title,
        now=now,
    )
    assert row is not None  # noqa: S101 - locked by the caller
    return _member(row)


async def set_status(unit: Unit, *, member_id: UUID, status: str, now: datetime) -> Member:
    """Let a member in or keep them out, in both halves of their membership."""
    await unit.run(
        "update memberships set status = :status where workspace_id = :workspace and member_id = :id",
        id=member_id,
        status=status,
    )
    row = await unit.row(
        f"""
        update members m set status = :status, updated_at = :now, version = m.version + 1
        where m.workspace_id = :workspace and m.id = :id
        returning {_COLUMNS}
        """,
        id=member_id,
        status=status,
        now=now,
    )
    assert row is not None  # noqa: S101 - locked by the caller
    return _member(row)


async def find_user_id(unit: Unit, *, email: str) -> UUID | None:
    return await unit.value("select id from users where email = :email and is_active", email=email)


async def list_present(unit: Unit, *, member_ids: list[UUID]) -> list[UUID]:
    rows = await unit.rows(
        """
        select m.id from members m
        where m.workspace_id = :workspace and m.id = any(:ids::uuid[]) and m.status <> 'removed'
        """,
        ids=member_ids,
    )
    return [row["id"] for row in rows]


async def list_names(unit: Unit, *, member_ids: list[UUID]) -> dict[UUID, str]:
    rows = await unit.rows(
        """
        select m.id, coalesce(nullif(m.display_name, ''), nullif(m.full_name, ''), m.email) as name
        from members m where m.workspace_id = :workspace and m.id = any(:ids::uuid[])
        """,
        ids=member_ids,
    )
    return {row["id"]: row["name"] for row in rows}


async def list_shown(unit: Unit, *, member_ids: Sequence[UUID]) -> list[asyncpg.Record]:
    """Return the names and pictures of some members; of those who have left, too."""
    return await unit.rows(
        """
        select m.id, m.avatar_url, coalesce(nullif(m.display_name, ''), nullif(m.full_name, ''), m.email) as name
        from members m where m.workspace_id = :workspace and m.id = any(:ids::uuid[])
        """,
        ids=list(member_ids),
    )


async def list_known(unit: Unit, *, member_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the names of those of some members of whom it is still known who they are, or were."""
    rows = await unit.rows(
        """
        select m.id, coalesce(nullif(m.display_name, ''), nullif(m.full_name, ''), m.email) as name
        from members m where m.workspace_id = :workspace and m.id = any(:ids::uuid[]) and m.email <> ''
        """,
        ids=list(member_ids),
    )
    return {row["id"]: row["name"] for row in rows}


async def list_ids(unit: Unit, *, ids: Sequence[UUID]) -> list[UUID]:
    """Return the members, whether they have left or not, whose own id, or whose account's, is one of some."""
    rows = await unit.rows(
        """
        select m.id from members m
        where m.workspace_id = :workspace and (m.id = any(:ids::uuid[]) or m.user_id = any(:ids::uuid[]))
        """,
        ids=list(ids),
    )
    return [row["id"] for row in rows]


async def list_administrators(unit: Unit) -> list[UUID]:
    """Return the active owners and administrators, and those whose role builds on one of these."""
    rows = await unit.rows(
        """
        select m.member_id from memberships m
        left join roles r on r.workspace_id = m.workspace_id and r.key = m.role
        where m.workspace_id = :workspace and m.status = 'active' and coalesce(r.base, m.role) = any(:administrators)
        order by m.member_id
        """,
        administrators=sorted(ADMINISTRATORS),
    )
    return [row["member_id"] for row in rows]


async def update_copy(unit: Unit, *, person: Person, now: datetime) -> Member | None:
    """Bring what the workspace copied of a person up to date; return the member when that changed anything."""
    row = await unit.row(
        f"""
        update members m
        set email = :email, full_name = :full_name, updated_at = :now, version = m.version + 1,
            avatar_url = case when m.has_own_avatar then m.avatar_url else :avatar_url end
        where m.workspace_id = :workspace and m.user_id = :user_id
          and ((m.email, m.full_name) is distinct from (:email, :full_name)
            or not m.has_own_avatar and m.avatar_url is distinct from :avatar_url)
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
    for workspace_id in workspace_ids:
        # Where streams are open, they are looked at at once.
        unit.notify(CHANNEL, str(workspace_id))
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
        "title": member.title,
        "avatar_url": member.avatar_url,
        "role": member.role,
        "status": member.status,
    }
