"""Several relays at once, while anything may fail at any step: nothing is lost, nothing is done twice, all in order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

import asyncpg
import pytest

from fostr.kernel import clock
from fostr.kernel.db.database import Database, open_database
from fostr.kernel.db.unit import LOST
from fostr.kernel.events.catalogue import EventType, register_events
from fostr.kernel.events.consumers import Consumer, Event
from fostr.kernel.events.cursors import ensure_consumers
from fostr.kernel.events.delivery import MOST_ATTEMPTS, deliver
from fostr.kernel.events.outbox import record
from fostr.kernel.ids import new_id
from tests.support.bare import create_bare_workspace
from tests.support.faults import Faults, FaultyDatabase, Killed

if TYPE_CHECKING:
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.runtime import Runtime

register_events([EventType("wheel.turned", "wheel"), EventType("wheel.stopped", "wheel")])

WORKSPACES: Final = 2
WRITERS: Final = 4
TRANSACTIONS: Final = 10
RELAYS: Final = 3
FAULTS: Final = 0.02
PATIENCE: Final = 30


@dataclass
class Following:
    """The consumers, and what their handlers do by the seed."""

    rng: random.Random
    poison: set[UUID] = field(default_factory=set[UUID])
    transient: dict[tuple[str, UUID], int] = field(default_factory=dict[tuple[str, UUID], int])

    def __post_init__(self) -> None:
        mark = new_id().hex[-8:]
        self.consumers = [
            self._make(f"test all {mark}", None),
            self._make(f"test some {mark}", frozenset({"wheel.stopped"})),
            self._make(f"test others {mark}", frozenset({"wheel.turned"})),
            self._make(f"test none {mark}", frozenset({"wheel.flown"})),
        ]

    def _make(self, name: str, types: frozenset[str] | None) -> Consumer:
        async def handle(unit: Unit, event: Event) -> None:
            insert = "insert into relay_effects (consumer, workspace, event_id) values (:consumer, :of, :event_id)"
            await unit.run(insert, consumer=name, of=event.workspace_id, event_id=event.id)
            if event.id in self.poison:
                raise RuntimeError("poison")
            failures = self.transient.setdefault((name, event.id), self.rng.choice([0] * 9 + [1, 2]))
            if failures:
                self.transient[name, event.id] = failures - 1
                raise RuntimeError("not yet")

        return Consumer(name, types, handle)


@pytest.fixture
async def effects(database_urls: tuple[str, str]) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A table that consumers write to; nothing in it keeps them from writing a thing twice."""
    connection = await asyncpg.connect(database_urls[0])
    await connection.execute(
        """
        create table control.relay_effects (
            number bigint generated always as identity, consumer text, workspace uuid, event_id uuid
        );
        grant select, insert on control.relay_effects to fostr_app;
        """
    )
    yield connection
    await connection.execute("drop table control.relay_effects")
    await connection.close()


@pytest.fixture
async def pool(database_urls: tuple[str, str]) -> AsyncIterator[Database]:
    """Connections that may be lost without hurting anybody else."""
    opened = await open_database(database_urls[1], min_size=1, max_size=RELAYS)
    yield opened
    await opened.close()


async def write(database: Database, workspaces: list[UUID], following: Following, rng: random.Random) -> None:
    """Write transactions that last, overlap, and sometimes come to nothing."""
    for _ in range(TRANSACTIONS):
        unit = database.unit(rng.choice(workspaces))
        for _ in range(rng.randint(1, 5)):
            kind = rng.choice(["wheel.turned", "wheel.stopped"])
            event_id = await record(unit, type=kind, entity="wheel", entity_id=new_id())
            if rng.random() < 0.03:
                following.poison.add(event_id)
            await asyncio.sleep(rng.choice([0, 0.001, 0.01, 0.05]))
        await (unit.rollback() if rng.random() < 0.2 else unit.commit())


async def relay(database: Database, workspaces: list[UUID], following: Following, rng: random.Random) -> None:
    """Deliver for ever, as a worker that is started again whenever it dies."""
    while True:
        try:
            step = await deliver(database, following.consumers, rng.choice(workspaces))
        except (*LOST, Killed):
            continue
        if step.retry_in is not None:
            clock.advance(timedelta(seconds=step.retry_in))
        await asyncio.sleep(0)


async def wait_until_read(runtime: Runtime, workspaces: list[UUID], following: Following) -> None:
    """Return when every consumer has put every event behind it."""
    names = [consumer.name for consumer in following.consumers]
    while True:
        async with runtime.database.unit() as unit:
            rows = await unit.rows(
                """
                select w from unnest(:names::text[]) as n (name)
                cross join lateral app.workspaces_with_events(n.name) as w where w = any(:workspaces)
                """,
                names=names,
                workspaces=workspaces,
            )
        if not rows:
            return
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("seed", range(5))
async def test_whatever_fails_every_effect_happens_once_and_in_order(
    runtime: Runtime, effects: asyncpg.Connection[asyncpg.Record], pool: Database, seed: int
) -> None:
    rng = random.Random(seed)  # noqa: S311 - chance by a seed, not a secret
    following, faults = Following(rng), Faults(seed, FAULTS)
    faulty = FaultyDatabase(runtime.database, pool, faults)
    workspaces = [await create_bare_workspace(runtime) for _ in range(WORKSPACES)]
    await ensure_consumers(runtime.database, following.consumers)
    with clock.travel(to=clock.now()):
        relays = [asyncio.create_task(relay(faulty, workspaces, following, rng)) for _ in range(RELAYS)]
        try:
            async with asyncio.timeout(PATIENCE):
                await asyncio.gather(*(write(runtime.database, workspaces, following, rng) for _ in range(WRITERS)))
                await wait_until_read(runtime, workspaces, following)
        finally:
            for task in relays:
                task.cancel()
            outcomes = await asyncio.gather(*relays, return_exceptions=True)
    assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes), outcomes
    assert sum(faults.struck.values()) > 10, "it was put to the test"
    for workspace in workspaces:
        await check_effects(runtime, effects, following, workspace)


async def check_effects(
    runtime: Runtime, effects: asyncpg.Connection[asyncpg.Record], following: Following, workspace: UUID
) -> None:
    """Hold what each consumer wrote, and what was put aside, against the outbox."""
    async with runtime.database.unit(workspace) as unit:
        rows = await unit.rows(
            "select e.id, e.type from events e where e.workspace_id = :workspace order by e.position"
        )
        letters = await unit.rows(
            "select consumer, event_id, attempts from event_dead_letters where workspace_id = :workspace order by id"
        )
    for consumer in following.consumers:
        wanted = [row["id"] for row in rows if consumer.wants(row["type"])]
        done = await effects.fetch(
            "select event_id from control.relay_effects where consumer = $1 and workspace = $2 order by number",
            consumer.name,
            workspace,
        )
        assert [row["event_id"] for row in done] == [one for one in wanted if one not in following.poison]
        aside = [row["event_id"] for row in letters if row["consumer"] == consumer.name]
        assert aside == [one for one in wanted if one in following.poison]
    assert all(letter["attempts"] >= MOST_ATTEMPTS for letter in letters)
