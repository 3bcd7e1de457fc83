"""Statements about sessions and their refresh tokens."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from fostr.domains.identity.sessions.devices import name_device
from fostr.domains.identity.sessions.schemas import Session
from fostr.kernel.db.unit import Unit
from fostr.kernel.ids import new_id


@dataclass(frozen=True, slots=True)
class SignInFacts:
    """What signing in needs to know of an account."""

    user_id: UUID
    password_hash: str | None


async def find_sign_in_facts(unit: Unit, *, email: str) -> SignInFacts | None:
    """Return the account of an address, unless it is unknown or closed."""
    row = await unit.look_up(
        "select id as user_id, password_hash from users where email = lower(:email) and is_active", email=email
    )
    return None if row is None else SignInFacts(**dict(row))


async def find_last_workspace_id(unit: Unit, *, user_id: UUID) -> UUID | None:
    """Return the workspace that the person was last in, or else the first that they joined."""
    return await unit.value(
        """
        select m.workspace_id from memberships m
        join workspaces w on w.id = m.workspace_id and w.deleted_at is null
        left join lateral (
            select max(s.last_used_at) as used_at from sessions s
            where s.user_id = m.user_id and s.workspace_id = m.workspace_id
        ) visit on true
        where m.user_id = :user_id and m.status = 'active'
        order by visit.used_at desc nulls last, m.created_at, m.workspace_id limit 1
        """,
        user_id=user_id,
    )


async def insert_session(unit: Unit, *, values: dict[str, Any]) -> None:
    await unit.run(
        """
        insert into sessions
            (id, user_id, kind, digest, workspace_id, user_agent, address, created_at, authenticated_at, last_used_at,
             expires_at, cookie_expires_at)
        values
            (:id, :user_id, 'cookie', :digest, :workspace_id, :user_agent, :address, :now, :now, :now,
             :expires_at, :cookie_expires_at)
        """,
        **values,
    )


async def insert_refresh_token(
    unit: Unit, *, session_id: UUID, digest: bytes, now: datetime, expires_at: datetime
) -> None:
    await unit.run(
        """
        insert into refresh_tokens (id, session_id, digest, created_at, expires_at)
        values (:id, :session_id, :digest, :now, :expires_at)
        """,
        id=new_id(),
        session_id=session_id,
        digest=digest,
        now=now,
        expires_at=expires_at,
    )


async def use_refresh_token(unit: Unit, *, digest: bytes, now: datetime) -> asyncpg.Record | None:
    """Mark a token as used; of any number at once, one gets the session and the others nothing."""
    return await unit.row(
        """
        update refresh_tokens t set used_at = :now
        from sessions s join users u on u.id = s.user_id and u.is_active
        where t.digest = :digest and t.used_at is null and t.expires_at > :now
          and s.id = t.session_id and s.revoked_at is null and s.expires_at > :now
        returning s.id as session_id, s.user_id
        """,
        digest=digest,
        now=now,
    )


async def find_refresh_token(unit: Unit, *, digest: bytes) -> asyncpg.Record | None:
    return await unit.row(
        """
        select t.used_at, t.expires_at, s.id as session_id, s.user_id, s.revoked_at
        from refresh_tokens t join sessions s on s.id = t.session_id
        where t.digest = :digest
        """,
        digest=digest,
    )


async def extend_session(unit: Unit, *, session_id: UUID, now: datetime, expires_at: datetime) -> None:
    """Move the end of a session on; one of somebody who acts for another keeps its own."""
    await unit.run(
        """
        update sessions
        set last_used_at = :now,
            expires_at = case when acting_user_id is null then greatest(expires_at, :expires_at) else expires_at end
        where id = :id
        """,
        id=session_id,
        now=now,
        expires_at=expires_at,
    )


async def list_sessions(
    unit: Unit, *, user_id: UUID, current: UUID, now: datetime, limit: int, offset: int
) -> list[Session]:
    rows = await unit.rows(
        """
        select id, id = :current as is_current, user_agent, address, workspace_id, acting_user_id, created_at,
            authenticated_at, last_used_at, expires_at
        from sessions where user_id = :user_id and revoked_at is null and expires_at > :now
        order by last_used_at desc, id desc limit :limit offset :offset
        """,
        user_id=user_id,
        current=current,
        now=now,
        limit=limit,
        offset=offset,
    )
    return [Session(**dict(row), device=name_device(row["user_agent"])) for row in rows]


async def count_sessions(unit: Unit, *, user_id: UUID, now: datetime) -> int:
    return await unit.value(
        "select count(*) from sessions where user_id = :user_id and revoked_at is null and expires_at > :now",
        user_id=user_id,
        now=now,
    )


async def revoke_session(unit: Unit, *, session_id: UUID, user_id: UUID, reason: str, now: datetime) -> bool:
    """Say whether the session was still good."""
    revoked = await unit.run(
        """
        update sessions set revoked_at = :now, revoked_reason = :reason
        where id = :id and user_id = :user_id and revoked_at is null and expires_at > :now
        """,
        id=session_id,
        user_id=user_id,
        reason=reason,
        now=now,
    )
    return revoked == 1


async def revoke_other_sessions(unit: Unit, *, user_id: UUID, kept: UUID, reason: str, now: datetime) -> int:
    return await unit.run(
        """
        update sessions set revoked_at = :now, revoked_reason = :reason
        where user_id = :user_id and id <> :kept and revoked_at is null and expires_at > :now
        """,
        user_id=user_id,
        kept=kept,
        reason=reason,
        now=now,
    )


async def delete_ended_sessions(unit: Unit, *, before: datetime) -> int:
    """Delete the sessions that ended long ago, and with them their refresh tokens."""
    return await unit.run("delete from sessions where expires_at < :before or revoked_at < :before", before=before)
