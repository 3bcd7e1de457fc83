"""Statements about passkeys and their challenges."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from fostr.domains.identity.passkeys.schemas import Passkey
from fostr.kernel.db.unit import Unit

_COLUMNS: Final = "p.id, p.name, p.is_backed_up, p.created_at, p.last_used_at"


def _passkey(row: asyncpg.Record) -> Passkey:
    return Passkey(**dict(row))


async def list_passkeys(unit: Unit, *, user_id: UUID) -> list[Passkey]:
    rows = await unit.rows(
        f"select {_COLUMNS} from passkeys p where p.user_id = :user_id order by p.created_at desc, p.id desc",
        user_id=user_id,
    )
    return [_passkey(row) for row in rows]


async def list_credential_ids(unit: Unit, *, user_id: UUID) -> list[bytes]:
    rows = await unit.rows("select credential_id from passkeys where user_id = :user_id", user_id=user_id)
    return [row["credential_id"] for row in rows]


async def insert_passkey(unit: Unit, *, values: dict[str, Any]) -> Passkey | None:
    """Return None when the key is registered, with whomever."""
    row = await unit.row(
        f"""
        insert into passkeys as p
            (id, user_id, credential_id, public_key, sign_count, transports, name, aaguid, is_backed_up, created_at)
        values
            (:id, :user_id, :credential_id, :public_key, :sign_count, :transports, :name, :aaguid, :is_backed_up, :now)
        on conflict (credential_id) do nothing
        returning {_COLUMNS}
        """,
        **values,
    )
    return None if row is None else _passkey(row)


async def find_by_credential(unit: Unit, *, credential_id: bytes) -> asyncpg.Record | None:
    return await unit.row(
        """
        select p.id, p.user_id, p.public_key, p.sign_count
        from passkeys p join users u on u.id = p.user_id and u.is_active
        where p.credential_id = :credential_id
        """,
        credential_id=credential_id,
    )


async def note_use(unit: Unit, *, passkey_id: UUID, sign_count: int, now: datetime) -> bool:
    """Say whether the device's count has grown; of any number with the same count, one gets through.

    A device that does not count always says zero.
    """
    noted = await unit.run(
        """
        update passkeys set sign_count = :sign_count, last_used_at = :now
        where id = :id and (sign_count < :sign_count or (sign_count = 0 and :sign_count = 0))
        """,
        id=passkey_id,
        sign_count=sign_count,
        now=now,
    )
    return noted == 1


async def rename_passkey(unit: Unit, *, passkey_id: UUID, user_id: UUID, name: str | None) -> Passkey | None:
    row = await unit.row(
        f"""
        update passkeys p set name = coalesce(:name::text, p.name) where p.id = :id and p.user_id = :user_id
        returning {_COLUMNS}
        """,
        id=passkey_id,
        user_id=user_id,
        name=name,
    )
    return None if row is None else _passkey(row)


async def delete_passkey(unit: Unit, *, passkey_id: UUID, user_id: UUID) -> bool:
    """Say whether there was such a passkey."""
    deleted = await unit.run(
        "delete from passkeys where id = :id and user_id = :user_id", id=passkey_id, user_id=user_id
    )
    return deleted == 1


async def insert_challenge(unit: Unit, *, values: dict[str, Any]) -> None:
    await unit.run(
        """
        insert into passkey_challenges (id, purpose, digest, session_id, created_at, expires_at)
        values (:id, :purpose, :digest, :session_id, :now, :expires_at)
        """,
        **values,
    )


async def use_challenge(unit: Unit, *, purpose: str, digest: bytes, session_id: UUID | None, now: datetime) -> bool:
    """Say whether the challenge was out for this, and end it; of any number at once, one uses it."""
    used = await unit.run(
        """
        delete from passkey_challenges
        where digest = :digest and purpose = :purpose and session_id is not distinct from :session_id
          and expires_at > :now
        """,
        digest=digest,
        purpose=purpose,
        session_id=session_id,
        now=now,
    )
    return used == 1


async def delete_expired(unit: Unit, *, now: datetime) -> int:
    return await unit.run("delete from passkey_challenges where expires_at < :now", now=now)
