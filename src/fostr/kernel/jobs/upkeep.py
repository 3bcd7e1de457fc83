"""Keep the queue whole: take back what dead workers held, queue again what was lost, forget what is old."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from fostr.kernel import clock
from fostr.kernel.jobs.dispatch import ENQUEUE

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.kernel.db.database import Database

KEPT_JOBS: Final = timedelta(days=30)
KEPT_OWN_JOBS: Final = timedelta(days=2)
"""Those that nobody asked for: what follows from events, and what the clock begins."""
KEPT_LOG: Final = timedelta(days=7)


async def reclaim_lost_picks(database: Database) -> int:
    """Queue again, at once, the jobs of workers whose connection is gone; return how many.

    Every worker holds a lock of its name while it lives, which PostgreSQL frees with its connection. Where that
    does not show, as when a machine loses its power, pgqueuer's heartbeat finds them later.
    """
    async with database.unit() as unit:
        reclaimed = await unit.run(
            """
            with workers as materialized (
                select distinct queue_manager_id as id from pgqueuer where queue_manager_id is not null
            ), gone as materialized (
                select id from workers where pg_try_advisory_xact_lock(hashtextextended(id::text, 0))
            )
            update pgqueuer q
            set status = 'queued', queue_manager_id = null, slot = null, updated = now()
            from gone where q.queue_manager_id = gone.id and q.status = 'picked'
            """,
        )
        if reclaimed:
            await unit.run(NOTIFY_WORKERS)
    return reclaimed


NOTIFY_WORKERS: Final = """
    select pg_notify('ch_pgqueuer', json_build_object(
        'channel', 'ch_pgqueuer', 'operation', 'insert', 'sent_at', now(), 'table', 'pgqueuer',
        'type', 'table_changed_event')::text)
"""
"""What pgqueuer's own trigger sends when a job is queued; it is silent about updates."""


async def requeue_orphans(database: Database) -> int:
    """Queue again the open jobs that the queue has lost sight of; return how many.

    A worker that loses the database at the wrong moment can leave one behind.
    """
    async with database.unit() as unit:
        return await unit.value(
            f"""
            with opened as (
                select j.id, j.queue, j.priority from jobs j
                where j.status in ('queued', 'running') and j.created_at < :before
                  and not exists (
                      select from pgqueuer q
                      where q.dedupe_key = j.id::text and q.status in ('queued', 'picked')
                  )
                limit 1000
            ), {ENQUEUE}
            select count(*) from queued
            """,
            before=clock.now() - timedelta(seconds=30),
            delay=timedelta(),
        )


async def list_cancelled(database: Database, running: list[UUID]) -> list[UUID]:
    """Return those of the running jobs that somebody wants to end."""
    if not running:
        return []
    async with database.unit() as unit:
        rows = await unit.rows(
            "select id from jobs where id = any(:running) and cancel_requested_at is not null",
            running=running,
        )
    return [row["id"] for row in rows]


async def prune(database: Database) -> None:
    """Forget jobs that ended long ago, and the queue's own log."""
    async with database.unit() as unit:
        await unit.run(
            """
            delete from jobs
            where finished_at < :before or (created_by is null and status = 'completed' and finished_at < :own_before)
            """,
            before=clock.now() - KEPT_JOBS,
            own_before=clock.now() - KEPT_OWN_JOBS,
        )
        await unit.run("delete from pgqueuer_log where created < :before", before=clock.now() - KEPT_LOG)
