"""Statements about deliveries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fostr.domains.notifications.deliveries.rules import THREAD_PAUSE, Channel, Choices, Latest
from fostr.domains.notifications.quiet_hours.rules import QuietHours, read_hours

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from fostr.domains.notifications.deliveries.rules import Slot
    from fostr.kernel.db.unit import Unit


_DUE: Final = """
    select d.id, d.notification_id, d.channel, d.thread, d.is_critical, d.is_gathered, n.event_id, n.type,
           n.created_at as told_at, coalesce(a.full_name, '') as done_by,
           n.read_at is not null or n.deleted_at is not null as is_put_away
    from notification_deliveries d
    join notifications n on n.workspace_id = d.workspace_id and n.id = d.notification_id
    left join members a on a.workspace_id = d.workspace_id and a.id = n.actor_id
    where d.workspace_id = :workspace
"""


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery whose time has come.

    Attributes:
        event_id: what it tells of.
        type: the name of the notification's type.
        told_at: when the member was told in the product.
        done_by: the name of the member who did what it tells of; possibly empty.
        is_put_away: whether they have read it there since, or deleted it.
    """

    id: UUID
    notification_id: UUID
    channel: Channel
    thread: str
    is_critical: bool
    is_gathered: bool
    event_id: UUID
    type: str
    told_at: datetime
    done_by: str
    is_put_away: bool


@dataclass(frozen=True, slots=True)
class Addressee:
    """A person, and the workspace from which they are written to.

    Attributes:
        has_confirmed: whether the address is known to be theirs.
        phone: as they wrote it; possibly empty.
        home: the workspace's page: a path below the server's address.
    """

    email: str
    has_confirmed: bool
    full_name: str
    phone: str
    workspace_name: str
    home: str


@dataclass(frozen=True, slots=True)
class MailOutcome:
    """What became of a mail in the outbox.

    Attributes:
        email: where it went.
        status: see the table `mails`.
        error: what the server said, where it was not sent.
    """

    email: str
    status: str
    error: str


async def find_choices(unit: Unit, *, member_ids: Sequence[UUID]) -> dict[UUID, Choices]:
    """Return how members want to be reached; those who chose nothing may be missing."""
    rows = await unit.rows(
        """
        select m.id, d.digest_minutes, q.start_time, q.end_time, q.time_zone, q.days
        from members m
        left join notification_email_delivery d
            on d.workspace_id = m.workspace_id and d.member_id = m.id and d.mode = 'digest'
        left join notification_quiet_hours q
            on q.workspace_id = m.workspace_id and q.member_id = m.id and q.is_enabled
        where m.workspace_id = :workspace and m.id = any(:member_ids)
        """,
        member_ids=member_ids,
    )
    return {row["id"]: Choices(digest=row["digest_minutes"], quiet=_quiet(row)) for row in rows}


def _quiet(row: asyncpg.Record) -> QuietHours | None:
    return None if row["time_zone"] is None else read_hours(row)


async def find_threads(unit: Unit, *, notification_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return to which thread each of some notifications belongs."""
    rows = await unit.rows(
        "select n.id, n.thread from notifications n where n.workspace_id = :workspace and n.id = any(:ids)",
        ids=notification_ids,
    )
    return {row["id"]: row["thread"] for row in rows}


async def list_latest(unit: Unit, *, member_ids: Sequence[UUID], now: datetime) -> dict[tuple[UUID, str, str], Latest]:
    """Return, by member, channel and thread, what left last or is about to, of what is sent by thread."""
    rows = await unit.rows(
        """
        select distinct on (d.member_id, d.channel, d.thread)
               d.member_id, d.channel, d.thread, d.due_at, d.status = 'pending' as is_waiting
        from notification_deliveries d
        where d.workspace_id = :workspace and d.member_id = any(:member_ids) and d.due_at > :since
          and not d.is_gathered and not d.is_critical and d.status in ('pending', 'sending', 'sent')
        order by d.member_id, d.channel, d.thread, d.due_at desc, d.status
        """,
        member_ids=member_ids,
        since=now - THREAD_PAUSE,
    )
    return {
        (row["member_id"], row["channel"], row["thread"]): Latest(row["due_at"], is_waiting=row["is_waiting"])
        for row in rows
    }


async def insert_deliveries(unit: Unit, rows: Sequence[Mapping[str, Any]]) -> list[datetime]:
    """Insert what is planned, and return when that is due; what was planned before stays as it is."""
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    inserted = await unit.rows(
        """
        insert into notification_deliveries
            (workspace_id, id, notification_id, member_id, channel, thread, is_critical, is_gathered, due_at,
             created_at)
        select :workspace, p.id, p.notification_id, p.member_id, p.channel, p.thread, p.is_critical, p.is_gathered,
               p.due_at, p.created_at
        from unnest(
            :id::uuid[], :notification_id::uuid[], :member_id::uuid[], :channel::text[], :thread::text[],
            :is_critical::boolean[], :is_gathered::boolean[], :due_at::timestamptz[], :created_at::timestamptz[]
        ) as p (id, notification_id, member_id, channel, thread, is_critical, is_gathered, due_at, created_at)
        on conflict (workspace_id, notification_id, channel) do nothing
        returning due_at
        """,
        **columns,
    )
    return [row["due_at"] for row in inserted]


async def claim_moment(unit: Unit, *, due_at: datetime) -> bool:
    """Say whether a job for a moment is still to be dispatched; until the transaction ends, none begins for it."""
    return await unit.value(
        """
        insert into notification_moments (workspace_id, due_at) values (:workspace, :due_at)
        on conflict (workspace_id, due_at) do update set plans = notification_moments.plans + 1
        returning plans = 1
        """,
        due_at=due_at,
    )


async def move_waiting(unit: Unit, *, member_id: UUID, channel: Channel, slot: Slot) -> int:
    """Have what waits for a member on a channel wait for another moment; return how much that is."""
    return await unit.run(
        """
        update notification_deliveries d
        set due_at = :due_at, is_gathered = d.is_gathered or :is_gathered
        where d.workspace_id = :workspace and d.member_id = :member_id and d.channel = :channel
          and d.status = 'pending' and not d.is_critical
        """,
        member_id=member_id,
        channel=channel,
        due_at=slot.due_at,
        is_gathered=slot.is_gathered,
    )


async def pass_moments(unit: Unit, *, until: datetime) -> None:
    """Take moments away that have come; see the table."""
    await unit.run(
        "delete from notification_moments m where m.workspace_id = :workspace and m.due_at <= :until", until=until
    )


async def find_next_member(unit: Unit, *, until: datetime, without: Collection[UUID]) -> UUID | None:
    """Return a member for whom something is due, other than some."""
    return await unit.value(
        """
        select d.member_id from notification_deliveries d
        where d.workspace_id = :workspace and d.status = 'pending' and d.due_at <= :until
          and d.member_id <> all(:without)
        order by d.is_critical desc, d.due_at limit 1
        """,
        until=until,
        without=list(without),
    )


async def lock_member(unit: Unit, member_id: UUID) -> None:
    """Have nobody else deliver to a member until the transaction ends."""
    await unit.value(
        "select pg_advisory_xact_lock(hashtextextended('deliveries ' || :member_id::uuid, 0))", member_id=member_id
    )


async def find_left(unit: Unit, *, member_id: UUID, since: datetime) -> dict[tuple[Channel, str], datetime]:
    """Return, by channel and thread, what left last for a member since a moment, of what is sent by thread."""
    rows = await unit.rows(
        """
        select d.channel, d.thread, max(d.due_at) as left_at from notification_deliveries d
        where d.workspace_id = :workspace and d.member_id = :member_id and d.due_at > :since
          and not d.is_gathered and not d.is_critical and d.status in ('sending', 'sent')
        group by d.channel, d.thread
        """,
        member_id=member_id,
        since=since,
    )
    return {(row["channel"], row["thread"]): row["left_at"] for row in rows}


async def lock_due(unit: Unit, *, member_id: UUID, until: datetime, limit: int) -> list[Due]:
    """Return what is due for a member, the oldest first; nobody else delivers it until the transaction ends."""
    rows = await unit.rows(
        f"""
        {_DUE} and d.member_id = :member_id and d.status = 'pending' and d.due_at <= :until
        order by d.is_critical desc, n.created_at, d.id limit :limit
        for update of d
        """,
        member_id=member_id,
        until=until,
        limit=limit,
    )
    return [Due(**dict(row)) for row in rows]


async def lock_sending(unit: Unit, delivery_ids: Sequence[UUID]) -> list[Due]:
    """Return those of some deliveries that are being sent yet, the oldest first."""
    rows = await unit.rows(
        f"{_DUE} and d.id = any(:ids) and d.status = 'sending' order by n.created_at, d.id for update of d",
        ids=delivery_ids,
    )
    return [Due(**dict(row)) for row in rows]


async def move(unit: Unit, delivery_ids: Sequence[UUID], *, to: Slot) -> None:
    """Have deliveries wait for another moment."""
    await unit.run(
        """
        update notification_deliveries d set due_at = :due_at, is_gathered = :is_gathered
        where d.workspace_id = :workspace and d.id = any(:ids)
        """,
        ids=delivery_ids,
        due_at=to.due_at,
        is_gathered=to.is_gathered,
    )


async def mark_sending(unit: Unit, delivery_ids: Sequence[UUID], *, now: datetime) -> None:
    """Note that deliveries are in the hands of a job of their own."""
    await unit.run(
        """
        update notification_deliveries d set status = 'sending', ended_at = :now
        where d.workspace_id = :workspace and d.id = any(:ids)
        """,
        ids=delivery_ids,
        now=now,
    )


async def take_back(unit: Unit, *, before: datetime) -> None:
    """Have those deliveries wait again that a job of their own got before a moment, and has not ended."""
    await unit.run(
        """
        update notification_deliveries d set status = 'pending', ended_at = null
        where d.workspace_id = :workspace and d.status = 'sending' and coalesce(d.ended_at, d.due_at) < :before
        """,
        before=before,
    )


async def mark_sent(
    unit: Unit,
    delivery_ids: Sequence[UUID],
    *,
    now: datetime,
    mail_id: UUID | None = None,
    message_id: str | None = None,
) -> None:
    """Note that deliveries left, in which mail or message."""
    await unit.run(
        """
        update notification_deliveries d
        set status = 'sent', mail_id = :mail_id, message_id = :message_id, ended_at = :now
        where d.workspace_id = :workspace and d.id = any(:ids)
        """,
        ids=delivery_ids,
        mail_id=mail_id,
        message_id=message_id,
        now=now,
    )


async def mark_unsent(unit: Unit, reasons: Mapping[UUID, str], *, status: str, now: datetime) -> None:
    """Note that deliveries will not leave, and the code of why."""
    await unit.run(
        """
        update notification_deliveries d set status = :status, reason = r.reason, ended_at = :now
        from unnest(:ids::uuid[], :reasons::text[]) as r (id, reason)
        where d.workspace_id = :workspace and d.id = r.id
        """,
        ids=list(reasons),
        reasons=list(reasons.values()),
        status=status,
        now=now,
    )


async def list_last_mails(unit: Unit, *, member_id: UUID, since: datetime | None, limit: int) -> list[UUID]:
    """Return the last mails to a member, the newest first."""
    rows = await unit.rows(
        """
        select d.mail_id from notification_deliveries d
        where d.workspace_id = :workspace and d.member_id = :member_id and d.channel = 'email'
          and d.mail_id is not null and (:since::timestamptz is null or d.ended_at > :since)
        group by d.mail_id
        order by max(d.ended_at) desc, d.mail_id desc limit :limit
        """,
        member_id=member_id,
        since=since,
        limit=limit,
    )
    return [row["mail_id"] for row in rows]


async def list_deliveries(unit: Unit, *, notification_id: UUID, member_id: UUID) -> list[asyncpg.Record]:
    """Return the deliveries of a member's notification."""
    return await unit.rows(
        """
        select d.channel, d.status, d.reason, d.is_gathered, d.due_at, d.ended_at, d.mail_id
        from notification_deliveries d
        where d.workspace_id = :workspace and d.notification_id = :notification_id and d.member_id = :member_id
        order by d.channel
        """,
        notification_id=notification_id,
        member_id=member_id,
    )


async def has_overdue(unit: Unit, *, before: datetime) -> bool:
    """Say whether something waits that should have left before a moment."""
    return await unit.value(
        """
        select exists (
            select from notification_deliveries d
            where d.workspace_id = :workspace and d.status = 'pending' and d.due_at < :before
        )
        """,
        before=before,
    )


async def delete_old(unit: Unit, *, before: datetime, limit: int) -> int:
    """Forget deliveries that ended long ago; return how many."""
    return await unit.run(
        """
        delete from notification_deliveries d
        where d.workspace_id = :workspace and d.id in (
            select o.id from notification_deliveries o
            where o.workspace_id = :workspace and o.due_at < :before and o.ended_at < :before limit :limit
        )
        """,
        before=before,
        limit=limit,
    )


async def find_addressee(unit: Unit, *, user_id: UUID, workspace_id: UUID) -> Addressee | None:
    """Return an account as a workspace writes to it."""
    row = await unit.row(
        """
        select u.email, u.email_verified_at is not null as has_confirmed, u.full_name, u.phone,
               w.name as workspace_name, '/w/' || w.slug as home
        from users u cross join workspaces w
        where u.id = :user_id and w.id = :about
        """,
        user_id=user_id,
        about=workspace_id,
    )
    return None if row is None else Addressee(**dict(row))


async def find_outcomes(unit: Unit, mail_ids: Sequence[UUID]) -> dict[UUID, MailOutcome]:
    """Return what became of some mails; the outbox forgets them in the end."""
    rows = await unit.rows(
        "select m.id, m.to_email, m.status, m.error from mails m where m.id = any(:ids)", ids=mail_ids
    )
    return {row["id"]: MailOutcome(row["to_email"], row["status"], row["error"] or "") for row in rows}
