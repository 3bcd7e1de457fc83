"""Hand one consumer what is new in one workspace: in order, at least once, in the transaction that moves it on."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import structlog

from fostr.kernel import clock
from fostr.kernel.events.consumers import Consumer, Event, Position
from fostr.kernel.events.log import to_event

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

    from fostr.kernel.db.database import Database
    from fostr.kernel.db.unit import Unit

log = structlog.get_logger(__name__)

BATCH: Final = 100
MOST_ATTEMPTS: Final = 6
FIRST_RETRY: Final = timedelta(seconds=0.5)
"""Doubled with each attempt: a consumer waits about 15 seconds for a bad event before it is put aside."""

NOTHING: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came of one step.

    Attributes:
        count: events that the consumer has put behind it.
        more: whether more were ready.
        waits: whether the next event must wait for an older transaction that is still under way.
        retry_in: seconds after which a failed event is due again.
        is_foreign: whether the next event bears a transaction id of another cluster; see `restored`.
    """

    count: int = 0
    more: bool = False
    waits: bool = False
    retry_in: float | None = None
    is_foreign: bool = False


class _HandlerFailed(Exception):
    """Carries an error of a handler through the unit of work, which it rolls back."""

    def __init__(self, *, index: int, before: Position, at: Position, event: Event, error: Exception) -> None:
        super().__init__()
        self.index = index
        self.before = before
        self.at = at
        self.event = event
        self.error = error


async def ensure_consumers(database: Database, consumers: Sequence[Consumer]) -> None:
    """Note the consumers that are new, and from where each of them reads.

    On a new installation every consumer begins at the beginning. One that is added to an installation with history
    begins there as well, unless it was registered as `from_now`.
    """
    async with database.unit() as unit:
        await unit.run(
            """
            insert into event_consumers (name, since)
            select n.name, case when n.from_now and exists (select from event_consumers)
                                then pg_current_xact_id() else '0'::xid8 end
            from unnest(:names::text[], :from_now::boolean[]) as n (name, from_now)
            on conflict (name) do nothing
            """,
            names=[consumer.name for consumer in consumers],
            from_now=[consumer.from_now for consumer in consumers],
        )


async def deliver(database: Database, consumer: Consumer, workspace: UUID) -> Delivery:
    """Hand the consumer the next batch of a workspace's events.

    The batch is one transaction. When an event fails, the ones before it are delivered in a transaction of their
    own, and the event itself is noted for another attempt.
    """
    limit = BATCH
    while True:
        try:
            step = await _deliver_batch(database, consumer, workspace, limit)
            if step is not None:
                return step
            if not await _create_cursor(database, consumer, workspace):
                # Another process is at it.
                return Delivery()
        except _HandlerFailed as failure:
            if failure.index == 0:
                return await _note_failure(database, consumer, workspace, failure)
            limit = failure.index


async def _deliver_batch(database: Database, consumer: Consumer, workspace: UUID, limit: int) -> Delivery | None:
    async with database.unit(workspace) as unit:
        cursor = await _lock_cursor(unit, consumer)
        if cursor is None:
            return None
        if cursor["retry_at"] is not None and (wait := (cursor["retry_at"] - clock.now()).total_seconds()) > 0:
            return Delivery(retry_in=wait)
        position = Position(cursor["xact"], cursor["event_id"])
        rows = await _read(unit, consumer, position, limit)
        ready = [row for row in rows if row["ready"]]
        for index, row in enumerate(ready):
            position = await _hand_over(unit, consumer, row, index=index, before=position)
        if ready:
            await _move_cursor(unit, consumer, position)
        waiting = rows[len(ready)] if len(ready) < len(rows) else None
        return Delivery(
            count=len(ready),
            more=len(ready) == limit,
            waits=waiting is not None,
            is_foreign=waiting is not None and waiting["foreign"],
        )


async def _hand_over(unit: Unit, consumer: Consumer, row: asyncpg.Record, *, index: int, before: Position) -> Position:
    at = Position(row["xact"], row["id"])
    if consumer.wants(row["type"]):
        event = to_event(unit, row)
        try:
            await consumer.handler(unit, event)
        except Exception as error:
            raise _HandlerFailed(index=index, before=before, at=at, event=event, error=error) from error
    return at


async def _lock_cursor(unit: Unit, consumer: Consumer) -> asyncpg.Record | None:
    """Return the consumer's place, locked; nothing when another process is at it, or there is none yet."""
    return await unit.row(
        """
        select xact, event_id, attempts, retry_at from event_cursors
        where consumer = :consumer and workspace_id = :workspace
        for update skip locked
        """,
        consumer=consumer.name,
    )


async def _create_cursor(database: Database, consumer: Consumer, workspace: UUID) -> bool:
    # In a transaction of its own: others would wait for the end of one that goes on to deliver.
    async with database.unit(workspace) as unit:
        created = await unit.run(
            """
            insert into event_cursors (consumer, workspace_id, xact, event_id)
            select c.name, w.id, c.since, :nothing from event_consumers c, workspaces w
            where c.name = :consumer and w.id = :workspace
            on conflict (consumer, workspace_id) do nothing
            """,
            consumer=consumer.name,
            nothing=NOTHING,
        )
    return created > 0


async def _read(unit: Unit, consumer: Consumer, after: Position, limit: int) -> list[asyncpg.Record]:
    """Return what follows a place.

    An event is ready when every transaction that began before the one that wrote it has ended. Were later ones
    handed over sooner, the cursor would pass the place where a slow transaction is still to put its events.
    """
    return await unit.rows(
        """
        select e.xact, e.id, e.type, e.version, e.entity, e.entity_id, e.created_at,
               e.xact < h.oldest as ready, e.xact >= h.next as foreign,
               case when e.xact < h.oldest and (:every or e.type = any(:types)) then e.actor end as actor,
               case when e.xact < h.oldest and (:every or e.type = any(:types)) then e.before end as before,
               case when e.xact < h.oldest and (:every or e.type = any(:types)) then e.after end as after,
               case when e.xact < h.oldest and (:every or e.type = any(:types)) then e.cause end as cause
        from events e
        cross join (select pg_snapshot_xmin(pg_current_snapshot()) as oldest,
                           pg_snapshot_xmax(pg_current_snapshot()) as next) h
        where e.workspace_id = :workspace and (e.xact, e.id) > (:xact::xid8, :event_id::uuid)
        order by e.xact, e.id
        limit :limit
        """,
        every=consumer.types is None,
        types=sorted(consumer.types or ()),
        xact=after.xact,
        event_id=after.event_id,
        limit=limit,
    )


async def _move_cursor(unit: Unit, consumer: Consumer, to: Position) -> None:
    await unit.run(
        """
        update event_cursors
        set xact = :xact::xid8, event_id = :event_id, attempts = 0, retry_at = null, updated_at = :now
        where consumer = :consumer and workspace_id = :workspace
        """,
        consumer=consumer.name,
        xact=to.xact,
        event_id=to.event_id,
        now=clock.now(),
    )


async def _note_failure(database: Database, consumer: Consumer, workspace: UUID, failure: _HandlerFailed) -> Delivery:
    async with database.unit(workspace) as unit:
        cursor = await _lock_cursor(unit, consumer)
        if cursor is None or Position(cursor["xact"], cursor["event_id"]) != failure.before:
            # Another process has taken the place over in the meantime, and goes on from there.
            return Delivery()
        attempts = cursor["attempts"] + 1
        facts: dict[str, Any] = {
            "consumer": consumer.name,
            "event_type": failure.event.type,
            "attempt": attempts,
        }
        facts |= {"event_id": str(failure.event.id), "workspace": str(workspace)}
        if attempts < MOST_ATTEMPTS:
            log.warning("event failed", exc_info=failure.error, **facts)
            return await _wait(unit, consumer, attempts)
        log.error("event put aside", exc_info=failure.error, **facts)
        await _put_aside(unit, consumer, failure, attempts)
        return Delivery(count=1, more=True)


async def _wait(unit: Unit, consumer: Consumer, attempts: int) -> Delivery:
    # Not secret: jitter keeps the retries of many workspaces apart.
    delay = FIRST_RETRY * 2 ** (attempts - 1) * random.uniform(0.8, 1.2)  # noqa: S311
    await unit.run(
        """
        update event_cursors set attempts = :attempts, retry_at = :retry_at
        where consumer = :consumer and workspace_id = :workspace
        """,
        consumer=consumer.name,
        attempts=attempts,
        retry_at=clock.now() + delay,
    )
    return Delivery(retry_in=delay.total_seconds())


async def _put_aside(unit: Unit, consumer: Consumer, failure: _HandlerFailed, attempts: int) -> None:
    await unit.run(
        """
        insert into event_dead_letters (consumer, workspace_id, event_id, type, attempts, error, created_at)
        values (:consumer, :workspace, :event_id, :type, :attempts, :error, :now)
        """,
        consumer=consumer.name,
        event_id=failure.event.id,
        type=failure.event.type,
        attempts=attempts,
        error=f"{type(failure.error).__name__}: {failure.error}"[:2000],
        now=clock.now(),
    )
    await _move_cursor(unit, consumer, failure.at)
