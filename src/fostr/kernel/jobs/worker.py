"""The worker: takes jobs from the queue and runs them, keeps the schedules, relays events.

Any number of workers may run, on any number of machines.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import structlog
from pgqueuer.core.qm import QueueManager
from pgqueuer.core.sm import SchedulerManager
from pgqueuer.domain.errors import FailingListenerError, RetryRequested
from pgqueuer.domain.models import Job as QueuedJob
from pgqueuer.domain.models import Schedule as DueSchedule
from pgqueuer.domain.types import QueueManagerId

from fostr.kernel.db.unit import LOST
from fostr.kernel.discovery import import_modules
from fostr.kernel.events.bus import RESYNC, ReaderTooSlow
from fostr.kernel.events.consumers import list_consumers
from fostr.kernel.events.relay import Relay, run_relay
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.jobs.queue import CHANNEL, QueueConnection, open_queue
from fostr.kernel.jobs.registry import QUEUES, Schedule, list_schedules
from fostr.kernel.jobs.runner import AT_ONCE, Runner
from fostr.kernel.jobs.status import CANCEL_CHANNEL
from fostr.kernel.jobs.upkeep import list_cancelled, reclaim_lost_picks, requeue_orphans
from fostr.kernel.log import configure_log
from fostr.kernel.runtime import Runtime, open_runtime

if TYPE_CHECKING:
    from fostr.settings import Settings

log = structlog.get_logger(__name__)

HANDLER_MODULES: Final = ("permissions", "events", "consumers", "tasks")
"""The names of modules that register what a worker needs to know."""

HEARTBEAT: Final = timedelta(seconds=20)
"""A job whose worker has not been heard of for so long is taken by another one."""
POLL: Final = timedelta(seconds=2)
DRAIN_POLL: Final = timedelta(milliseconds=20)
DRAIN_AHEAD: Final = timedelta(seconds=10)
UPKEEP_SECONDS: Final = 2.0
ORPHANS_EVERY: Final = 15
"""Rounds of upkeep."""
STOP_SECONDS: Final = 2.0
"""What a job may still take to end when its worker is asked to stop; then it is given back."""
STUCK_SECONDS: Final = 10.0
"""What an interrupted job may take to let go."""
CONNECTIONS_FOR_ITSELF: Final = 8
"""For the relay and the upkeep."""
FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 5.0
"""Between attempts to reach the queue again."""


async def run_worker(settings: Settings, *, database_url: str, stop: asyncio.Event) -> None:
    """Work until `stop` is set: run jobs and schedules, relay events.

    It survives the loss of the database. Asked to stop, it takes nothing new, waits a little for what runs, and gives
    the rest back to the queue.
    """
    configure_log(settings)
    load_handlers()
    # A handler may report while its own transaction is open; with fewer connections, all could wait for each other.
    most = CONNECTIONS_FOR_ITSELF + 2 * sum(queue_concurrency(settings, queue) for queue in QUEUES)
    roomy = settings.model_copy(update={"pool_max": max(settings.pool_max, most)})
    async with open_runtime(roomy, database_url=database_url) as runtime:
        await serve(runtime, stop=stop)


def queue_concurrency(settings: Settings, queue: str) -> int:
    """Return how many jobs of a queue a worker runs at a time."""
    return max(1, round(settings.worker_concurrency * QUEUES[queue]))


def load_handlers() -> None:
    """Import every module that registers a job, a schedule, or a consumer of events."""
    for role in HANDLER_MODULES:
        import_modules(role)


async def serve(runtime: Runtime, *, stop: asyncio.Event) -> None:
    """Work with an open runtime until `stop` is set."""
    runner = Runner(runtime)
    tasks = [
        asyncio.create_task(run_relay(runtime.database, runtime.bus, stop), name="relay"),
        asyncio.create_task(_hear_cancellations(runtime, runner), name="cancellations"),
        asyncio.create_task(_keep_serving(runtime, runner, stop), name="queue"),
    ]
    ending = asyncio.create_task(stop.wait())
    try:
        # A part ends before it is asked to by an error of the program only, and then the process has to end.
        await asyncio.wait({ending, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        await asyncio.wait({tasks[0], tasks[2]})
    finally:
        for task in (ending, *tasks):
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome


async def _hear_cancellations(runtime: Runtime, runner: Runner) -> None:
    while True:
        try:
            async with runtime.bus.subscribe(CANCEL_CHANNEL) as notices:
                async for notice in notices:
                    # What a lost notice was about, the next round of upkeep finds.
                    if notice != RESYNC:
                        runner.cancel(UUID(notice))
        except ReaderTooSlow:
            continue


async def _keep_serving(runtime: Runtime, runner: Runner, stop: asyncio.Event) -> None:
    pause = FIRST_PAUSE
    while not stop.is_set():
        try:
            async with open_queue(runtime.database.url) as queue:
                pause = FIRST_PAUSE
                await _Service(runtime, runner, queue).run(stop)
        except (*LOST, FailingListenerError) as error:
            log.warning("the queue was lost", error=repr(error))
            await _wait_for(stop, pause)
            pause = min(pause * 2, LONGEST_PAUSE)


async def _wait_for(event: asyncio.Event, seconds: float) -> None:
    waiting = asyncio.create_task(event.wait())
    await asyncio.wait({waiting}, timeout=seconds)
    waiting.cancel()


class _Service:
    """One connection to the queue, and everything that lives as long as it does."""

    def __init__(self, runtime: Runtime, runner: Runner, queue: QueueConnection) -> None:
        self._runtime = runtime
        self._runner = runner
        self._queue = queue
        self._ending = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Serve the queue until `stop` is set or the connection is lost, and return when no job runs any more."""
        await reclaim_lost_picks(self._runtime.database)
        self._queue.connection.add_termination_listener(lambda _: self._ending.set())
        parts = [
            *(self._serve_queue(name) for name in QUEUES),
            self._keep_schedules(),
            self._keep_up(),
        ]
        tasks = [asyncio.create_task(self._as_part(part)) for part in parts]
        stopping = asyncio.create_task(stop.wait())
        ending = asyncio.create_task(self._ending.wait())
        await asyncio.wait({stopping, ending}, return_when=asyncio.FIRST_COMPLETED)
        self._ending.set()
        # Without its connection the worker has lost its claim to the jobs: others may run them already.
        await self._runner.give_back(after=0 if self._queue.connection.is_closed() else STOP_SECONDS)
        done, stuck = await asyncio.wait(tasks, timeout=STUCK_SECONDS)
        if stuck:
            log.error("jobs do not end; the queue will take them for lost", jobs=[str(i) for i in self._runner.running])
            self._queue.connection.terminate()
        for task in (stopping, ending, *stuck):
            task.cancel()
        if not stop.is_set():
            errors = [error for task in done if (error := task.exception()) is not None]
            raise next(iter(errors), ConnectionError("the connection to the queue was closed"))

    async def _as_part(self, part: Coroutine[Any, Any, None]) -> None:
        try:
            await part
        finally:
            self._ending.set()

    async def _serve_queue(self, name: str) -> None:
        concurrency = queue_concurrency(self._runtime.settings, name)
        manager = make_manager(
            self._queue, name, entry=self._entry(asyncio.Semaphore(concurrency)), shutdown=self._ending
        )
        # pgqueuer wants room for two batches.
        await manager.run(
            dequeue_timeout=POLL,
            batch_size=max(1, concurrency // 2),
            max_concurrent_tasks=max(2, concurrency),
            shutdown_on_listener_failure=True,
            heartbeat_timeout=HEARTBEAT,
            log_aggregation_interval=timedelta(),
        )

    def _entry(self, room: asyncio.Semaphore) -> Callable[[UUID], Awaitable[timedelta | None]]:
        async def run(job_id: UUID) -> timedelta | None:
            async with room:
                return AT_ONCE if self._ending.is_set() else await self._runner.run(job_id)

        return run

    async def _keep_schedules(self) -> None:
        manager = SchedulerManager(self._queue.queries)
        manager.shutdown = self._ending
        for entry in list_schedules():
            if entry.at_start:
                await self._tick(entry)
            manager.schedule(entry.name, entry.cron, accepts_context=False)(self._ticker(entry))
        await manager.run()

    def _ticker(self, entry: Schedule) -> Callable[[DueSchedule], Awaitable[None]]:
        async def tick(_: DueSchedule) -> None:
            await self._tick(entry)

        return tick

    async def _tick(self, entry: Schedule) -> None:
        async with self._runtime.database.unit() as unit:
            await dispatch(unit, entry.name, {}, workspace=None, workflow_id=f"schedule:{entry.name}")

    async def _keep_up(self) -> None:
        rounds = 0
        while not self._ending.is_set():
            await self._queue.queries.driver.execute("select 1")
            await reclaim_lost_picks(self._runtime.database)
            if rounds % ORPHANS_EVERY == 0:
                await requeue_orphans(self._runtime.database)
            for job_id in await list_cancelled(self._runtime.database, self._runner.running):
                self._runner.cancel(job_id)
            rounds += 1
            await _wait_for(self._ending, UPKEEP_SECONDS)


def make_manager(
    queue: QueueConnection,
    name: str,
    *,
    entry: Callable[[UUID], Awaitable[timedelta | None]],
    shutdown: asyncio.Event,
    kind: type[QueueManager] = QueueManager,
) -> QueueManager:
    """Return pgqueuer's manager of one queue, which hands each job's id to `entry`."""
    manager = kind(queue.queries, CHANNEL)
    manager.queue_manager_id = QueueManagerId(queue.worker_id)
    manager.shutdown = shutdown

    async def run(queued: QueuedJob) -> None:
        again = await entry(UUID(bytes=queued.payload))
        if again is not None:
            raise RetryRequested(again)

    manager.entrypoint(name, accepts_context=False)(run)
    return manager


async def drain(runtime: Runtime, *, ahead: timedelta = DRAIN_AHEAD) -> None:
    """Relay what has happened and run what is queued, here and now, until neither is left.

    What is queued for later than in ten seconds, or `ahead`, stays. Tests use it; it is the worker's own machinery.
    """
    load_handlers()
    relay = Relay(runtime.database, runtime.bus, list_consumers())
    runner = Runner(runtime)
    await reclaim_lost_picks(runtime.database)
    queue: QueueConnection | None = None
    async with AsyncExitStack() as opened:
        while True:
            delivered = await relay.settle()
            if await _has_work(runtime, ahead):
                queue = queue or await opened.enter_async_context(open_queue(runtime.database.url))
                await _run_until_idle(runtime, queue, runner, ahead)
            elif not delivered:
                return


async def _has_work(runtime: Runtime, ahead: timedelta, *, besides: UUID | None = None) -> bool:
    """Say whether something is due, or run by a worker, unless that is a certain one."""
    async with runtime.database.unit() as unit:
        return await unit.value(
            """
            select exists (
                select from pgqueuer
                where (status = 'queued' and execute_after < now() + :soon)
                   or (status = 'picked' and queue_manager_id is distinct from :besides)
            )
            """,
            soon=ahead,
            besides=besides,
        )


class _QuickManager(QueueManager):
    """One that does not look at each table and column of the queue first, which takes longer than most jobs."""

    async def verify_structure(self) -> None:
        """Do nothing."""


async def _run_until_idle(runtime: Runtime, queue: QueueConnection, runner: Runner, ahead: timedelta) -> None:
    idle = asyncio.Event()
    managers = [make_manager(queue, name, entry=runner.run, shutdown=idle, kind=_QuickManager) for name in QUEUES]
    running = asyncio.gather(
        *(
            manager.run(dequeue_timeout=DRAIN_POLL, heartbeat_timeout=HEARTBEAT, log_aggregation_interval=timedelta())
            for manager in managers
        )
    )
    try:
        # What has run here stays picked for a moment: managers note by the batch what has ended, and as they stop.
        while not running.done() and (runner.running or await _has_work(runtime, ahead, besides=queue.worker_id)):
            await asyncio.wait({running}, timeout=DRAIN_POLL.total_seconds())
    finally:
        idle.set()
        await running
