"""Workers: killed, stopped, cut off from the database; and what they keep up beside the jobs."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg
import pytest
from pgqueuer.domain.models import Job as QueuedJob
from pgqueuer.domain.types import QueueEntrypoint, QueueManagerId
from pgqueuer.ports.repository import EntrypointExecutionParameter

from fostr.kernel import clock
from fostr.kernel.events.catalogue import EventType, register_events
from fostr.kernel.events.consumers import Event, register_consumer
from fostr.kernel.events.outbox import record
from fostr.kernel.ids import new_id
from fostr.kernel.jobs.context import JobContext
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.jobs.queue import QueueConnection, open_queue
from fostr.kernel.jobs.registry import Schedule, job, list_schedules
from fostr.kernel.jobs.status import Job, get_job, request_cancel
from fostr.kernel.jobs.upkeep import KEPT_JOBS, KEPT_OWN_JOBS, prune, reclaim_lost_picks, requeue_orphans
from fostr.kernel.jobs.worker import HEARTBEAT, STOP_SECONDS, STUCK_SECONDS, drain, load_handlers, serve

if TYPE_CHECKING:
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.runtime import Runtime
    from fostr.settings import Settings

PROGRAM = Path(__file__).with_name("working.py")
ENDING_SECONDS = 60.0
SOON_SECONDS = HEARTBEAT.total_seconds() - 5
"""Who waits until a worker is not heard of any more takes longer."""
SOURCES = Path(__file__).resolve().parents[3] / "src"

attempts: dict[UUID, int] = {}
let_go: dict[UUID, asyncio.Event] = {}
gate = asyncio.Event()


@job("tests.wait", retries=0)
async def wait_at_the_gate(context: JobContext) -> None:
    attempts[context.id] = context.attempt
    await gate.wait()


@job("tests.echo")
async def echo(context: JobContext) -> None:
    attempts[UUID(context.input["event"])] = context.attempt


@job("tests.cling")
async def cling(context: JobContext) -> None:
    attempts[context.id] = context.attempt
    end = clock.elapsed() + STOP_SECONDS + STUCK_SECONDS + 1
    while clock.elapsed() < end:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(end - clock.elapsed())
    let_go.setdefault(context.id, asyncio.Event()).set()


async def echo_later(unit: Unit, event: Event) -> None:
    await dispatch(unit, "tests.echo", {"event": event.id}, workspace=event.workspace_id)


register_events([EventType("horn.blown", "horn")])
register_consumer("tests.echo", types=["horn.blown"], handler=echo_later)


@pytest.fixture(autouse=True)
def _closed_gate() -> None:
    gate.clear()


@pytest.fixture
async def admin(database_urls: tuple[str, str]) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(database_urls[0])
    yield connection
    await connection.close()


async def look(runtime: Runtime, workspace: UUID, job_id: UUID) -> Job:
    async with runtime.database.unit(workspace) as unit:
        return await get_job(unit, job_id)


async def until(is_so: Callable[[], Awaitable[bool]], *, seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not await is_so():  # noqa: ASYNC110 - what is waited for announces itself to nobody
            await asyncio.sleep(0.02)


async def until_attempt(runtime: Runtime, workspace: UUID, job_id: UUID, attempt: int, *, seconds: float) -> None:
    async def has_come() -> bool:
        return (await look(runtime, workspace, job_id)).attempts >= attempt

    await until(has_come, seconds=seconds)


async def until_running_here(job_id: UUID, *, attempt: int = 1) -> None:
    async def is_running() -> bool:
        return attempts.get(job_id) == attempt

    await until(is_running)


async def until_closed(runtime: Runtime, workspace: UUID, job_id: UUID) -> Job:
    async def is_closed() -> bool:
        return (await look(runtime, workspace, job_id)).is_closed

    await until(is_closed)
    return await look(runtime, workspace, job_id)


async def until_progress(runtime: Runtime, workspace: UUID, job_id: UUID, progress: int) -> None:
    async def has_come() -> bool:
        return (await look(runtime, workspace, job_id)).progress >= progress

    await until(has_come)


@asynccontextmanager
async def working(runtime: Runtime) -> AsyncGenerator[None]:
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(runtime, stop=stop))
    try:
        yield
    finally:
        stop.set()
        done, _ = await asyncio.wait({serving}, timeout=ENDING_SECONDS)
        serving.cancel()
        assert done, "the worker does not end"
        await serving


async def send_waiting(runtime: Runtime, workspace: UUID) -> UUID:
    async with runtime.database.unit(workspace) as unit:
        return await dispatch(unit, "tests.wait", {}, workspace=workspace)


class Processes:
    """Worker processes, which end with the test."""

    def __init__(self, database_url: str, data: Path) -> None:
        self._command = [sys.executable, str(PROGRAM), database_url, str(data)]
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(self._command, env={"PYTHONPATH": str(SOURCES), "PATH": ""})
        self.running.append(process)
        return process


@pytest.fixture
def processes(settings: Settings, database_urls: tuple[str, str]) -> Iterator[Processes]:
    started = Processes(database_urls[1], settings.data)
    yield started
    for process in started.running:
        process.kill()
        process.wait()


async def send_counting(runtime: Runtime, workspace: UUID, *, upto: int, pause: float) -> tuple[UUID, str]:
    key = f"count {new_id()}"
    async with runtime.database.unit(workspace) as unit:
        await unit.run("insert into installation (key, value) values (:key, '0')", key=key)
        job_id = await dispatch(
            unit, "tests.long_count", {"upto": upto, "pause": pause, "key": key}, workspace=workspace
        )
    return job_id, key


async def until_serving(admin: asyncpg.Connection[asyncpg.Record], *, workers: int) -> None:
    async def are_serving() -> bool:
        return workers == await admin.fetchval(
            """
            select count(*) from pg_stat_activity
            where datname = current_database() and application_name = 'fostr queue'
            """,
        )

    await until(are_serving)


async def read_count(runtime: Runtime, key: str) -> int:
    async with runtime.database.unit() as unit:
        return int(await unit.value("select value from installation where key = :key", key=key))


@pytest.mark.slow
async def test_another_worker_finishes_what_a_killed_one_began(
    runtime: Runtime, workspace: UUID, processes: Processes, admin: asyncpg.Connection[asyncpg.Record]
) -> None:
    job_id, key = await send_counting(runtime, workspace, upto=300, pause=0.01)
    victim = processes.start()
    await until_progress(runtime, workspace, job_id, 1)
    # So that it is in the middle still when the other one serves, however long that takes.
    victim.send_signal(signal.SIGSTOP)
    processes.start()
    await until_serving(admin, workers=2)
    victim.kill()
    killed_at = await read_count(runtime, key)
    await until_attempt(runtime, workspace, job_id, 2, seconds=SOON_SECONDS)
    assert 0 < killed_at < 300
    done = await until_closed(runtime, workspace, job_id)
    assert (done.status, done.result) == ("completed", {"attempt": 2})
    assert await read_count(runtime, key) == 300


@pytest.mark.slow
async def test_a_worker_that_is_started_anew_goes_on_at_once(
    runtime: Runtime, workspace: UUID, processes: Processes, admin: asyncpg.Connection[asyncpg.Record]
) -> None:
    job_id, _ = await send_counting(runtime, workspace, upto=10_000, pause=0.01)
    processes.start()
    await until_attempt(runtime, workspace, job_id, 1, seconds=60)
    processes.running[0].kill()
    processes.running[0].wait()
    processes.start()
    await until_serving(admin, workers=1)
    await until_attempt(runtime, workspace, job_id, 2, seconds=SOON_SECONDS)
    async with runtime.database.unit(workspace) as unit:
        await request_cancel(unit, job_id)
    assert (await until_closed(runtime, workspace, job_id)).status == "cancelled"


@pytest.mark.slow
async def test_a_process_that_is_asked_to_stop_gives_its_job_back(
    runtime: Runtime, workspace: UUID, processes: Processes
) -> None:
    job_id, _ = await send_counting(runtime, workspace, upto=10_000, pause=0.02)
    process = processes.start()
    await until_attempt(runtime, workspace, job_id, 1, seconds=60)
    process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(process.wait, 15) == 0
    given_back = await look(runtime, workspace, job_id)
    assert (given_back.status, given_back.attempts) == ("queued", 1)
    async with runtime.database.unit(workspace) as unit:
        assert (
            await unit.value("select status::text from pgqueuer where dedupe_key = :key", key=str(job_id)) == "queued"
        )
        await request_cancel(unit, job_id)


async def test_what_ends_in_time_is_let_end(runtime: Runtime, workspace: UUID) -> None:
    job_id = await send_waiting(runtime, workspace)
    async with working(runtime):
        await until_running_here(job_id)
        asyncio.get_running_loop().call_later(0.3, gate.set)
    assert (await look(runtime, workspace, job_id)).status == "completed"


@pytest.mark.slow
async def test_a_job_that_does_not_let_go_does_not_hold_the_worker_up(runtime: Runtime, workspace: UUID) -> None:
    async with runtime.database.unit(workspace) as unit:
        job_id = await dispatch(unit, "tests.cling", {}, workspace=workspace)
    async with asyncio.timeout(60):
        async with working(runtime):
            await until_running_here(job_id)
    assert job_id not in let_go
    async with asyncio.timeout(60):
        await let_go.setdefault(job_id, asyncio.Event()).wait()
    async with runtime.database.unit(workspace) as unit:
        await request_cancel(unit, job_id)
    await drain(runtime)
    assert (await look(runtime, workspace, job_id)).status == "cancelled"


@pytest.mark.slow
async def test_a_worker_survives_the_loss_of_its_connections(
    runtime: Runtime, workspace: UUID, admin: asyncpg.Connection[asyncpg.Record]
) -> None:
    job_id = await send_waiting(runtime, workspace)
    async with working(runtime):
        await until_running_here(job_id)
        await admin.execute(
            """
            select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and application_name like 'fostr%'
            """,
        )
        await until_running_here(job_id, attempt=2)
        gate.set()
        assert (await until_closed(runtime, workspace, job_id)).status == "completed"


async def test_events_become_jobs_and_jobs_are_run(runtime: Runtime, workspace: UUID) -> None:
    async with working(runtime):
        async with runtime.database.unit(workspace) as unit:
            event_id = await record(unit, type="horn.blown", entity="horn", entity_id=new_id())
        await until_running_here(event_id)


async def test_draining_follows_events_to_their_jobs(runtime: Runtime, workspace: UUID) -> None:
    async with runtime.database.unit(workspace) as unit:
        event_id = await record(unit, type="horn.blown", entity="horn", entity_id=new_id())
    await drain(runtime)
    assert event_id in attempts


async def test_schedules_dispatch_their_jobs(runtime: Runtime) -> None:
    load_handlers()
    assert Schedule("jobs.prune", "23 3 * * *") in list_schedules()
    start = new_id()

    async def is_known() -> bool:
        async with runtime.database.unit() as unit:
            return (
                await unit.run(
                    """
                update pgqueuer_schedules set next_run = now() - interval '1 second' where entrypoint = 'jobs.prune'
                """,
                )
                > 0
            )

    async def has_pruned() -> bool:
        async with runtime.database.unit() as unit:
            return await unit.value(
                "select exists (select from jobs where id > :start and name = 'jobs.prune' and status = 'completed')",
                start=start,
            )

    async with working(runtime):
        await until(is_known)
    async with working(runtime):
        await until(has_pruned)


async def test_picks_of_the_living_are_left_alone_and_those_of_the_dead_taken(
    runtime: Runtime, workspace: UUID, admin: asyncpg.Connection[asyncpg.Record]
) -> None:
    living, dead = new_id(), new_id()
    jobs = {worker: await send_waiting(runtime, workspace) for worker in (living, dead)}
    await admin.execute("select pg_advisory_lock(hashtextextended($1, 0))", str(living))
    for worker, job_id in jobs.items():
        await admin.execute(
            "update control.pgqueuer set status = 'picked', queue_manager_id = $1 where dedupe_key = $2",
            worker,
            str(job_id),
        )
    assert await reclaim_lost_picks(runtime.database) == 1
    rows = await admin.fetch("select dedupe_key, status::text from control.pgqueuer where status = 'picked'")
    assert [row["dedupe_key"] for row in rows] == [str(jobs[living])]
    await admin.execute("select pg_advisory_unlock_all()")
    assert await reclaim_lost_picks(runtime.database) == 1
    gate.set()
    await drain(runtime)


async def test_a_worker_that_comes_back_leaves_alone_what_its_successor_has(
    runtime: Runtime, workspace: UUID, database_urls: tuple[str, str]
) -> None:
    job_id = await send_waiting(runtime, workspace)
    limits = {QueueEntrypoint("default"): EntrypointExecutionParameter(concurrency_limit=0)}
    async with open_queue(database_urls[1]) as silent, open_queue(database_urls[1]) as successor:
        [held] = await pick(silent, limits, timedelta(minutes=1))
        assert held.payload == job_id.bytes
        assert await pick(successor, limits, timedelta(minutes=1)) == []
        [taken] = await pick(successor, limits, timedelta())
        assert taken.id == held.id
        await silent.queries.log_jobs([(held, "successful", None)])
        await silent.queries.retry_job(held, timedelta(), None)
        async with runtime.database.unit() as unit:
            holder = await unit.value("select queue_manager_id from pgqueuer where id = :id", id=held.id)
        assert holder == successor.worker_id
        await successor.queries.retry_job(taken, timedelta(), None)
    gate.set()
    await drain(runtime)
    assert (await look(runtime, workspace, job_id)).status == "completed"


async def pick(
    queue: QueueConnection,
    limits: dict[QueueEntrypoint, EntrypointExecutionParameter],
    heartbeat: timedelta,
) -> list[QueuedJob]:
    return await queue.queries.dequeue(10, limits, QueueManagerId(queue.worker_id), None, heartbeat)


async def test_what_the_queue_lost_sight_of_is_queued_again(runtime: Runtime, workspace: UUID) -> None:
    job_id = await send_waiting(runtime, workspace)
    async with runtime.database.unit() as unit:
        await unit.run("delete from pgqueuer where dedupe_key = :key", key=str(job_id))
    assert await requeue_orphans(runtime.database) == 0, "it may be on its way"
    with clock.travel(to=clock.now() + timedelta(minutes=5)):
        assert await requeue_orphans(runtime.database) == 1
        assert await requeue_orphans(runtime.database) == 0
    gate.set()
    await drain(runtime)
    assert (await look(runtime, workspace, job_id)).status == "completed"


async def test_old_jobs_are_forgotten_and_young_ones_kept(runtime: Runtime, workspace: UUID) -> None:
    gate.set()
    old, young, open_one, unasked, failed = [await send_waiting(runtime, workspace) for _ in range(5)]
    await drain(runtime)
    async with runtime.database.unit(workspace) as unit:
        # Nobody asked for these two, and of those only the ones that did not go well are worth keeping for long.
        await unit.run(
            """
            update jobs set finished_at = :then, status = case when id = :failed then 'failed' else status end
            where id in (:unasked, :failed)
            """,
            then=clock.now() - KEPT_OWN_JOBS - timedelta(hours=1),
            unasked=unasked,
            failed=failed,
        )
    async with runtime.database.unit(workspace) as unit:
        await unit.run(
            "update jobs set finished_at = :then where id = :old",
            then=clock.now() - KEPT_JOBS - timedelta(hours=1),
            old=old,
        )
        await unit.run("update jobs set status = 'queued', finished_at = null where id = :id", id=open_one)
    await prune(runtime.database)
    async with runtime.database.unit(workspace) as unit:
        rows = await unit.rows("select id from jobs where workspace_id = :workspace order by id")
        left = [row["id"] for row in rows]
        await unit.run("update jobs set status = 'completed', finished_at = now() where id = :id", id=open_one)
    assert left == [young, open_one, failed]
