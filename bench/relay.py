"""The relay: events a second that one worker brings to every consumer, beside a loop that only reads them."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from bench.data import ensure_records
from bench.report import Row, round_figure

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg

    from bench.world import World

EVENTS: Final = 20_000
RECORDS: Final = 10_000
AT_ONCE: Final = 100
PATIENCE_SECONDS: Final = 600.0
CHANNEL: Final = "fostr_events"


async def measure_relay(world: World) -> list[Row]:
    """Time one worker over the events of a workspace where nobody but a few consumers listens, and the bare loop."""
    recordset = await ensure_records(world, RECORDS)
    connection = await world.connect()
    try:
        async with world.worker():
            await _settle(connection, world)
            await insert_events(connection, world, recordset.id, count=EVENTS)
            started = time.perf_counter()
            await connection.execute("select pg_notify($1, $2)", CHANNEL, str(world.workspace))
            await _settle(connection, world)
            seconds = time.perf_counter() - started
            consumers = await connection.fetchval(
                "select count(*) from control.event_cursors where workspace_id = $1", world.workspace
            )
            put_aside = await connection.fetchval("select count(*) from control.event_dead_letters")
        bare = await _time_bare(connection, world)
    finally:
        await connection.close()
    value, baseline = EVENTS / seconds, EVENTS / bare
    return [
        Row(
            name="relay",
            value=round_figure(value),
            unit="events/s",
            baseline=round_figure(baseline),
            ratio=round_figure(value / baseline),
            budget="none set",
            ok=put_aside == 0,
            detail=f"{EVENTS:,} changes of {RECORDS:,} records in one workspace, each to {consumers} consumers by one "
            f"worker; the baseline reads each event once, {AT_ONCE} at a time, under a lock of its place, which it "
            "moves on in the same transaction",
        )
    ]


async def insert_events(
    connection: asyncpg.Connection[asyncpg.Record], world: World, recordset_id: UUID, *, count: int
) -> None:
    """Insert events as single changes of records would, in transactions of a hundred."""
    for first in range(0, count, AT_ONCE):
        await connection.execute(
            """
            insert into data.events (workspace_id, id, type, version, entity, entity_id, actor, before, after, cause)
            select $1, (lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0')
                        || '7' || substr(md5(random()::text), 1, 3) || '8' || substr(md5(random()::text), 1, 15))::uuid,
                   'record.updated', 1, 'record', r.id,
                   jsonb_build_object('member_id', $3::text, 'user_id', $4::text, 'kind', 'session', 'acting_as', null),
                   jsonb_build_object('recordset_id', $2::text, 'version', 1, 'title', r.title,
                                      'field_values', jsonb_build_object('units', 1)),
                   jsonb_build_object('recordset_id', $2::text, 'version', 2, 'title', r.title,
                                      'field_values', jsonb_build_object('units', 2)),
                   jsonb_build_object('kind', 'request', 'id', 'bench', 'count', null)
            from (select id, title from data.records where recordset_id = $2::uuid order by id limit $5 offset $6) r
            """,
            world.workspace,
            recordset_id,
            str(world.owner.member_id),
            str(world.owner.user_id),
            min(AT_ONCE, count - first),
            first % RECORDS,
        )


async def _settle(connection: asyncpg.Connection[asyncpg.Record], world: World) -> None:
    """Return when every consumer has read the workspace to its end."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not await connection.fetchval(
        """
        select exists (select from control.event_cursors c where c.workspace_id = $1)
           and not exists (
               select from control.event_cursors c
               join lateral (
                   select max(e.position) as position from data.events e where e.workspace_id = $1
               ) newest on c.position < newest.position
               where c.workspace_id = $1
           )
        """,
        world.workspace,
    ):
        if time.monotonic() > deadline:
            raise RuntimeError("the relay did not come to the end of the events")
        await asyncio.sleep(0.01)


async def _time_bare(connection: asyncpg.Connection[asyncpg.Record], world: World) -> float:
    """Return the seconds that reading as many events takes, each once, with a place that is locked and moved on."""
    await connection.execute("create temporary table bare_place (position bigint)")
    await connection.execute(
        """
        insert into bare_place
        select e.position from data.events e where e.workspace_id = $1 order by e.position desc offset $2 limit 1
        """,
        world.workspace,
        EVENTS,
    )
    started = time.perf_counter()
    while True:
        async with connection.transaction():
            place = await connection.fetchval("select position from bare_place for update")
            rows = await connection.fetch(
                """
                select e.position, e.id, e.type, e.entity, e.entity_id, e.actor, e.before, e.after, e.cause,
                       e.created_at
                from data.events e
                where e.workspace_id = $1 and e.position > $2
                order by e.position limit $3
                """,
                world.workspace,
                place or 0,
                AT_ONCE,
            )
            if not rows:
                return time.perf_counter() - started
            await connection.execute("update bare_place set position = $1", rows[-1]["position"])
