"""Statements on deliveries and their attempts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from fostr.domains.webhooks.deliveries.rules import Status
from fostr.domains.webhooks.deliveries.tables import webhook_attempts, webhook_deliveries
from fostr.kernel.db.gateway import insert_row
from fostr.kernel.events.consumers import Position
from fostr.kernel.ids import new_ids

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    import asyncpg

    from fostr.kernel.db.unit import Unit
    from fostr.kernel.events.consumers import Event

COUNTED: Final = 10_000
LOOKED: Final = 1_000

_COLUMNS: Final = """
    d.id, d.webhook_id, d.message_id, d.event_id, d.type, d.rights_epoch, d.seq, d.status, d.attempts,
    d.tries, d.next_attempt_at, d.last_status_code, d.last_error, d.is_test, d.created_at, d.finished_at
"""


@dataclass(frozen=True, slots=True)
class StoredDelivery:
    """A delivery as it stands in the table; see there. `body` is there where it was asked for."""

    id: UUID
    webhook_id: UUID
    message_id: UUID
    event_id: UUID
    type: str
    rights_epoch: int | None
    seq: int
    status: Status
    attempts: int
    tries: int
    next_attempt_at: datetime | None
    last_status_code: int | None
    last_error: str | None
    is_test: bool
    created_at: datetime
    finished_at: datetime | None
    body: str = ""


@dataclass(frozen=True, slots=True)
class StoredAttempt:
    """A request to a receiver, and what came of it."""

    id: UUID
    number: int
    url: str
    started_at: datetime
    duration_ms: int
    status_code: int | None
    error: str | None
    message: str
    request_headers: dict[str, str]
    response_headers: dict[str, str]
    response_body: str


@dataclass(frozen=True, slots=True)
class Selection:
    """Which deliveries of a webhook are asked for; what is None or empty says nothing.

    Attributes:
        status: in this state.
        types: of these types of events.
        event_id: about this event.
        message_id: with this message.
        is_test: only tests, or none of them.
        since: enqueued at this time or later.
        until: enqueued before this time.
    """

    webhook_id: UUID
    status: Status | None = None
    types: Sequence[str] | None = None
    event_id: UUID | None = None
    message_id: UUID | None = None
    is_test: bool | None = None
    since: datetime | None = None
    until: datetime | None = None


_SELECTED: Final = """
    d.workspace_id = :workspace and d.webhook_id = :webhook_id
    and (:status::text is null or d.status = :status) and (:types::text[] is null or d.type = any(:types))
    and (:event_id::uuid is null or d.event_id = :event_id)
    and (:message_id::uuid is null or d.message_id = :message_id)
    and (:is_test::bool is null or d.is_test = :is_test)
    and (:since::timestamptz is null or d.created_at >= :since)
    and (:until::timestamptz is null or d.created_at < :until)
"""


# Of the states, `pending` is asked for by every replay.
_REPLAYED: Final = """
    d.workspace_id = :workspace and d.webhook_id = :webhook_id and not d.is_test
    and (case when d.status = 'pending' then d.attempts > 0 else :status::text is null or d.status = :status end)
    and (:since::timestamptz is null or d.created_at >= :since)
    and (:until::timestamptz is null or d.created_at < :until)
"""


def _delivery(row: asyncpg.Record) -> StoredDelivery:
    return StoredDelivery(**dict(row))


async def list_listeners(unit: Unit) -> dict[UUID, list[str]]:
    """Return the webhooks of the workspace that are switched on, with the types of events that each asked for."""
    rows = await unit.rows(
        "select w.id, w.event_types from webhooks w where w.workspace_id = :workspace and w.is_active"
    )
    return {row["id"]: row["event_types"] for row in rows}


async def insert_deliveries(
    unit: Unit, webhook_id: UUID, rows: Sequence[Mapping[str, Any]], *, rights_epoch: int, now: datetime
) -> None:
    """Enqueue messages, due at once; those that the webhook was given before are left as they are."""
    columns = ("id", "message_id", "event_id", "type", "body", "seq")
    await unit.run(
        """
        insert into webhook_deliveries (workspace_id, id, webhook_id, message_id, event_id, type, body, seq,
                                        rights_epoch, next_attempt_at, created_at)
        select :workspace, n.id, :webhook_id, n.message_id, n.event_id, n.type, n.body, n.seq,
               :rights_epoch, :now, :now
        from unnest(:id::uuid[], :message_id::uuid[], :event_id::uuid[], :type::text[],
                    :body::text[], :seq::bigint[])
             as n (id, message_id, event_id, type, body, seq)
        on conflict (workspace_id, webhook_id, message_id) do nothing
        """,
        webhook_id=webhook_id,
        rights_epoch=rights_epoch,
        now=now,
        **{column: [row[column] for row in rows] for column in columns},
    )


async def list_due(
    unit: Unit, webhook_id: UUID, *, now: datetime, besides: Collection[UUID], limit: int
) -> list[StoredDelivery]:
    """Return what is to be sent now, what has waited longest first."""
    rows = await unit.rows(
        f"""
        select {_COLUMNS}, d.body from webhook_deliveries d
        where d.workspace_id = :workspace and d.webhook_id = :webhook_id and d.status = 'pending'
          and d.next_attempt_at <= :now and d.id <> all(:besides::uuid[])
        order by d.next_attempt_at, d.seq limit :limit
        """,
        webhook_id=webhook_id,
        now=now,
        besides=list(besides),
        limit=limit,
    )
    return [_delivery(row) for row in rows]


async def find_first(unit: Unit, webhook_id: UUID) -> StoredDelivery | None:
    """Return the first in the order of the log of what is still to be sent."""
    row = await unit.row(
        f"""
        select {_COLUMNS}, d.body from webhook_deliveries d
        where d.workspace_id = :workspace and d.webhook_id = :webhook_id and d.status = 'pending'
        order by d.seq limit 1
        """,
        webhook_id=webhook_id,
    )
    return None if row is None else _delivery(row)


async def find_next_moment(unit: Unit, webhook_id: UUID) -> datetime | None:
    """Return when something is to be sent next."""
    return await unit.value(
        """
        select min(d.next_attempt_at) from webhook_deliveries d
        where d.workspace_id = :workspace and d.webhook_id = :webhook_id and d.status = 'pending'
        """,
        webhook_id=webhook_id,
    )


async def save_bodies(unit: Unit, bodies: Mapping[UUID, str], *, rights_epoch: int) -> None:
    """Note what is sent, as the webhook's owner may see it now."""
    await unit.run(
        """
        update webhook_deliveries d set body = n.body, rights_epoch = :rights_epoch
        from unnest(:ids::uuid[], :bodies::text[]) as n (id, body)
        where d.workspace_id = :workspace and d.id = n.id
        """,
        ids=list(bodies),
        bodies=list(bodies.values()),
        rights_epoch=rights_epoch,
    )


async def withhold(unit: Unit, delivery_ids: Collection[UUID], *, now: datetime) -> None:
    """Put away what the webhook's owner may not see any more, with what it says."""
    await unit.run(
        """
        update webhook_deliveries d
        set status = 'withheld', next_attempt_at = null, finished_at = :now, body = '', rights_epoch = null
        where d.workspace_id = :workspace and d.id = any(:ids)
        """,
        ids=list(delivery_ids),
        now=now,
    )


async def save_outcomes(unit: Unit, outcomes: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Note what came of attempts, and where their deliveries go by it; return those that went there.

    A delivery that was replayed while it was on its way waits for the next attempt, whatever came of this one. One that
    was given up meanwhile stays so, unless its receiver took it after all.
    """
    rows = await unit.rows(
        """
        with outcomes as (
            select o.id, o.attempt_id, o.status, o.tries, o.next_attempt_at, o.finished_at, o.url, o.started_at,
                   o.duration_ms, o.status_code, o.error, o.message, o.request_headers, o.response_headers,
                   o.response_body
            from jsonb_to_recordset(:outcomes::jsonb) as o (
                id uuid, attempt_id uuid, status text, tries int, next_attempt_at timestamptz, finished_at timestamptz,
                url text, started_at timestamptz, duration_ms int, status_code int, error text, message text,
                request_headers jsonb, response_headers jsonb, response_body text
            )
        ), standing as (
            select d.id,
                   case d.status when 'pending' then d.tries = o.tries - 1 else o.status = 'succeeded' end as moves
            from webhook_deliveries d join outcomes o on o.id = d.id
            where d.workspace_id = :workspace
            for update of d
        ), moved as (
            update webhook_deliveries d
            set attempts = d.attempts + 1, last_status_code = o.status_code, last_error = o.error,
                status = case when c.moves then o.status else d.status end,
                tries = case when c.moves then o.tries else d.tries end,
                next_attempt_at = case when c.moves then o.next_attempt_at else d.next_attempt_at end,
                finished_at = case when c.moves then o.finished_at else d.finished_at end
            from outcomes o join standing c on c.id = o.id
            where d.workspace_id = :workspace and d.id = o.id
            returning d.id, d.attempts
        ), noted as (
            insert into webhook_attempts (workspace_id, id, delivery_id, number, url, started_at, duration_ms,
                                          status_code, error, message, request_headers, response_headers, response_body)
            select :workspace, o.attempt_id, o.id, m.attempts, o.url, o.started_at, o.duration_ms, o.status_code,
                   o.error, o.message, o.request_headers, o.response_headers, o.response_body
            from outcomes o join moved m on m.id = o.id
        )
        select s.id from standing s where s.moves
        """,
        outcomes=outcomes,
    )
    return {row["id"] for row in rows}


async def list_deliveries(unit: Unit, selection: Selection, *, before: UUID | None, limit: int) -> list[StoredDelivery]:
    """Return some deliveries of a webhook, the newest first."""
    rows = await unit.rows(
        f"""
        select {_COLUMNS} from webhook_deliveries d
        where {_SELECTED} and (:before::uuid is null or d.id < :before)
        order by d.id desc limit :limit
        """,
        before=before,
        limit=limit,
        **asdict(selection),
    )
    return [_delivery(row) for row in rows]


async def find_delivery(unit: Unit, delivery_id: UUID, *, webhook_id: UUID) -> StoredDelivery | None:
    """Return a delivery of a webhook with its body."""
    row = await unit.row(
        f"""
        select {_COLUMNS}, d.body from webhook_deliveries d
        where d.workspace_id = :workspace and d.webhook_id = :webhook_id and d.id = :id
        """,
        webhook_id=webhook_id,
        id=delivery_id,
    )
    return None if row is None else _delivery(row)


async def list_attempts(unit: Unit, delivery_id: UUID) -> list[StoredAttempt]:
    """Return the attempts of a delivery in their order."""
    rows = await unit.rows(
        """
        select a.id, a.number, a.url, a.started_at, a.duration_ms, a.status_code, a.error, a.message, a.request_headers,
               a.response_headers, a.response_body
        from webhook_attempts a
        where a.workspace_id = :workspace and a.delivery_id = :delivery_id order by a.number
        """,
        delivery_id=delivery_id,
    )
    return [StoredAttempt(**dict(row)) for row in rows]


async def insert_unreadable(unit: Unit, webhook_id: UUID, events: Sequence[Event], *, now: datetime) -> None:
    """Keep that nothing could be told of some events, for people to see and to have them read once more."""
    await unit.run(
        """
        insert into webhook_deliveries (workspace_id, id, webhook_id, message_id, event_id, type, body, seq, status,
                                        last_error, created_at, finished_at)
        select :workspace, n.id, :webhook_id, n.event_id, n.event_id, n.type, '', 0, 'withheld',
               'unreadable', :now, :now
        from unnest(:ids::uuid[], :event_ids::uuid[], :types::text[]) as n (id, event_id, type)
        on conflict (workspace_id, webhook_id, message_id) do nothing
        """,
        webhook_id=webhook_id,
        ids=new_ids(len(events)),
        event_ids=[event.id for event in events],
        types=[event.type for event in events],
        now=now,
    )


async def insert_test(unit: Unit, delivery: Mapping[str, Any], attempt: Mapping[str, Any]) -> None:
    """Keep a test, which is over, with the one attempt that was made."""
    values = {**delivery, "seq": 0, "attempts": 1, "tries": 1, "is_test": True}
    await insert_row(unit, webhook_deliveries, values)
    await insert_row(unit, webhook_attempts, {**attempt, "delivery_id": delivery["id"], "number": 1})


async def replay_deliveries(
    unit: Unit, selection: Selection, *, after: UUID, limit: int, now: datetime
) -> tuple[int, UUID | None]:
    """Make some deliveries due, with a schedule that begins anew; return how many, and the last where more may follow.

    Those that wait for another attempt are always among them. One that was never tried is on its way, and left alone,
    and a test is over.

    Args:
        unit: the transaction.
        selection: which.
        after: only those with a larger id.
        limit: at most so many.
        now: the present.
    """
    rows = await unit.rows(
        f"""
        with chosen as (
            select d.id from webhook_deliveries d
            where {_REPLAYED} and d.id > :after
            order by d.id limit :limit
        )
        update webhook_deliveries d
        set status = 'pending', next_attempt_at = :now, tries = 0, rights_epoch = null, finished_at = null
        from chosen
        where d.workspace_id = :workspace and d.id = chosen.id
        returning d.id
        """,
        after=after,
        limit=limit,
        now=now,
        **asdict(selection),
    )
    last = max((row["id"] for row in rows), default=None)
    return len(rows), last if len(rows) == limit else None


async def replay_delivery(unit: Unit, delivery_id: UUID, *, now: datetime) -> None:
    """Make a delivery due, with a schedule that begins anew; one that was never tried is due as it is."""
    await unit.run(
        """
        update webhook_deliveries d
        set status = 'pending', next_attempt_at = :now, tries = 0, rights_epoch = null, finished_at = null
        where d.workspace_id = :workspace and d.id = :id and (d.status <> 'pending' or d.attempts > 0)
        """,
        id=delivery_id,
        now=now,
    )


async def cancel_delivery(unit: Unit, delivery_id: UUID, *, now: datetime) -> bool:
    """Give up a delivery that is still to be sent; say whether it was."""
    cancelled = await unit.run(
        """
        update webhook_deliveries d set status = 'aborted', next_attempt_at = null, finished_at = :now
        where d.workspace_id = :workspace and d.id = :id and d.status = 'pending'
        """,
        id=delivery_id,
        now=now,
    )
    return cancelled > 0


async def delete_some(unit: Unit, webhook_id: UUID, *, limit: int) -> int:
    """Delete some of the deliveries of a webhook, with their attempts; return how many."""
    return await unit.run(
        """
        delete from webhook_deliveries d using (
            select o.id from webhook_deliveries o
            where o.workspace_id = :workspace and o.webhook_id = :webhook_id limit :limit
        ) chosen
        where d.workspace_id = :workspace and d.id = chosen.id
        """,
        webhook_id=webhook_id,
        limit=limit,
    )


async def delete_old(unit: Unit, *, before: datetime, limit: int) -> int:
    """Delete some of the deliveries that were enqueued before a time, with their attempts; return how many."""
    return await unit.run(
        """
        delete from webhook_deliveries d using (
            select o.id from webhook_deliveries o
            where o.workspace_id = :workspace and o.created_at < :before order by o.created_at limit :limit
        ) old
        where d.workspace_id = :workspace and d.id = old.id
        """,
        before=before,
        limit=limit,
    )


async def count_pending(unit: Unit, webhook_id: UUID) -> int:
    """Return how many messages are still to be sent, as far as it is worth counting."""
    return await unit.value(
        """
        select count(*) from (
            select from webhook_deliveries d
            where d.workspace_id = :workspace and d.webhook_id = :webhook_id and d.status = 'pending' limit :most
        ) counted
        """,
        webhook_id=webhook_id,
        most=COUNTED,
    )


async def find_first_event(unit: Unit, *, since: UUID) -> Position | None:
    """Return the place of the first event in the order of the log whose id is not smaller than one.

    Ids are made before events are written, so that events of one moment can be in another order than their ids; it is
    the first of those that begin there.
    """
    row = await unit.row(
        """
        select f.position, f.id from (
            select e.position, e.id from events e
            where e.workspace_id = :workspace and e.id >= :since order by e.id limit :looked
        ) f
        order by f.position limit 1
        """,
        since=since,
        looked=LOOKED,
    )
    return None if row is None else Position(row["position"], row["id"])


async def find_event_before(unit: Unit, place: Position) -> UUID:
    """Return the event before a place in the log, or an id that no event has where it is the first."""
    found: UUID | None = await unit.value(
        """
        select e.id from events e
        where e.workspace_id = :workspace and e.position < :position
        order by e.position desc limit 1
        """,
        position=place.number,
    )
    return found or UUID(int=0)
