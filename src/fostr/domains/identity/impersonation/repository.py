"""Statements about impersonations, and about the sessions behind them."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from fostr.domains.identity.impersonation.schemas import Impersonation
from fostr.kernel.db.unit import Unit

_COLUMNS: Final = """
    i.id, i.member_id, i.acting_user_id as acting_as, i.acting_name, i.acting_email, i.reason,
    case when i.ended_at is not null or i.expires_at <= :now or s.revoked_at is not null then 'ended'
         when i.started_at is null then 'waiting' else 'active' end as status,
    i.created_at, i.started_at, i.expires_at,
    coalesce(i.ended_at, s.revoked_at, case when i.expires_at <= :now then i.expires_at end) as ended_at,
    coalesce(
        i.ended_reason,
        case when s.revoked_at is not null then 'session_ended' when i.expires_at <= :now then 'expired' end
    ) as ended_reason
"""
"""What the session has come to is told at once; the event of its end follows by a job where nobody has written it."""


def _impersonation(row: asyncpg.Record) -> Impersonation:
    return Impersonation(**dict(row))


async def find_target(unit: Unit, *, workspace_id: UUID, member_id: UUID) -> asyncpg.Record | None:
    """Return an active member of an open workspace."""
    return await unit.row(
        """
        select u.id as user_id, u.is_superuser
        from memberships m
        join users u on u.id = m.user_id and u.is_active
        join workspaces w on w.id = m.workspace_id and w.deleted_at is null
        where m.workspace_id = :workspace_id and m.member_id = :member_id and m.status = 'active'
        """,
        workspace_id=workspace_id,
        member_id=member_id,
    )


async def is_superuser(unit: Unit, *, user_id: UUID) -> bool:
    found = await unit.value(
        "select is_superuser from users where id = :user_id and is_active for key share", user_id=user_id
    )
    return bool(found)


async def insert_impersonation(unit: Unit, *, values: dict[str, Any]) -> None:
    await unit.run(
        """
        insert into impersonations
            (id, workspace_id, member_id, user_id, acting_user_id, acting_name, acting_email, reason, created_at,
             expires_at)
        values (:id, :workspace, :member_id, :user_id, :acting_user_id, :acting_name, :acting_email, :reason, :now,
             :expires_at)
        """,
        **values,
    )


async def insert_session(unit: Unit, *, values: dict[str, Any]) -> None:
    """Open a session without a cookie."""
    await unit.run(
        """
        insert into sessions
            (id, user_id, kind, workspace_id, acting_user_id, user_agent, address, created_at, authenticated_at,
             last_used_at, expires_at)
        values
            (:id, :user_id, 'token', :workspace_id, :acting_user_id, :user_agent, :address, :now, :now, :now,
             :expires_at)
        """,
        **values,
    )


async def start(unit: Unit, *, impersonation_id: UUID, session_id: UUID, now: datetime, expires_at: datetime) -> bool:
    """Say whether it could begin: it has not, and nobody has ended it."""
    started = await unit.run(
        """
        update impersonations set session_id = :session_id, started_at = :now, expires_at = :expires_at
        where id = :id and started_at is null and ended_at is null
        """,
        id=impersonation_id,
        session_id=session_id,
        now=now,
        expires_at=expires_at,
    )
    return started == 1


async def find_impersonation(unit: Unit, *, impersonation_id: UUID, now: datetime) -> Impersonation | None:
    """Return one of the unit's workspace."""
    row = await unit.row(
        f"""
        select {_COLUMNS} from impersonations i left join sessions s on s.id = i.session_id
        where i.workspace_id = :workspace and i.id = :id
        """,
        id=impersonation_id,
        now=now,
    )
    return None if row is None else _impersonation(row)


async def list_impersonations(unit: Unit, *, now: datetime, limit: int, offset: int) -> list[Impersonation]:
    rows = await unit.rows(
        f"""
        select {_COLUMNS} from impersonations i left join sessions s on s.id = i.session_id
        where i.workspace_id = :workspace order by i.id desc limit :limit offset :offset
        """,
        now=now,
        limit=limit,
        offset=offset,
    )
    return [_impersonation(row) for row in rows]


async def count_impersonations(unit: Unit) -> int:
    return await unit.value("select count(*) from impersonations i where i.workspace_id = :workspace")


async def end(unit: Unit, *, impersonation_id: UUID, reason: str, now: datetime) -> asyncpg.Record | None:
    """Write down the end; of any number at once, one hears what ended."""
    return await unit.row(
        """
        update impersonations set ended_at = least(:now, expires_at), ended_reason = :reason
        where id = :id and workspace_id = :workspace and ended_at is null
        returning user_id, session_id
        """,
        id=impersonation_id,
        reason=reason,
        now=now,
    )


async def revoke_session(unit: Unit, *, session_id: UUID, reason: str, now: datetime) -> None:
    await unit.run(
        """
        update sessions set revoked_at = :now, revoked_reason = :reason
        where id = :id and acting_user_id is not null and revoked_at is null
        """,
        id=session_id,
        reason=reason,
        now=now,
    )


async def find_of_session(unit: Unit, *, session_id: UUID) -> asyncpg.Record | None:
    return await unit.row("select id, workspace_id from impersonations where session_id = :id", id=session_id)


async def list_over(unit: Unit, *, now: datetime, limit: int) -> list[asyncpg.Record]:
    """Return what is over, by its time or because its session was ended, and is not written down as such."""
    return await unit.rows(
        """
        select i.id, i.workspace_id, i.started_at is not null as has_started,
            case when s.revoked_at is not null then 'session_ended' else 'expired' end as reason
        from impersonations i left join sessions s on s.id = i.session_id
        where i.ended_at is null
          and (i.expires_at <= :now or s.revoked_at is not null or (i.started_at is not null and s.id is null))
        order by i.id limit :limit
        """,
        now=now,
        limit=limit,
    )
