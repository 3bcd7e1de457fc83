"""Hand consumers what is new in one workspace: in order, at least once, in the transaction that moves them on."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

import asyncpg
import structlog

from fostr.kernel import clock
from fostr.kernel.db.unit import LOST
from fostr.kernel.events.consumers import Consumer, Event
from fostr.kernel.events.cursors import Cursor, create_cursors, list_cursors, move, postpone, put_aside
from fostr.kernel.events.log import find_settled, to_event

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fostr.kernel.db.database import Database
    from fostr.kernel.db.unit import Unit

log = structlog.get_logger(__name__)

BATCH: Final = 100
MOST_ATTEMPTS: Final = 6
MOST_INTERRUPTIONS: Final = 20
FIRST_RETRY: Final = timedelta(seconds=0.5)
"""Doubled with each attempt: a consumer waits about 15 seconds for a bad event before it is put aside."""
LONGEST_RETRY: Final = timedelta(minutes=1)
HANDLER_SECONDS: Final = 20.0
"""What a handler may take for one event. One that hangs would hold up everybody who follows the workspace."""

INTERRUPTED: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InternalClientError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
)
"""What is nobody's fault: the end of a connection, a deadlock. Such an attempt does not count against the event."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came of one step.

    Attributes:
        count: events that consumers have put behind them, counted once for each.
        more: whether more were ready for some of them.
        waits: whether the next event must wait for a transaction that may still write one before it.
        retry_in: seconds after which a failed event is due again.
    """

    count: int = 0
    more: bool = False
    waits: bool = False
    retry_in: float | None = None

    def joined(self, other: Delivery) -> Delivery:
        """Return what came of both steps together."""
        pauses = [pause for pause in (self.retry_in, other.retry_in) if pause is not None]
        return Delivery(
            count=self.count + other.count,
            more=self.more or other.more,
            waits=self.waits or other.waits,
            retry_in=min(pauses, default=None),
        )


@dataclass(frozen=True, slots=True)
class _Step:
    """An event of a batch, between two places."""

    before: int
    at: int
    event: Event


@dataclass(frozen=True, slots=True)
class _Batch:
    """What follows a place, read once for all consumers that stand there."""

    steps: list[_Step]
    end: int
    waits: bool

    def passed(self, *, times: int) -> Delivery:
        """Return what it means that so many consumers have put it behind them."""
        more = times > 0 and len(self.steps) == BATCH
        return Delivery(count=times * len(self.steps), more=more, waits=self.waits)


@dataclass(frozen=True, slots=True)
class _Task:
    """A batch for one consumer."""

    consumer: Consumer
    cursor: Cursor
    batch: _Batch

    @property
    def steps(self) -> list[_Step]:
        """What the consumer wants of it."""
        return [step for step in self.batch.steps if self.consumer.wants(step.event.type)]


class _HandlerFailed(Exception):
    """Carries an error of a handler through the unit of work, which it rolls back."""

    def __init__(self, step: _Step, error: Exception, *, is_interruption: bool = False) -> None:
        super().__init__()
        self.step = step
        self.error = error
        self.is_interruption = is_interruption


async def deliver(database: Database, consumers: Sequence[Consumer], workspace: UUID) -> Delivery:
    """Hand each consumer the next batch of a workspace's events.

    A batch is read once for all who have come equally far, and is one transaction for each of them that wants any of
    its events. When an event fails, those before it are delivered in transactions of their own, and the event itself
    is noted for another attempt, which holds up nobody but its consumer.
    """
    by_name = {consumer.name: consumer for consumer in consumers}
    outcome, tasks = await _plan(database, by_name, workspace)
    for task in sorted(tasks, key=lambda task: task.cursor.attempts):
        outcome = outcome.joined(await _serve(database, task, workspace))
    return outcome


async def _plan(database: Database, consumers: dict[str, Consumer], workspace: UUID) -> tuple[Delivery, list[_Task]]:
    async with database.unit(workspace) as unit:
        cursors = await list_cursors(unit, list(consumers))
        if len(cursors) == len(consumers):
            return await _share(unit, consumers, cursors)
    await create_cursors(database, list(consumers), workspace)
    async with database.unit(workspace) as unit:
        return await _share(unit, consumers, await list_cursors(unit, list(consumers)))


async def _share(unit: Unit, consumers: dict[str, Consumer], cursors: Sequence[Cursor]) -> tuple[Delivery, list[_Task]]:
    """Read what is new, move on whoever wants none of it, and return the batches of all the others."""
    due, outcome = _find_due(cursors)
    settled = await find_settled(unit) if due else 0
    tasks: list[_Task] = []
    for position, standing in due.items():
        batch = await _read(unit, position, settled, [consumers[cursor.consumer] for cursor in standing])
        if not batch.steps:
            outcome = outcome.joined(batch.passed(times=0))
            continue
        found = [_Task(consumers[cursor.consumer], cursor, batch) for cursor in standing]
        tasks += [task for task in found if task.steps]
        moved = await move(unit, [task.cursor for task in found if not task.steps], batch.end)
        outcome = outcome.joined(batch.passed(times=moved))
    return outcome, tasks


def _find_due(cursors: Iterable[Cursor]) -> tuple[dict[int, list[Cursor]], Delivery]:
    """Return who may go on, by their places, and what it means that the others have to wait."""
    due: defaultdict[int, list[Cursor]] = defaultdict(list)
    outcome = Delivery()
    now = clock.now()
    for cursor in cursors:
        if cursor.retry_at is not None and cursor.retry_at > now:
            outcome = outcome.joined(Delivery(retry_in=(cursor.retry_at - now).total_seconds()))
        else:
            due[cursor.position].append(cursor)
    return due, outcome


async def _read(unit: Unit, after: int, settled: int, readers: Sequence[Consumer]) -> _Batch:
    """Return what follows a place; what none of the readers wants, without what it tells."""
    rows = await unit.rows(
        """
        select e.position, e.id, e.type, e.version, e.entity, e.entity_id, e.created_at,
               case when w.whole then e.actor end as actor, case when w.whole then e.before end as before,
               case when w.whole then e.after end as after, case when w.whole then e.cause end as cause
        from events e
        cross join lateral (select e.position <= :settled and (:every or e.type = any(:types)) as whole) w
        where e.workspace_id = :workspace and e.position > :after
        order by e.position
        limit :limit
        """,
        every=any(reader.types is None for reader in readers),
        types=sorted({name for reader in readers for name in reader.types or ()}),
        settled=settled,
        after=after,
        limit=BATCH,
    )
    steps: list[_Step] = []
    place = after
    for row in rows:
        if row["position"] > settled:
            return _Batch(steps, place, waits=True)
        before, place = place, row["position"]
        steps.append(_Step(before, place, to_event(unit, row)))
    return _Batch(steps, place, waits=False)


async def _serve(database: Database, task: _Task, workspace: UUID) -> Delivery:
    try:
        moved = await _hand_over(database, task, workspace, task.steps, to=task.batch.end)
    except _HandlerFailed as failure:
        if failure.step is not task.steps[0]:
            return await _serve_singly(database, task, workspace)
        return await _note_failure(database, workspace, task.cursor, failure)
    return task.batch.passed(times=int(moved))


async def _serve_singly(database: Database, task: _Task, workspace: UUID) -> Delivery:
    """Hand over each event of a batch by itself, up to the one that fails."""
    cursor = task.cursor
    for step in task.steps:
        alone = replace(task, cursor=cursor)
        try:
            if not await _hand_over(database, alone, workspace, [step], to=step.at):
                return Delivery()
        except _HandlerFailed as failure:
            return await _note_failure(database, workspace, cursor, failure)
        cursor = Cursor(cursor.consumer, step.at)
    return Delivery(count=len(task.steps), more=True)


async def _hand_over(database: Database, task: _Task, workspace: UUID, steps: Sequence[_Step], *, to: int) -> bool:
    """Give a consumer some events and move it on, in one transaction; say whether nobody else was at it."""
    try:
        async with database.unit(workspace) as unit:
            if not await move(unit, [task.cursor], to):
                return False
            for step in steps:
                await _handle(unit, task.consumer, step)
    except asyncpg.InFailedSQLTransactionError as error:
        # A handler went on after a statement of its had failed, and the commit found out.
        raise _HandlerFailed(steps[-1], error) from error
    return True


async def _handle(unit: Unit, consumer: Consumer, step: _Step) -> None:
    try:
        async with asyncio.timeout(HANDLER_SECONDS):
            await consumer.handler(unit, step.event)
    except Exception as error:
        is_interruption = isinstance(error, INTERRUPTED) or await _is_lost(unit)
        raise _HandlerFailed(step, error, is_interruption=is_interruption) from error


async def _is_lost(unit: Unit) -> bool:
    try:
        return (await unit.connection()).is_closed()
    except LOST:
        return True


async def _note_failure(database: Database, workspace: UUID, cursor: Cursor, failure: _HandlerFailed) -> Delivery:
    event = failure.step.event
    attempts = cursor.attempts + (not failure.is_interruption)
    interruptions = cursor.interruptions + failure.is_interruption
    facts = {"consumer": cursor.consumer, "event_type": event.type, "attempt": attempts + interruptions}
    facts |= {"event_id": str(event.id), "workspace": str(workspace)}
    text = describe_error(failure.error)
    async with database.unit(workspace) as unit:
        if attempts >= MOST_ATTEMPTS or interruptions >= MOST_INTERRUPTIONS:
            if not await move(unit, [cursor], failure.step.at):
                # Another process has taken the place over in the meantime, and goes on from there.
                return Delivery()
            await put_aside(unit, cursor.consumer, event, attempts=attempts + interruptions, error=text)
            log.error("event put aside", exc_info=failure.error, **facts)
            return Delivery(count=1, more=True)
        log.warning("event failed", exc_info=failure.error, **facts)
        delay = _choose_delay(attempts + interruptions)
        noted = Cursor(cursor.consumer, failure.step.before, attempts, interruptions, clock.now() + delay)
        await postpone(unit, cursor, noted, error=text)
        return Delivery(retry_in=delay.total_seconds())


def describe_error(error: Exception) -> str:
    """Return an error in a line that PostgreSQL can keep, whatever it holds."""
    if isinstance(error, TimeoutError):
        return f"TimeoutError: it took longer than {HANDLER_SECONDS:.0f} seconds"
    try:
        text = f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - an error that cannot say what it is must not end the relay
        text = type(error).__name__
    return text.replace("\0", "").encode(errors="replace").decode()


def _choose_delay(attempt: int) -> timedelta:
    # Not secret: jitter keeps the retries of many workspaces apart.
    return min(FIRST_RETRY * 2 ** (attempt - 1), LONGEST_RETRY) * random.uniform(0.8, 1.2)  # noqa: S311
