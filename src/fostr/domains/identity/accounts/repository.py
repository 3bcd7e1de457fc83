"""Statements about accounts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from fostr.domains.identity.accounts.schemas import User
from fostr.kernel.db.unit import Unit
from fostr.kernel.ids import new_id

_COLUMNS: Final = """
    u.id, u.email, u.full_name, u.title, u.phone, u.bio, u.avatar_url, u.is_superuser, u.email_verified_at,
    u.last_sign_in_at, u.created_at, u.updated_at, u.version
"""


def _user(row: asyncpg.Record) -> User:
    return User(**dict(row))


async def insert_user(
    unit: Unit, *, email: str, password_hash: str | None, full_name: str, is_superuser: bool, now: datetime
) -> User | None:
    """Return None when the address is taken."""
    row = await unit.row(
        f"""
        insert into users as u (id, email, password_hash, full_name, is_superuser, created_at, updated_at)
        values (:id, lower(:email), :password_hash, :full_name, :is_superuser, :now, :now)
        on conflict (email) do nothing
        returning {_COLUMNS}
        """,
        id=new_id(),
        email=email,
        password_hash=password_hash,
        full_name=full_name,
        is_superuser=is_superuser,
        now=now,
    )
    return None if row is None else _user(row)


async def get_user(unit: Unit, *, user_id: UUID, lock: bool = False) -> User:
    row = await unit.row(
        f"select {_COLUMNS} from users u where u.id = :id {'for no key update' if lock else ''}", id=user_id
    )
    assert row is not None  # noqa: S101 - accounts are never deleted while a credential of theirs works
    return _user(row)


async def update_user(unit: Unit, *, user_id: UUID, values: dict[str, Any], now: datetime) -> User:
    row = await unit.row(
        f"""
        update users u
        set full_name = :full_name, title = :title, phone = :phone, bio = :bio, avatar_url = :avatar_url,
            updated_at = :now, version = u.version + 1
        where u.id = :id
        returning {_COLUMNS}
        """,
        id=user_id,
        now=now,
        **values,
    )
    assert row is not None  # noqa: S101 - locked by the caller
    return _user(row)


async def find_password_hash(unit: Unit, *, user_id: UUID) -> str | None:
    return await unit.value("select password_hash from users where id = :id", id=user_id)


@dataclass(frozen=True, slots=True)
class Person:
    """What proving who one is needs to know of an account that is open."""

    id: UUID
    email: str
    full_name: str
    has_password: bool
    is_verified: bool


_PERSON: Final = """
    id, email, full_name, password_hash is not null as has_password, email_verified_at is not null as is_verified
"""


async def find_person(unit: Unit, *, user_id: UUID) -> Person | None:
    row = await unit.row(f"select {_PERSON} from users where id = :id and is_active", id=user_id)
    return None if row is None else Person(**dict(row))


async def find_person_by_email(unit: Unit, *, email: str) -> Person | None:
    row = await unit.row(f"select {_PERSON} from users where email = lower(:email) and is_active", email=email)
    return None if row is None else Person(**dict(row))


async def find_user_by_email(unit: Unit, *, email: str) -> User | None:
    row = await unit.row(f"select {_COLUMNS} from users u where u.email = lower(:email)", email=email)
    return None if row is None else _user(row)


async def verify_user(unit: Unit, *, user_id: UUID, password_hash: str | None, full_name: str, now: datetime) -> None:
    """Note that the address is the person's; a password and a name are set when they are given."""
    await unit.run(
        """
        update users
        set email_verified_at = coalesce(email_verified_at, :now),
            password_hash = coalesce(:password_hash, password_hash),
            full_name = case when :full_name = '' then full_name else :full_name end,
            updated_at = :now, version = version + 1
        where id = :id
        """,
        id=user_id,
        password_hash=password_hash,
        full_name=full_name,
        now=now,
    )


async def set_first_password(
    unit: Unit, *, user_id: UUID, password_hash: str, now: datetime, full_name: str, is_verified: bool
) -> bool:
    """Say whether the account had none; of any number at once, one hears so."""
    changed = await unit.run(
        """
        update users
        set password_hash = :password_hash, updated_at = :now, version = version + 1,
            full_name = coalesce(nullif(:full_name, ''), full_name),
            email_verified_at = case when :is_verified then coalesce(email_verified_at, :now) else email_verified_at end
        where id = :id and password_hash is null and is_active
        """,
        id=user_id,
        password_hash=password_hash,
        full_name=full_name,
        is_verified=is_verified,
        now=now,
    )
    return changed == 1


async def list_workspace_ids(unit: Unit, *, user_id: UUID) -> list[UUID]:
    rows = await unit.rows(
        """
        select m.workspace_id from memberships m
        join workspaces w on w.id = m.workspace_id and w.deleted_at is null
        where m.user_id = :user_id and m.status = 'active'
        """,
        user_id=user_id,
    )
    return [row["workspace_id"] for row in rows]


async def set_password_hash(unit: Unit, *, user_id: UUID, password_hash: str) -> None:
    await unit.run(
        "update users set password_hash = :password_hash where id = :id", id=user_id, password_hash=password_hash
    )


async def note_sign_in(unit: Unit, *, user_id: UUID, now: datetime) -> User:
    row = await unit.row(
        f"update users u set last_sign_in_at = :now where u.id = :id returning {_COLUMNS}", id=user_id, now=now
    )
    assert row is not None  # noqa: S101 - the caller has just found the account
    return _user(row)


async def has_event_of(unit: Unit, *, user_id: UUID, cause_id: str) -> bool:
    """Say whether the unit's workspace has an event about the account with that cause."""
    return await unit.value(
        """
        select exists (
            select 1 from events e
            where e.workspace_id = :workspace and e.entity = 'account' and e.entity_id = :user_id
              and e.cause ->> 'id' = :cause_id
        )
        """,
        user_id=user_id,
        cause_id=cause_id,
    )
