"""Statements about invitations, and about the memberships that wait for them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from fostr.domains.workspaces.invitations.schemas import Invitation
from fostr.domains.workspaces.members.schemas import Member
from fostr.kernel.db.unit import Unit

_MEMBER: Final = """
    m.id, m.user_id, m.email, m.full_name, m.display_name, m.title, m.avatar_url, m.role, m.status, m.created_at,
    m.updated_at, m.version
"""
_INVITATION: Final = """
    m.id as member_id, m.user_id, m.email, m.full_name, m.role, i.message, i.invited_by, i.created_at, i.sent_at,
    i.expires_at
    from invitations i join members m on m.workspace_id = i.workspace_id and m.id = i.member_id
    where i.workspace_id = :workspace and m.workspace_id = :workspace and m.status = 'invited'
"""


@dataclass(frozen=True, slots=True)
class Account:
    """What inviting needs to know of an account."""

    id: UUID
    is_active: bool


async def find_account(unit: Unit, *, email: str) -> Account | None:
    """Return the account of an address; it is not deleted until the transaction ends."""
    row = await unit.row("select id, is_active from users where email = :email for key share", email=email)
    return None if row is None else Account(**dict(row))


async def insert_invited_member(
    unit: Unit, *, member_id: UUID, user_id: UUID, email: str, full_name: str, role: str, now: datetime
) -> Member | None:
    """Return None when the person is a member, or invited. Somebody who had left keeps their id and their name."""
    row = await unit.row(
        f"""
        insert into members as m (workspace_id, id, user_id, email, full_name, role, status)
        values (:workspace, :id, :user_id, :email, :full_name, :role, 'invited')
        on conflict (workspace_id, user_id) do update
        set role = excluded.role, status = 'invited', updated_at = :now, version = m.version + 1
        where m.workspace_id = :workspace and m.status = 'removed'
        returning {_MEMBER}
        """,
        id=member_id,
        user_id=user_id,
        email=email,
        full_name=full_name,
        role=role,
        now=now,
    )
    return None if row is None else Member(**dict(row))


async def insert_membership(unit: Unit, *, user_id: UUID, member_id: UUID, role: str) -> bool:
    """Say whether there was none."""
    inserted = await unit.run(
        """
        insert into memberships (workspace_id, user_id, member_id, role, status)
        values (:workspace, :user_id, :member_id, :role, 'invited')
        on conflict (workspace_id, user_id) do nothing
        """,
        user_id=user_id,
        member_id=member_id,
        role=role,
    )
    return inserted == 1


async def insert_invitation(
    unit: Unit, *, member_id: UUID, message: str, was_member: bool, now: datetime, expires_at: datetime
) -> None:
    await unit.run(
        """
        insert into invitations (workspace_id, member_id, message, was_member, created_at, sent_at, expires_at)
        values (:workspace, :member_id, :message, :was_member, :now, :now, :expires_at)
        """,
        member_id=member_id,
        message=message,
        was_member=was_member,
        now=now,
        expires_at=expires_at,
    )


async def note_link(unit: Unit, *, member_id: UUID, invited_by: UUID, now: datetime, expires_at: datetime) -> None:
    await unit.run(
        """
        update invitations i set invited_by = :invited_by, sent_at = :now, expires_at = :expires_at
        where i.workspace_id = :workspace and i.member_id = :member_id
        """,
        member_id=member_id,
        invited_by=invited_by,
        now=now,
        expires_at=expires_at,
    )


async def find_invitation(unit: Unit, *, member_id: UUID) -> Invitation | None:
    row = await unit.row(f"select {_INVITATION} and i.member_id = :member_id", member_id=member_id)
    return None if row is None else Invitation(**dict(row))


async def find_invited_id(unit: Unit, *, member_id: UUID | None, user_id: UUID | None) -> UUID | None:
    """Return the member who is invited, by either id."""
    return await unit.value(
        """
        select m.id from members m
        where m.workspace_id = :workspace and m.status = 'invited' and (m.id = :member_id or m.user_id = :user_id)
        """,
        member_id=member_id,
        user_id=user_id,
    )


async def list_invitations(unit: Unit, *, limit: int, offset: int) -> list[Invitation]:
    rows = await unit.rows(
        f"select {_INVITATION} order by i.created_at desc, i.member_id limit :limit offset :offset",
        limit=limit,
        offset=offset,
    )
    return [Invitation(**dict(row)) for row in rows]


async def count_invitations(unit: Unit) -> int:
    return await unit.value("select count(*) from invitations i where i.workspace_id = :workspace")


async def delete_invitation(unit: Unit, *, member_id: UUID) -> bool:
    """Forget an invitation; say whether the person had been a member before."""
    was_member = await unit.value(
        """
        delete from invitations i where i.workspace_id = :workspace and i.member_id = :member_id
        returning i.was_member
        """,
        member_id=member_id,
    )
    return bool(was_member)


async def delete_unused_account(unit: Unit, *, user_id: UUID) -> bool:
    """Delete an account that nobody has ever been able to use, and that no other workspace waits for."""
    # Locked in a statement of its own: whoever invites the same person elsewhere is waited for, and then seen.
    await unit.run("select 1 from users where id = :user_id for update", user_id=user_id)
    deleted = await unit.run(
        """
        delete from users u
        where u.id = :user_id and u.password_hash is null and u.email_verified_at is null
          and u.last_sign_in_at is null and u.clerk_id is null and not u.is_superuser
          and not exists (select 1 from memberships m where m.user_id = u.id)
        """,
        user_id=user_id,
    )
    return deleted == 1


@dataclass(frozen=True, slots=True)
class Invited:
    """An account and the membership that waits for it, as they stand.

    Attributes:
        is_elsewhere: whether the person belongs, or is invited, to another workspace.
    """

    user_id: UUID
    email: str
    full_name: str
    has_password: bool
    is_verified: bool
    is_elsewhere: bool
    role: str
    member_id: UUID
    workspace_name: str


async def find_invited(unit: Unit, *, workspace_id: UUID, user_id: UUID, lock: bool = False) -> Invited | None:
    """Return who may accept; with `lock`, they stay as they are until the transaction ends."""
    row = await unit.row(
        f"""
        select u.id as user_id, u.email, u.full_name, u.password_hash is not null as has_password,
            u.email_verified_at is not null as is_verified, m.role, m.member_id, w.name as workspace_name,
            exists (
                select 1 from memberships o where o.user_id = u.id and o.workspace_id <> w.id
            ) as is_elsewhere
        from memberships m
        join users u on u.id = m.user_id and u.is_active
        join workspaces w on w.id = m.workspace_id and w.deleted_at is null
        where m.workspace_id = :workspace_id and m.user_id = :user_id and m.status = 'invited'
        {"for no key update of m, u" if lock else ""}
        """,
        workspace_id=workspace_id,
        user_id=user_id,
    )
    return None if row is None else Invited(**dict(row))


async def find_name(unit: Unit, *, user_id: UUID) -> str:
    name: str | None = await unit.value("select full_name from users where id = :user_id", user_id=user_id)
    return name or ""


async def activate(unit: Unit, *, member_id: UUID, now: datetime) -> asyncpg.Record | None:
    """Let somebody in who was invited; of any number at once, one hears so."""
    return await unit.row(
        """
        update memberships m set status = 'active', created_at = :now
        from users u
        where m.workspace_id = :workspace and m.member_id = :member_id and m.status = 'invited' and u.id = m.user_id
        returning u.email, u.full_name, u.avatar_url
        """,
        member_id=member_id,
        now=now,
    )


async def activate_member(
    unit: Unit, *, member_id: UUID, email: str, full_name: str, avatar_url: str | None, now: datetime
) -> Member:
    """Show somebody as they are from now on: until they accepted, nothing of their account was."""
    row = await unit.row(
        f"""
        update members m
        set status = 'active', email = :email, updated_at = :now, version = m.version + 1,
            full_name = coalesce(nullif(:full_name, ''), m.full_name),
            avatar_url = case when m.has_own_avatar then m.avatar_url else :avatar_url end
        where m.workspace_id = :workspace and m.id = :member_id
        returning {_MEMBER}
        """,
        member_id=member_id,
        email=email,
        full_name=full_name,
        avatar_url=avatar_url,
        now=now,
    )
    assert row is not None  # noqa: S101 - the other half of the membership was there a statement ago
    return Member(**dict(row))
