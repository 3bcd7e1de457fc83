"""Statements on the inbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fostr.kernel.events.log import to_event

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from fostr.kernel.db.unit import Unit
    from fostr.kernel.events.consumers import Event

_COLUMNS: Final = """
    n.id, n.event_id, n.event_type, n.type, n.title, n.body, n.link, n.thread, n.is_critical, n.entity, n.entity_id,
    n.scope_id, n.record_id, n.created_at, n.read_at,
    n.actor_id, coalesce(a.full_name, '') as actor_name, a.avatar_url as actor_avatar_url
"""
_ACTOR: Final = "left join members a on a.workspace_id = :workspace and a.id = n.actor_id"
_LISTED: Final = """
    n.workspace_id = :workspace and n.member_id = :member_id and n.in_app and n.deleted_at is null
    and (not :unread_only or n.read_at is null)
    and (:types::text[] is null or n.type = any(:types))
    and (:thread::text is null or n.thread = :thread)
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of a member's notifications are listed.

    Attributes:
        member_id: whose.
        unread_only: whether those that were read are left out.
        types: only of these types; None for all.
        thread: only those of one thread; None for all.
    """

    member_id: UUID
    unread_only: bool = False
    types: Sequence[str] | None = None
    thread: str | None = None


async def list_notifications(unit: Unit, wanted: Wanted, *, limit: int, offset: int) -> list[asyncpg.Record]:
    """Return a part of a member's notifications, the newest first."""
    return await unit.rows(
        f"""
        select {_COLUMNS}, null::bigint as thread_total, null::bigint as thread_unread
        from notifications n {_ACTOR}
        where {_LISTED}
        order by n.created_at desc, n.id desc limit :limit offset :offset
        """,
        **_params(wanted),
        limit=limit,
        offset=offset,
    )


async def list_newest_of_threads(unit: Unit, wanted: Wanted, *, limit: int, offset: int) -> list[asyncpg.Record]:
    """Return the newest notification of each thread, with how many of the listed ones the thread holds."""
    return await unit.rows(
        f"""
        with listed as (
            select n.workspace_id, n.id,
                   row_number() over (partition by n.thread order by n.created_at desc, n.id desc) as place,
                   count(*) over (partition by n.thread) as thread_total,
                   count(*) filter (where n.read_at is null) over (partition by n.thread) as thread_unread
            from notifications n where {_LISTED}
        )
        select {_COLUMNS}, l.thread_total, l.thread_unread
        from listed l
        join notifications n on n.workspace_id = :workspace and n.id = l.id
        {_ACTOR}
        where l.place = 1
        order by n.created_at desc, n.id desc limit :limit offset :offset
        """,
        **_params(wanted),
        limit=limit,
        offset=offset,
    )


async def count_notifications(unit: Unit, wanted: Wanted, *, by_thread: bool) -> int:
    """Return how many notifications are listed; with `by_thread`, in how many threads."""
    counted = "distinct n.thread" if by_thread else "*"
    return await unit.value(f"select count({counted}) from notifications n where {_LISTED}", **_params(wanted))


async def count_unread(unit: Unit, *, member_id: UUID) -> int:
    """Return how many notifications a member has not read."""
    return await unit.value(
        """
        select count(*) from notifications n
        where n.workspace_id = :workspace and n.member_id = :member_id and n.in_app and n.deleted_at is null
          and n.read_at is null
        """,
        member_id=member_id,
    )


async def list_for_members(unit: Unit, *, event_id: UUID, type: str, member_ids: list[UUID]) -> list[asyncpg.Record]:
    """Return what some members were told of an event by a type, as far as it stands in their inbox."""
    return await unit.rows(
        f"""
        select {_COLUMNS}, n.member_id, null::bigint as thread_total, null::bigint as thread_unread
        from notifications n {_ACTOR}
        where n.workspace_id = :workspace and n.event_id = :event_id and n.type = :type
          and n.member_id = any(:member_ids) and n.in_app and n.deleted_at is null
        """,
        event_id=event_id,
        type=type,
        member_ids=member_ids,
    )


async def list_events(unit: Unit, event_ids: list[UUID]) -> dict[UUID, Event]:
    """Return events by their ids, without those that were pruned."""
    rows = await unit.rows(
        """
        select e.id, e.type, e.version, e.entity, e.entity_id, e.actor, e.before, e.after, e.cause, e.created_at
        from events e where e.workspace_id = :workspace and e.id = any(:event_ids)
        """,
        event_ids=event_ids,
    )
    return {row["id"]: to_event(unit, row) for row in rows}


async def mark_read(
    unit: Unit,
    *,
    member_id: UUID,
    now: datetime,
    notification_id: UUID | None,
    thread: str | None,
    before: datetime | None,
) -> int:
    """Mark unread notifications of a member as read; return how many that were."""
    return await unit.run(
        """
        update notifications n set read_at = :now
        where n.workspace_id = :workspace and n.member_id = :member_id and n.in_app and n.deleted_at is null
          and n.read_at is null
          and (:notification_id::uuid is null or n.id = :notification_id)
          and (:thread::text is null or n.thread = :thread)
          and (:before::timestamptz is null or n.created_at <= :before)
        """,
        member_id=member_id,
        now=now,
        notification_id=notification_id,
        thread=thread,
        before=before,
    )


async def mark_unread(unit: Unit, *, member_id: UUID, notification_id: UUID) -> int:
    """Take back that a member has read a notification; return 0 where they have not."""
    return await unit.run(
        """
        update notifications n set read_at = null
        where n.workspace_id = :workspace and n.member_id = :member_id and n.id = :notification_id
          and n.in_app and n.deleted_at is null and n.read_at is not null
        """,
        member_id=member_id,
        notification_id=notification_id,
    )


async def delete_notification(unit: Unit, *, member_id: UUID, notification_id: UUID, now: datetime) -> bool:
    """Take a notification out of a member's inbox; say whether it was there."""
    return bool(
        await unit.run(
            """
            update notifications n set deleted_at = :now
            where n.workspace_id = :workspace and n.member_id = :member_id and n.id = :notification_id
              and n.in_app and n.deleted_at is null
            """,
            member_id=member_id,
            notification_id=notification_id,
            now=now,
        )
    )


async def has_notification(unit: Unit, *, member_id: UUID, notification_id: UUID) -> bool:
    """Say whether a notification is in a member's inbox."""
    return await unit.value(
        """
        select exists (
            select from notifications n
            where n.workspace_id = :workspace and n.member_id = :member_id and n.id = :notification_id
              and n.in_app and n.deleted_at is null
        )
        """,
        member_id=member_id,
        notification_id=notification_id,
    )


async def count_of_member(unit: Unit, member_id: UUID) -> int:
    """Return how much a member was told that is still kept."""
    return await unit.value(
        "select count(*) from notifications n where n.workspace_id = :workspace and n.member_id = :member_id",
        member_id=member_id,
    )


async def list_of_member(unit: Unit, *, member_id: UUID, limit: int, offset: int) -> list[asyncpg.Record]:
    """Return a part of what a member was told, whichever way, the oldest first, without words."""
    return await unit.rows(
        """
        select n.id, n.type, n.created_at from notifications n
        where n.workspace_id = :workspace and n.member_id = :member_id
        order by n.created_at, n.id limit :limit offset :offset
        """,
        member_id=member_id,
        limit=limit,
        offset=offset,
    )


async def delete_of_member(unit: Unit, *, member_id: UUID) -> None:
    """Forget everything that a member was told."""
    await unit.run(
        "delete from notifications n where n.workspace_id = :workspace and n.member_id = :member_id",
        member_id=member_id,
    )


async def prune(unit: Unit, *, read_before: datetime, told_before: datetime, limit: int) -> int:
    """Forget notifications that were read or deleted long ago, or told very long ago; return how many."""
    return await unit.run(
        """
        delete from notifications n
        where n.workspace_id = :workspace and n.id in (
            select o.id from notifications o
            where o.workspace_id = :workspace and o.created_at < :read_before
              and (o.created_at < :told_before or o.read_at < :read_before or o.deleted_at < :read_before)
            limit :limit
        )
        """,
        read_before=read_before,
        told_before=told_before,
        limit=limit,
    )


def _params(wanted: Wanted) -> dict[str, object]:
    return {
        "member_id": wanted.member_id,
        "unread_only": wanted.unread_only,
        "types": None if wanted.types is None else list(wanted.types),
        "thread": wanted.thread,
    }
