"""Statements about personal access tokens."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from fostr.domains.identity.tokens.schemas import PersonalAccessToken
from fostr.kernel.db.unit import Unit

_COLUMNS: Final = """
    t.id, t.name, t.hint as prefix, t.scope, t.created_at, t.expires_at, t.last_used_at, t.replaced_by_id
"""
_OWN: Final = "t.user_id = :user_id and t.kind = 'pat' and t.revoked_at is null"


def _token(row: asyncpg.Record) -> PersonalAccessToken:
    return PersonalAccessToken(**dict(row))


async def list_tokens(unit: Unit, *, user_id: UUID, limit: int, offset: int) -> list[PersonalAccessToken]:
    rows = await unit.rows(
        f"""
        select {_COLUMNS} from tokens t where {_OWN}
        order by t.created_at desc, t.id desc limit :limit offset :offset
        """,
        user_id=user_id,
        limit=limit,
        offset=offset,
    )
    return [_token(row) for row in rows]


async def count_tokens(unit: Unit, *, user_id: UUID) -> int:
    return await unit.value(f"select count(*) from tokens t where {_OWN}", user_id=user_id)


async def find_expiry(unit: Unit, *, token_id: UUID) -> datetime | None:
    return await unit.value("select expires_at from tokens where id = :id", id=token_id)


async def insert_token(unit: Unit, *, values: dict[str, Any]) -> PersonalAccessToken:
    row = await unit.row(
        f"""
        insert into tokens as t (id, kind, digest, hint, name, scope, user_id, created_at, expires_at)
        values (:id, 'pat', :digest, :hint, :name, :scope, :user_id, :now, :expires_at)
        returning {_COLUMNS}
        """,
        **values,
    )
    assert row is not None  # noqa: S101 - an insert returns its row or raises
    return _token(row)


async def lock_token(unit: Unit, *, token_id: UUID, user_id: UUID) -> PersonalAccessToken | None:
    row = await unit.row(
        f"select {_COLUMNS} from tokens t where t.id = :id and {_OWN} for no key update",
        id=token_id,
        user_id=user_id,
    )
    return None if row is None else _token(row)


async def replace_token(unit: Unit, *, token_id: UUID, by: UUID, until: datetime | None, now: datetime) -> None:
    """Name a token's successor; it works until a moment, never for longer than before, or with None no more."""
    await unit.run(
        """
        update tokens t
        set replaced_by_id = :by, version = t.version + 1,
            expires_at = case when :until::timestamptz is null then t.expires_at
                              else least(t.expires_at, :until) end,
            revoked_at = case when :until::timestamptz is null then :now::timestamptz end,
            is_active = t.is_active and :until::timestamptz is not null
        where t.id = :id
        """,
        id=token_id,
        by=by,
        until=until,
        now=now,
    )


async def revoke_token(unit: Unit, *, token_id: UUID, user_id: UUID, now: datetime) -> bool:
    """Say whether there was such a token."""
    revoked = await unit.run(
        f"""
        update tokens t set revoked_at = :now, is_active = false, version = t.version + 1
        where t.id = :id and {_OWN}
        """,
        id=token_id,
        user_id=user_id,
        now=now,
    )
    return revoked == 1
