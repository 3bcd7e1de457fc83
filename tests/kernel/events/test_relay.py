"""The relay: in order, at least once, past bad events, and never past a transaction that is still under way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg
import pytest

from fostr.kernel import clock
from fostr.kernel.db.unit import observe_statements
from fostr.kernel.events.catalogue import EventType, register_events
from fostr.kernel.events.consumers import Consumer, Event, list_consumers, register_consumer
from fostr.kernel.events.cursors import ensure_consumers
from fostr.kernel.events.delivery import BATCH, MOST_ATTEMPTS, MOST_INTERRUPTIONS, Delivery, deliver
from fostr.kernel.events.outbox import record
from fostr.kernel.events.relay import SWEEP_SECONDS, Relay
from fostr.kernel.ids import new_id
from tests.support.bare import create_bare_workspace
from tests.support.events import wait_until_ready
from tests.support.losses import lose_connection

if TYPE_CHECKING:
    from fostr.kernel.db.database import Database
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.runtime import Runtime

register_events([EventType("gong.rung", "gong"), EventType("gong.cracked", "gong")])


class Listener:
    """A consumer that remembers what it was given, and fails where it is told to."""

    def __init__(self, *, types: frozenset[str] | None = None, from_now: bool = False) -> None:
        self.heard: list[UUID] = []
        self.failures: dict[UUID, int] = {}
        self.consumer = Consumer(f"test {new_id()}", types, self._handle, from_now=from_now)

    async def _handle(self, unit: Unit, event: Event) -> None:
        assert unit.workspace == event.workspace_id
        if self.failures.get(event.entity_id, 0) > 0:
            self.failures[event.entity_id] -= 1
            raise RuntimeError("the bell is deaf")
        self.heard.append(event.entity_id)


async def ring(source: Unit, *, type: str = "gong.rung") -> UUID:
    bell = new_id()
    await record(source, type=type, entity="gong", entity_id=bell)
    return bell


async def ring_times(database: Database, workspace: UUID, times: int) -> list[UUID]:
    bells: list[UUID] = []
    for _ in range(times):
        async with database.unit(workspace) as unit:
            bells.append(await ring(unit))
    return bells


async def deliver_all(database: Database, listener: Listener, workspace: UUID, *, is_held: bool = False) -> Delivery:
    """Deliver until nothing is left; or, where the test holds events back, until they must be waited for."""
    await ensure_consumers(database, [listener.consumer])
    if not is_held:
        await wait_until_ready(database, workspace)
    step = Delivery(more=True)
    while step.more:
        step = await deliver(database, [listener.consumer], workspace)
    return step


async def deliver_past_failures(database: Database, listener: Listener, workspace: UUID) -> int:
    """Deliver until nothing is left, going forward in time over each retry; return how many there were."""
    retries = 0
    with clock.travel(to=clock.now()):
        while (step := await deliver_all(database, listener, workspace)).retry_in is not None:
            retries += 1
            clock.advance(timedelta(seconds=step.retry_in + 0.01))
    return retries


async def read_dead_letters(database: Database, listener: Listener) -> list[tuple[str, int, str]]:
    async with database.unit() as unit:
        rows = await unit.rows(
            "select type, attempts, error from event_dead_letters where consumer = :name order by id",
            name=listener.consumer.name,
        )
    return [(row["type"], row["attempts"], row["error"]) for row in rows]


async def eventually(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():  # noqa: ASYNC110 - what is waited for announces itself to nobody
            await asyncio.sleep(0.01)


@asynccontextmanager
async def relaying(runtime: Runtime, *listeners: Listener) -> AsyncGenerator[None]:
    stop = asyncio.Event()
    relay = Relay(runtime.database, runtime.bus, [listener.consumer for listener in listeners])
    running = asyncio.create_task(relay.run(stop))
    try:
        yield
    finally:
        stop.set()
        await ended(running)


async def ended(running: asyncio.Task[None]) -> None:
    done, _ = await asyncio.wait({running}, timeout=20)
    running.cancel()
    assert done, "the relay does not end"
    await running


async def test_events_are_given_in_the_order_of_their_writes(runtime: Runtime, workspace: UUID) -> None:
    listener = Listener()
    bells = await ring_times(runtime.database, workspace, 5)
    async with runtime.database.unit(workspace) as unit:
        bells += [await ring(unit) for _ in range(3)]
    await deliver_all(runtime.database, listener, workspace)
    assert listener.heard == bells


async def test_nothing_is_given_twice_and_the_place_is_kept(runtime: Runtime, workspace: UUID) -> None:
    listener = Listener()
    bells = await ring_times(runtime.database, workspace, 2)
    await deliver_all(runtime.database, listener, workspace)
    bells += await ring_times(runtime.database, workspace, 2)
    await deliver_all(runtime.database, listener, workspace)
    await deliver_all(runtime.database, listener, workspace)
    assert listener.heard == bells


async def test_more_than_a_batch(runtime: Runtime, workspace: UUID) -> None:
    listener = Listener()
    async with runtime.database.unit(workspace) as unit:
        bells = [await ring(unit) for _ in range(2 * BATCH + 1)]
    await deliver_all(runtime.database, listener, workspace)
    assert listener.heard == bells


async def test_a_consumer_is_given_its_types_alone_and_passes_the_others(runtime: Runtime, workspace: UUID) -> None:
    listener = Listener(types=frozenset({"gong.cracked"}))
    async with runtime.database.unit(workspace) as unit:
        await ring(unit)
        cracked = await ring(unit, type="gong.cracked")
        await ring(unit)
    await deliver_all(runtime.database, listener, workspace)
    assert listener.heard == [cracked]
    async with runtime.database.unit() as unit:
        pending = await unit.rows("select w from app.workspaces_with_events(:name) as w", name=listener.consumer.name)
    assert workspace not in [row["w"] for row in pending]


async def test_workspaces_do_not_mix(runtime: Runtime, workspace: UUID, other_workspace: UUID) -> None:
    listener = Listener()
    [bell] = await ring_times(runtime.database, workspace, 1)
    await ring_times(runtime.database, other_workspace, 1)
    await deliver_all(runtime.database, listener, workspace)
    assert listener.heard == [bell]


async def test_a_slow_earlier_transaction_is_not_passed(runtime: Runtime, workspace: UUID) -> None:
    listener = Listener()
    async with runtime.database.unit(workspace) as slow:
        first = await ring(slow)
        [second] = await ring_times(runtime.database, workspace, 1)
        step = await deliver_all(runtime.database, listener, workspace, is_held=True)
        assert step.waits
        assert listener.heard == []
    await deliver_all(runtime.database, listener, workspace)
    assert listener.heard == [first, second]


async def test_a_slow_transaction_of_another_workspace_that_wrote_first_is_waited_for_no_longer_than_it_takes(
    runtime: Runtime, workspace: UUID, other_workspace: UUID
) -> None:
    listener = Listener()
    async with relaying(runtime, listener):
        async with runtime.database.unit(other_workspace) as slow:
            await ring(slow)
            [bell] = await ring_times(runtime.database, workspace, 1)
            await asyncio.sleep(0.3)
            assert bell not in listener.heard
        await eventually(lambda: bell in listener.heard)


async def test_a_failing_event_is_tried_again_and_holds_its_place(runtime: Runtime, workspace: UUID) -> None:
    listener = Listener()
    bells = await ring_times(runtime.database, workspace, 4)
    listener.failures[bells[2]] = 3
    # The first failure rolls the batch back, which is given again up to there; the others are noted.
    assert await deliver_past_failures(runtime.database, listener, workspace) == 2
    assert listener.heard[-4:] == bells
    assert await read_dead_letters(runtime.database, listener) == []


async def test_a_retry_is_not_made_before_its_time(runtime: Runtime, workspace: UUID) -> None:
    listener = Listener()
    [bell] = await ring_times(runtime.database, workspace, 1)
    listener.failures[bell] = 1
    await deliver_all(runtime.database, listener, workspace)
    step = await deliver_all(runtime.database, listener, workspace)
    assert step.retry_in is not None
    assert 0 < step.retry_in < 1
    assert listener.heard == []


async def test_poison_is_put_aside_and_the_next_ones_pass(runtime: Runtime, workspace: UUID) -> None:
    listener = Listener()
    bells = await ring_times(runtime.database, workspace, 3)
    listener.failures[bells[1]] = 1000
    assert await deliver_past_failures(runtime.database, listener, workspace) == MOST_ATTEMPTS - 1
    assert listener.heard[-1] == bells[2]
    assert bells[1] not in listener.heard
    assert await read_dead_letters(runtime.database, listener) == [
        ("gong.rung", MOST_ATTEMPTS, "RuntimeError: the bell is deaf"),
    ]


class UnspeakableError(Exception):
    """An error that fails at saying what it is."""

    def __str__(self) -> str:
        raise NotImplementedError


@pytest.mark.parametrize("error", [UnspeakableError(), RuntimeError("\0 and \ud800"), RuntimeError("x" * 10_000)])
async def test_whatever_an_error_says_it_is_noted(runtime: Runtime, workspace: UUID, error: Exception) -> None:
    listener = Listener()

    async def fail(_: Unit, __: Event) -> None:
        raise error

    listener.consumer = Consumer(listener.consumer.name, None, fail)
    await ring_times(runtime.database, workspace, 1)
    assert await deliver_past_failures(runtime.database, listener, workspace) == MOST_ATTEMPTS - 1
    [(_, attempts, text)] = await read_dead_letters(runtime.database, listener)
    assert attempts == MOST_ATTEMPTS
    assert text.startswith(type(error).__name__)


async def test_what_a_failing_handler_wrote_is_undone(runtime: Runtime, workspace: UUID) -> None:
    echoes = new_id()

    async def echo_and_fail(unit: Unit, event: Event) -> None:
        await record(unit, type="gong.rung", entity="gong", entity_id=echoes, after={"of": str(event.id)})
        raise RuntimeError("after the echo")

    consumer = Consumer(f"test {new_id()}", frozenset({"gong.cracked"}), echo_and_fail)
    async with runtime.database.unit(workspace) as unit:
        await ring(unit, type="gong.cracked")
    await ensure_consumers(runtime.database, [consumer])
    await wait_until_ready(runtime.database, workspace)
    assert (await deliver(runtime.database, [consumer], workspace)).retry_in is not None
    async with runtime.database.unit(workspace) as unit:
        count = await unit.value(
            "select count(*) from events e where e.workspace_id = :workspace and e.entity_id = :id", id=echoes
        )
    assert count == 0


async def test_one_worker_at_a_time_serves_a_consumer_in_a_workspace(runtime: Runtime, workspace: UUID) -> None:
    heard: list[UUID] = []
    entered, leave = asyncio.Event(), asyncio.Event()

    async def wait(_: Unit, event: Event) -> None:
        entered.set()
        await leave.wait()
        heard.append(event.entity_id)

    consumer = Consumer(f"test {new_id()}", None, wait)
    bells = await ring_times(runtime.database, workspace, 3)
    await ensure_consumers(runtime.database, [consumer])
    await wait_until_ready(runtime.database, workspace)
    first = asyncio.create_task(deliver(runtime.database, [consumer], workspace))
    await entered.wait()
    assert await deliver(runtime.database, [consumer], workspace) == Delivery()
    leave.set()
    assert (await first).count == 3
    assert heard == bells


async def test_a_relay_that_is_ended_in_the_middle_loses_nothing(runtime: Runtime, workspace: UUID) -> None:
    listener = Listener()
    entered = asyncio.Event()

    async def hang(_: Unit, __: Event) -> None:
        entered.set()
        await asyncio.sleep(3600)

    hanging = Consumer(listener.consumer.name, None, hang)
    bells = await ring_times(runtime.database, workspace, 2)
    stop = asyncio.Event()
    running = asyncio.create_task(Relay(runtime.database, runtime.bus, [hanging]).run(stop))
    await entered.wait()
    stop.set()
    await ended(running)
    await deliver_all(runtime.database, listener, workspace)
    assert listener.heard == bells


async def test_a_relay_ends_though_it_loses_a_connection_as_it_is_asked_to(runtime: Runtime, workspace: UUID) -> None:
    listener = Listener()
    lost = asyncio.Event()

    async def lose(unit: Unit, _: Event) -> None:
        if not lost.is_set():
            await lose_connection(runtime.database, unit)
        lost.set()
        await asyncio.get_running_loop().create_future()

    losing = Consumer(listener.consumer.name, None, lose)
    bells = await ring_times(runtime.database, workspace, 2)
    stop = asyncio.Event()
    running = asyncio.create_task(Relay(runtime.database, runtime.bus, [losing]).run(stop))
    async with asyncio.timeout(20):
        await lost.wait()
    stop.set()
    await ended(running)
    await deliver_all(runtime.database, listener, workspace)
    assert listener.heard == bells


async def test_a_commit_wakes_the_relay(runtime: Runtime, workspace: UUID) -> None:
    listener = Listener()
    async with relaying(runtime, listener):
        [first] = await ring_times(runtime.database, workspace, 1)
        await eventually(lambda: first in listener.heard)
        start = clock.elapsed()
        for _ in range(6):
            [bell] = await ring_times(runtime.database, workspace, 1)
            await eventually(partial(listener.heard.__contains__, bell))
        # Had each waited for a sweep, it would have taken five of them at least.
        assert clock.elapsed(start) < 3 * SWEEP_SECONDS


async def test_a_sweep_finds_what_no_notice_told_of(runtime: Runtime, workspace: UUID) -> None:
    listener = Listener()
    bells = await ring_times(runtime.database, workspace, 3)
    async with relaying(runtime, listener):
        await eventually(lambda: bells[-1] in listener.heard)
    assert [bell for bell in listener.heard if bell in bells] == bells


async def test_two_relays_share_many_workspaces(runtime: Runtime) -> None:
    listener = Listener()
    workspaces = [await create_bare_workspace(runtime) for _ in range(8)]
    async with relaying(runtime, listener), relaying(runtime, listener):
        rung = await asyncio.gather(*(ring_times(runtime.database, workspace, 5) for workspace in workspaces))
        await eventually(lambda: all(bells[-1] in listener.heard for bells in rung))
    for bells in rung:
        assert [bell for bell in listener.heard if bell in bells] == bells


async def test_a_consumer_that_comes_later_reads_history_unless_it_wants_none(
    runtime: Runtime, workspace: UUID
) -> None:
    await ensure_consumers(runtime.database, [Listener().consumer])
    bells = await ring_times(runtime.database, workspace, 2)
    curious, modern = Listener(), Listener(from_now=True)
    for listener in (curious, modern):
        await deliver_all(runtime.database, listener, workspace)
    bells += await ring_times(runtime.database, workspace, 1)
    for listener in (curious, modern):
        await deliver_all(runtime.database, listener, workspace)
    assert curious.heard == bells
    assert modern.heard == bells[2:]


def test_a_consumer_has_a_name_of_its_own() -> None:
    handler: Callable[[Unit, Event], Awaitable[None]] = Listener().consumer.handler
    name = f"test {new_id()}"
    register_consumer(name, types=[], handler=handler)
    assert name in [consumer.name for consumer in list_consumers()]
    with pytest.raises(ValueError, match="registered twice"):
        register_consumer(name, types=None, handler=handler)


async def test_a_consumer_that_fails_holds_up_nobody_else(runtime: Runtime, workspace: UUID) -> None:
    failing, hearing = Listener(), Listener()
    bells = await ring_times(runtime.database, workspace, 3)
    failing.failures[bells[0]] = 1000
    consumers = [failing.consumer, hearing.consumer]
    await ensure_consumers(runtime.database, consumers)
    await wait_until_ready(runtime.database, workspace)
    step = await deliver(runtime.database, consumers, workspace)
    assert step.retry_in is not None
    assert (failing.heard, hearing.heard) == ([], bells)
    assert (await deliver(runtime.database, consumers, workspace)).count == 0


async def test_an_error_that_a_handler_swallows_is_found_out(runtime: Runtime, workspace: UUID) -> None:
    done: list[UUID] = []

    async def swallow(unit: Unit, event: Event) -> None:
        if event.type == "gong.cracked":
            with suppress(asyncpg.DivisionByZeroError):
                await unit.value("select 1 / 0")
            return
        done.append(event.entity_id)

    listener = Listener()
    listener.consumer = Consumer(listener.consumer.name, None, swallow)
    async with runtime.database.unit(workspace) as unit:
        first = await ring(unit)
        await ring(unit, type="gong.cracked")
        last = await ring(unit)
    await deliver_past_failures(runtime.database, listener, workspace)
    [(kind, attempts, error)] = await read_dead_letters(runtime.database, listener)
    assert (kind, attempts) == ("gong.cracked", MOST_ATTEMPTS)
    assert error.startswith("InFailedSQLTransactionError")
    assert done[0] == first
    assert done[-1] == last


async def test_the_end_of_a_connection_is_not_held_against_an_event(runtime: Runtime, workspace: UUID) -> None:
    listener = Listener()
    losses = iter(range(2 * MOST_ATTEMPTS))

    async def lose(unit: Unit, event: Event) -> None:
        if next(losses, None) is not None:
            await lose_connection(runtime.database, unit)
        await unit.value("select 1")
        listener.heard.append(event.entity_id)

    listener.consumer = Consumer(listener.consumer.name, None, lose)
    bells = await ring_times(runtime.database, workspace, 2)
    assert await deliver_past_failures(runtime.database, listener, workspace) == 2 * MOST_ATTEMPTS
    assert listener.heard == bells
    assert await read_dead_letters(runtime.database, listener) == []


async def test_an_event_at_which_its_consumer_is_interrupted_for_ever_is_put_aside(
    runtime: Runtime, workspace: UUID
) -> None:
    listener = Listener()

    async def deadlock(_: Unit, __: Event) -> None:
        raise asyncpg.DeadlockDetectedError("both wait for each other")

    listener.consumer = Consumer(listener.consumer.name, None, deadlock)
    await ring_times(runtime.database, workspace, 1)
    assert await deliver_past_failures(runtime.database, listener, workspace) == MOST_INTERRUPTIONS - 1
    [(_, attempts, _)] = await read_dead_letters(runtime.database, listener)
    assert attempts == MOST_INTERRUPTIONS


async def test_a_batch_is_read_once_for_all_who_stand_at_its_beginning(runtime: Runtime, workspace: UUID) -> None:
    hearing = [Listener() for _ in range(3)]
    idle = [Listener(types=frozenset({"gong.cast"})) for _ in range(3)]
    consumers = [listener.consumer for listener in (*hearing, *idle)]
    await ensure_consumers(runtime.database, consumers)
    await deliver(runtime.database, consumers, workspace)
    await ring_times(runtime.database, workspace, 5)
    await wait_until_ready(runtime.database, workspace)
    seen: list[str] = []
    end = observe_statements(lambda text, of: seen.append(text) if of == workspace else None)
    step = await deliver(runtime.database, consumers, workspace)
    end()
    assert step.count == 5 * len(consumers)
    assert sum("from events e" in text for text in seen) == 1
    # The places; how far the log is settled; the batch; a step on for all who want none of it, one for each other.
    assert len(seen) == 4 + len(hearing)
