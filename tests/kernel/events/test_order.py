"""Events lie in the order of the changes that they tell of, and readers pass none that is still to appear."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg
import pytest

from fostr.kernel.events.audiences import begin_snapshot
from fostr.kernel.events.catalogue import EventType, register_events
from fostr.kernel.events.log import BEGINNING, Part, find_end, find_settled, read_log
from fostr.kernel.events.outbox import record
from fostr.kernel.ids import new_id
from tests.support.events import PATIENCE, wait_until_ready

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from fostr.kernel.db.unit import Unit
    from fostr.kernel.events.consumers import Event, Position
    from fostr.kernel.runtime import Runtime

    Read = Callable[..., Awaitable[Part]]

TURNED = "dial.turned"
register_events([EventType(TURNED, "dial")])

WRITERS = 6
ROUNDS = 25
DIALS = 4


class Dials:
    """Things that are changed under a lock, as rows are, and count their changes."""

    def __init__(self) -> None:
        self.ids = sorted(new_id() for _ in range(DIALS))
        self.turns: Counter[UUID] = Counter()

    async def turn(self, unit: Unit, dial: UUID) -> None:
        """Change a dial, and tell so in the same transaction."""
        await unit.run("select pg_advisory_xact_lock(hashtextextended(:dial, 0))", dial=str(dial))
        self.turns[dial] += 1
        await record(unit, type=TURNED, entity="dial", entity_id=dial, after={"turn": self.turns[dial]})


@pytest.fixture
async def bystander(database_urls: tuple[str, str]) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A connection that is none of the program's."""
    connection = await asyncpg.connect(database_urls[0])
    yield connection
    await connection.close()


async def read_from(runtime: Runtime, workspace: UUID, *, after: Position = BEGINNING, limit: int = 100) -> Part:
    async with runtime.database.unit(workspace) as unit:
        return await read_log(unit, after=after, settled=await find_settled(unit), limit=limit)


async def read_at_once(runtime: Runtime, workspace: UUID, *, after: Position, limit: int) -> Part:
    """Read as streams do: everything as of one moment."""
    async with runtime.database.unit(workspace) as unit:
        settled = await begin_snapshot(unit)
        return await read_log(unit, after=after, settled=settled, limit=limit)


def turns_of(events: list[Event], dial: UUID) -> list[int]:
    return [event.after["turn"] for event in events if event.entity_id == dial and event.after is not None]


async def test_who_wrote_something_else_first_comes_behind_whom_it_waited_for(
    runtime: Runtime, workspace: UUID
) -> None:
    dials = Dials()
    first, second, *_ = dials.ids
    async with runtime.database.unit(workspace) as early:
        await dials.turn(early, first)
        async with runtime.database.unit(workspace) as quick:
            await dials.turn(quick, second)
        await dials.turn(early, second)
    await wait_until_ready(runtime.database, workspace)
    part = await read_from(runtime, workspace)
    assert [event.entity_id for event in part.events] == [first, second, second]
    assert turns_of(part.events, second) == [1, 2]


async def test_who_has_told_of_something_holds_back_what_others_tell_after_it(
    runtime: Runtime, workspace: UUID
) -> None:
    dials = Dials()
    first, second, *_ = dials.ids
    async with runtime.database.unit(workspace) as slow:
        await dials.turn(slow, first)
        async with runtime.database.unit(workspace) as quick:
            await dials.turn(quick, second)
        part = await read_from(runtime, workspace)
        assert (part.events, part.waits, part.end) == ([], True, BEGINNING)
        async with runtime.database.unit(workspace) as unit:
            assert await find_end(unit, settled=await find_settled(unit)) == BEGINNING
    await wait_until_ready(runtime.database, workspace)
    part = await read_from(runtime, workspace)
    assert [event.entity_id for event in part.events] == [first, second]
    assert not part.waits


async def test_whoever_gives_up_holds_nobody_back_any_more(runtime: Runtime, workspace: UUID) -> None:
    dials = Dials()
    first, second, *_ = dials.ids
    with pytest.raises(LookupError):
        async with runtime.database.unit(workspace) as slow:
            await dials.turn(slow, first)
            async with runtime.database.unit(workspace) as quick:
                await dials.turn(quick, second)
            raise LookupError
    await wait_until_ready(runtime.database, workspace)
    assert [event.entity_id for event in (await read_from(runtime, workspace)).events] == [second]


async def test_a_long_transaction_that_tells_of_nothing_holds_nobody_back(
    runtime: Runtime, workspace: UUID, bystander: asyncpg.Connection[asyncpg.Record]
) -> None:
    dials = Dials()
    async with bystander.transaction():
        await bystander.execute("create temporary table scratch (id integer)")
        assert await bystander.fetchval("select pg_current_xact_id_if_assigned()") is not None
        async with runtime.database.unit(workspace) as unit:
            await dials.turn(unit, dials.ids[0])
        await wait_until_ready(runtime.database, workspace)
        assert len((await read_from(runtime, workspace)).events) == 1


async def test_what_is_told_after_a_part_was_undone_holds_others_back_as_well(
    runtime: Runtime, workspace: UUID
) -> None:
    dials = Dials()
    first, second, third, *_ = dials.ids
    async with runtime.database.unit(workspace) as slow:
        with pytest.raises(LookupError):
            async with slow.savepoint():
                await dials.turn(slow, first)
                raise LookupError
        await dials.turn(slow, second)
        async with runtime.database.unit(workspace) as quick:
            await dials.turn(quick, third)
        assert (await read_from(runtime, workspace)).events == []
    await wait_until_ready(runtime.database, workspace)
    assert [event.entity_id for event in (await read_from(runtime, workspace)).events] == [second, third]


async def write(runtime: Runtime, workspace: UUID, dials: Dials, *, chance: random.Random) -> None:
    """Turn some dials at a time, again and again, and take some of it back."""
    for _ in range(ROUNDS):
        # In one order, so that writers wait for each other, and never in a circle.
        chosen = sorted(chance.sample(dials.ids, chance.randint(1, 3)))
        async with runtime.database.unit(workspace) as unit:
            for dial in chosen:
                await dials.turn(unit, dial)
                await asyncio.sleep(chance.random() * 0.005)
            if chance.random() < 0.2:
                # Whoever waits for a dial gets it only once this is undone.
                dials.turns.subtract(chosen)
                await unit.rollback()


async def follow(read: Read, *, writing: asyncio.Event, chance: random.Random) -> list[Event]:
    """Read on by small parts until everything that was written is read."""
    met: list[Event] = []
    place = BEGINNING
    while True:
        was_writing = writing.is_set()
        part = await read(after=place, limit=chance.randint(1, 20))
        met += part.events
        place = part.end
        if not (was_writing or part.has_more or part.waits):
            return met
        await asyncio.sleep(chance.random() * 0.005)


@pytest.mark.parametrize("read", [read_from, read_at_once])
@pytest.mark.parametrize("seed", range(2))
async def test_readers_meet_every_change_once_and_in_order(
    runtime: Runtime, workspace: UUID, seed: int, read: Read
) -> None:
    dials, writing, chance = Dials(), asyncio.Event(), random.Random(seed)  # noqa: S311 - not secret
    writing.set()
    reading = partial(read, runtime, workspace)
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as followers:
        chances = [random.Random(chance.random()) for _ in range(WRITERS)]  # noqa: S311
        following = [followers.create_task(follow(reading, writing=writing, chance=one)) for one in chances[:3]]
        await asyncio.gather(*(write(runtime, workspace, dials, chance=one) for one in chances))
        writing.clear()
    for met in (task.result() for task in following):
        for dial in dials.ids:
            assert turns_of(met, dial) == list(range(1, dials.turns[dial] + 1))
    assert sum(dials.turns.values()) > WRITERS * ROUNDS // 2
