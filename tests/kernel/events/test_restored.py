"""After a dump was restored into a younger cluster, consumers go on where they were."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg
import pytest

from fostr.kernel.events.catalogue import EventType, register_events
from fostr.kernel.events.consumers import Consumer, Event
from fostr.kernel.events.cursors import ensure_consumers
from fostr.kernel.events.delivery import Delivery, deliver
from fostr.kernel.events.outbox import record
from fostr.kernel.events.relay import Relay
from fostr.kernel.events.restored import rebase_workspace, rebase_workspaces
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.runtime import Runtime

register_events([EventType("book.read", "book")])

OLDER_BY = 4_000_000_000
"""How many transactions the cluster that the dump came from was ahead of ours."""


@pytest.fixture
async def admin(database_urls: tuple[str, str]) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(database_urls[0])
    yield connection
    await connection.close()


class Reader:
    """A consumer that remembers the books that it was told of."""

    def __init__(self) -> None:
        self.books: list[UUID] = []
        self.consumer = Consumer(f"test {new_id()}", frozenset({"book.read"}), self._handle)

    async def _handle(self, _: Unit, event: Event) -> None:
        self.books.append(event.entity_id)


async def read_book(runtime: Runtime, workspace: UUID) -> UUID:
    book = new_id()
    async with runtime.database.unit(workspace) as unit:
        await record(unit, type="book.read", entity="book", entity_id=book)
    return book


async def catch_up(runtime: Runtime, reader: Reader, workspace: UUID) -> Delivery:
    await ensure_consumers(runtime.database, [reader.consumer])
    step = Delivery(more=True)
    while step.more:
        step = await deliver(runtime.database, [reader.consumer], workspace)
    return step


async def restore_elsewhere(admin: asyncpg.Connection[asyncpg.Record], workspace: UUID) -> None:
    """Leave the workspace as a dump of an older cluster would."""
    for table in ("data.events", "control.event_cursors"):
        await admin.execute(
            f"update {table} set xact = (xact::text::bigint + $2)::text::xid8 where workspace_id = $1",
            workspace,
            OLDER_BY,
        )


async def test_a_reader_that_was_up_to_date_is_given_the_new_alone(
    runtime: Runtime, workspace: UUID, admin: asyncpg.Connection[asyncpg.Record]
) -> None:
    reader = Reader()
    old = [await read_book(runtime, workspace), await read_book(runtime, workspace)]
    await catch_up(runtime, reader, workspace)
    await restore_elsewhere(admin, workspace)
    new = await read_book(runtime, workspace)
    await catch_up(runtime, reader, workspace)
    assert reader.books == old, "were it given already, there would be nothing to mend"
    await rebase_workspaces(runtime.database)
    await catch_up(runtime, reader, workspace)
    assert reader.books == [*old, new]


async def test_a_reader_that_was_behind_misses_nothing(
    runtime: Runtime, workspace: UUID, admin: asyncpg.Connection[asyncpg.Record]
) -> None:
    behind, idle = Reader(), Reader()
    read = await read_book(runtime, workspace)
    await catch_up(runtime, behind, workspace)
    unread = [await read_book(runtime, workspace), await read_book(runtime, workspace)]
    await restore_elsewhere(admin, workspace)
    new = await read_book(runtime, workspace)
    assert (await catch_up(runtime, idle, workspace)).is_foreign
    await rebase_workspace(runtime.database, workspace)
    for reader in (behind, idle):
        await catch_up(runtime, reader, workspace)
    assert behind.books == [read, *unread, new]
    # What it had read of the new cluster's events sorts behind the restored ones: that much is given twice.
    assert idle.books == [new, read, *unread, new]


async def test_nothing_is_done_where_nothing_was_restored(runtime: Runtime, workspace: UUID) -> None:
    reader = Reader()
    book = await read_book(runtime, workspace)
    await catch_up(runtime, reader, workspace)
    await rebase_workspaces(runtime.database)
    await rebase_workspace(runtime.database, workspace)
    await catch_up(runtime, reader, workspace)
    assert reader.books == [book]


async def test_the_relay_mends_by_itself(
    runtime: Runtime, workspace: UUID, admin: asyncpg.Connection[asyncpg.Record]
) -> None:
    reader = Reader()
    relay = Relay(runtime.database, runtime.bus, [reader.consumer])
    await relay.settle()
    old = await read_book(runtime, workspace)
    await restore_elsewhere(admin, workspace)
    await relay.settle()
    new = await read_book(runtime, workspace)
    async with asyncio.timeout(30):
        # A transaction that is open in another database of the server holds events back.
        while new not in reader.books:
            await relay.settle()
    assert [book for book in reader.books if book in (old, new)] == [old, new]
