"""Statements about API keys. They are control rows, found by workspace and id."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg

from fostr.domains.workspaces.api_keys.schemas import KeyFilter
from fostr.kernel.auth.principals import Scope
from fostr.kernel.db.unit import Unit

_COLUMNS: Final = """
    t.id, t.name, t.description, t.hint, t.scope, t.user_id, t.is_active, t.created_at, t.expires_at, t.last_used_at,
    t.revoked_at, t.replaced_by_id, t.version
"""
_MATCHES: Final = """
    t.workspace_id = :workspace and t.kind = 'api_key'
    and (:is_active::bool is null or t.is_active = :is_active)
    and (:is_revoked::bool is null or (t.revoked_at is not null) = :is_revoked)
"""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as it stands in the table, without its digest."""

    id: UUID
    name: str
    description: str
    hint: str
    scope: Scope
    user_id: UUID
    is_active: bool
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    replaced_by_id: UUID | None
    version: int


def _key(row: asyncpg.Record) -> StoredKey:
    values: dict[str, Any] = {**dict(row), "scope": Scope.parse(row["scope"])}
    return StoredKey(**values)


async def list_keys(unit: Unit, *, wanted: KeyFilter, limit: int, offset: int) -> list[StoredKey]:
    rows = await unit.rows(
        f"""
        select {_COLUMNS} from tokens t where {_MATCHES}
        order by t.created_at desc, t.id desc limit :limit offset :offset
        """,
        is_active=wanted.is_active,
        is_revoked=wanted.is_revoked,
        limit=limit,
        offset=offset,
    )
    return [_key(row) for row in rows]


async def count_keys(unit: Unit, *, wanted: KeyFilter) -> int:
    return await unit.value(
        f"select count(*) from tokens t where {_MATCHES}",
        is_active=wanted.is_active,
        is_revoked=wanted.is_revoked,
    )


async def find_key(unit: Unit, *, key_id: UUID, lock: bool = False) -> StoredKey | None:
    row = await unit.row(
        f"""
        select {_COLUMNS} from tokens t
        where t.workspace_id = :workspace and t.kind = 'api_key' and t.id = :id {"for no key update" if lock else ""}
        """,
        id=key_id,
    )
    return None if row is None else _key(row)


async def insert_key(unit: Unit, *, values: dict[str, Any]) -> StoredKey:
    row = await unit.row(
        f"""
        insert into tokens as t
            (id, kind, digest, hint, name, description, scope, user_id, workspace_id, created_at, expires_at)
        values
            (:id, 'api_key', :digest, :hint, :name, :description, :scope, :user_id, :workspace, :now, :expires_at)
        returning {_COLUMNS}
        """,
        **values,
    )
    assert row is not None  # noqa: S101 - an insert returns its row or raises
    return _key(row)


async def update_key(
    unit: Unit, *, key_id: UUID, name: str, description: str, scope: Scope, is_active: bool
) -> StoredKey:
    row = await unit.row(
        f"""
        update tokens t
        set name = :name, description = :description, scope = :scope, is_active = :is_active, version = t.version + 1
        where t.workspace_id = :workspace and t.kind = 'api_key' and t.id = :id
        returning {_COLUMNS}
        """,
        id=key_id,
        name=name,
        description=description,
        scope=scope.label,
        is_active=is_active,
    )
    assert row is not None  # noqa: S101 - locked by the caller
    return _key(row)


async def revoke_key(unit: Unit, *, key_id: UUID, now: datetime) -> StoredKey:
    row = await unit.row(
        f"""
        update tokens t set revoked_at = :now, is_active = false, version = t.version + 1
        where t.workspace_id = :workspace and t.kind = 'api_key' and t.id = :id
        returning {_COLUMNS}
        """,
        id=key_id,
        now=now,
    )
    assert row is not None  # noqa: S101 - locked by the caller
    return _key(row)


async def replace_key(unit: Unit, *, key_id: UUID, by: UUID, until: datetime | None, now: datetime) -> StoredKey:
    """Name a key's successor; it works until a moment, never for longer than before, or with None no more."""
    row = await unit.row(
        f"""
        update tokens t
        set replaced_by_id = :by, version = t.version + 1,
            expires_at = case when :until::timestamptz is null then t.expires_at
                              else least(t.expires_at, :until) end,
            revoked_at = case when :until::timestamptz is null then :now::timestamptz end,
            is_active = t.is_active and :until::timestamptz is not null
        where t.workspace_id = :workspace and t.kind = 'api_key' and t.id = :id
        returning {_COLUMNS}
        """,
        id=key_id,
        by=by,
        until=until,
        now=now,
    )
    assert row is not None  # noqa: S101 - locked by the caller
    return _key(row)


async def delete_key(unit: Unit, *, key_id: UUID) -> None:
    await unit.run("delete from tokens where workspace_id = :workspace and kind = 'api_key' and id = :id", id=key_id)


async def list_expiring(unit: Unit, *, now: datetime, until: datetime, made_before: timedelta) -> list[asyncpg.Record]:
    """Return workspace and id of the keys, in all workspaces, that end by a moment.

    Left out are those that nobody can use, or that have a successor, and those that were made so short before their end
    that whoever made them knows of it.
    """
    return await unit.rows(
        """
        select t.workspace_id, t.id from tokens t
        where t.kind = 'api_key' and t.is_active and t.revoked_at is null and t.replaced_by_id is null
          and t.expires_at > :now and t.expires_at <= :until and t.created_at <= t.expires_at - :made_before::interval
        order by t.expires_at, t.id
        """,
        now=now,
        until=until,
        made_before=made_before,
    )


async def is_told(unit: Unit, *, key_id: UUID, type: str) -> bool:
    """Say whether an event of a type was recorded about a key."""
    return await unit.value(
        """
        select exists (
            select from events e
            where e.workspace_id = :workspace and e.entity = 'api_key' and e.entity_id = :id and e.type = :type
        )
        """,
        id=key_id,
        type=type,
    )
