"""Statements about accounts."""

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
    unit: Unit, *, email: str, password_hash: str, full_name: str, is_superuser: bool, now: datetime
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
