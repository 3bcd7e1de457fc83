"""How far each consumer has read each workspace: statements on its place, which moves by compare-and-set alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from fostr.kernel import clock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    import asyncpg

    from fostr.kernel.db.database import Database
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.events.consumers import Consumer, Event

LONGEST_ERROR: Final = 2000


@dataclass(frozen=True, slots=True)
class Cursor:
    """A consumer's place in a workspace, and what it has been through with the event that follows.

    Attributes:
        consumer: its name.
        position: that of the last event that it has put behind it.
        attempts: how often it has failed at the next one.
        interruptions: how often it was interrupted at the next one, by no fault of either.
        retry_at: until when the next one has to wait.
    """

    consumer: str
    position: int
    attempts: int = 0
    interruptions: int = 0
    retry_at: datetime | None = None


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
                                then control.settled_event_position() else 0 end
            from unnest(:names::text[], :from_now::boolean[]) as n (name, from_now)
            on conflict (name) do nothing
            """,
            names=[consumer.name for consumer in consumers],
            from_now=[consumer.from_now for consumer in consumers],
        )


async def list_cursors(unit: Unit, names: Sequence[str]) -> list[Cursor]:
    """Return the places of some consumers in the unit's workspace, as far as they have one."""
    rows = await unit.rows(
        """
        select consumer, position, attempts, interruptions, retry_at from event_cursors
        where workspace_id = :workspace and consumer = any(:names)
        """,
        names=list(names),
    )
    return [Cursor(**dict(row)) for row in rows]


async def list_standings(unit: Unit, names: Sequence[str]) -> list[asyncpg.Record]:
    """Return how consumers stand in the unit's workspace, by their names, also those who have no place in it yet."""
    return await unit.rows(
        """
        select n.name, coalesce(k.position, c.since, 0) as position,
               coalesce(k.attempts + k.interruptions, 0) as attempts, k.retry_at, k.error
        from unnest(:names::text[]) as n (name)
        left join event_consumers c on c.name = n.name
        left join event_cursors k on k.consumer = n.name and k.workspace_id = :workspace
        order by n.name
        """,
        names=list(names),
    )


async def create_cursors(database: Database, names: Sequence[str], workspace: UUID) -> None:
    """Give consumers a place in a workspace in which they have none, where each of them is to begin."""
    # In a transaction of its own: others would wait for the end of one that goes on to deliver.
    async with database.unit(workspace) as unit:
        await unit.run(
            """
            insert into event_cursors (consumer, workspace_id, position)
            select c.name, w.id, c.since from event_consumers c, workspaces w
            where c.name = any(:names) and w.id = :workspace
            on conflict (consumer, workspace_id) do nothing
            """,
            names=list(names),
        )


async def move(unit: Unit, cursors: Sequence[Cursor], to: int) -> int:
    """Move places that are the same on to another, and return how many were moved.

    Those that another process is at, or has moved, are left out: it goes on from there.

    The commit does not wait for the disk. Were it lost in a crash, it would be lost together with what the handlers
    wrote, and done again; and whatever leaves the machine is preceded by a commit that waits: the one by which a
    worker takes the job.
    """
    if not cursors:
        return 0
    return await unit.value(
        """
        with given as (
            select g.consumer, g.attempts, g.interruptions
            from unnest(:names::text[], :attempts::integer[], :interruptions::integer[])
                as g (consumer, attempts, interruptions)
        ), mine as (
            select c.consumer from event_cursors c
            join given g using (consumer, attempts, interruptions)
            where c.workspace_id = :workspace and c.position = :position
            for update of c skip locked
        ), moved as (
            update event_cursors c
            set position = :to, attempts = 0, interruptions = 0, retry_at = null, error = null, updated_at = :now
            from mine where c.workspace_id = :workspace and c.consumer = mine.consumer
            returning 1
        )
        select count(*) from moved, set_config('synchronous_commit', 'off', true)
        """,
        names=[cursor.consumer for cursor in cursors],
        attempts=[cursor.attempts for cursor in cursors],
        interruptions=[cursor.interruptions for cursor in cursors],
        position=cursors[0].position,
        to=to,
        now=clock.now(),
    )


async def postpone(unit: Unit, cursor: Cursor, failed: Cursor, *, error: str) -> None:
    """Note that a consumer failed at an event, and when it is tried again.

    Args:
        unit: in which nothing else is done.
        cursor: the place as it was read; when it was moved since, nothing is noted.
        failed: the place right before the event, with what is to be noted.
        error: how it failed.
    """
    await unit.run(
        """
        update event_cursors
        set position = :to, attempts = :attempts, interruptions = :interruptions, retry_at = :retry_at, error = :error
        where workspace_id = :workspace and consumer = :consumer and position = :position
          and attempts = :attempts_before and interruptions = :interruptions_before
        """,
        consumer=cursor.consumer,
        position=cursor.position,
        attempts_before=cursor.attempts,
        interruptions_before=cursor.interruptions,
        to=failed.position,
        attempts=failed.attempts,
        interruptions=failed.interruptions,
        retry_at=failed.retry_at,
        error=error[:LONGEST_ERROR],
    )


async def put_aside(unit: Unit, consumer: str, event: Event, *, attempts: int, error: str) -> None:
    """Keep an event that a consumer failed at for the last time."""
    await unit.run(
        """
        insert into event_dead_letters (consumer, workspace_id, event_id, type, attempts, error, created_at)
        values (:consumer, :workspace, :event_id, :type, :attempts, :error, :now)
        """,
        consumer=consumer,
        event_id=event.id,
        type=event.type,
        attempts=attempts,
        error=error[:LONGEST_ERROR],
        now=clock.now(),
    )
