"""The bus: notices arrive, losses are told, slow readers hold up nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import asyncpg
import pytest

from fostr.kernel.events.bus import RESYNC, Bus, BusClosed, BusUnavailable, ReaderTooSlow, open_bus
from fostr.kernel.events.subscriptions import LONGEST_QUEUE, Subscription

if TYPE_CHECKING:
    from fostr.kernel.runtime import Runtime

CONNECTIONS = (
    "select count(*) from pg_stat_activity where application_name = 'fostr bus' and datname = current_database()"
)
END_CONNECTIONS = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = 'fostr bus' and datname = current_database()
"""


@pytest.fixture
async def bus(database_urls: tuple[str, str]) -> AsyncIterator[Bus]:
    opened = await open_bus(database_urls[1])
    yield opened
    await opened.close()


@pytest.fixture
async def admin(database_urls: tuple[str, str]) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(database_urls[0])
    yield connection
    await connection.close()


async def take(notices: AsyncIterator[str], count: int) -> list[str]:
    async with asyncio.timeout(10):
        return [await anext(notices) for _ in range(count)]


async def is_silent(notices: AsyncIterator[str]) -> bool:
    try:
        async with asyncio.timeout(0.2):
            await anext(notices)
    except TimeoutError:
        return True
    return False


async def test_every_subscriber_of_a_channel_hears_a_notice_in_order(bus: Bus) -> None:
    async with bus.subscribe("news") as first, bus.subscribe("news") as second, bus.subscribe("other") as other:
        for payload in ("one", "two", "three"):
            await bus.publish("news", payload)
        assert await take(first, 3) == ["one", "two", "three"]
        assert await take(second, 3) == ["one", "two", "three"]
        assert await is_silent(other)


async def test_processes_hear_each_other(bus: Bus, database_urls: tuple[str, str]) -> None:
    elsewhere = await open_bus(database_urls[1])
    try:
        async with bus.subscribe("far") as notices:
            await elsewhere.publish("far", "hello")
            assert await take(notices, 1) == ["hello"]
    finally:
        await elsewhere.close()


async def test_a_unit_of_work_announces_when_it_commits(bus: Bus, runtime: Runtime) -> None:
    async with bus.subscribe("commits") as notices:
        async with runtime.database.unit() as unit:
            await unit.value("select 1")
            bus.announce(unit, "commits", "done")
            assert await is_silent(notices)
        assert await take(notices, 1) == ["done"]


async def test_opening_costs_no_connection(
    admin: asyncpg.Connection[asyncpg.Record], database_urls: tuple[str, str]
) -> None:
    before = await admin.fetchval(CONNECTIONS)
    unused = await open_bus(database_urls[1])
    assert await admin.fetchval(CONNECTIONS) == before
    await unused.close()


async def test_a_channel_is_left_with_its_last_reader(bus: Bus) -> None:
    async with bus.subscribe("brief"):
        async with bus.subscribe("brief"):
            pass
        await bus.publish("brief", "still heard")
    async with bus.subscribe("brief") as again:
        await bus.publish("brief", "heard again")
        assert await take(again, 1) == ["heard again"]


async def test_it_connects_again_and_says_so(bus: Bus, admin: asyncpg.Connection[asyncpg.Record]) -> None:
    async with bus.subscribe("shaky") as notices:
        await bus.publish("shaky", "before")
        assert await take(notices, 1) == ["before"]
        await admin.execute(END_CONNECTIONS)
        assert await take(notices, 1) == [RESYNC]
        await bus.publish("shaky", "after")
        assert await take(notices, 1) == ["after"]


@pytest.mark.slow
async def test_without_a_database_readers_are_let_in_and_publishers_told() -> None:
    nowhere = await open_bus("postgresql://nobody@127.0.0.1:1/nothing")
    try:
        async with nowhere.subscribe("void") as notices:
            assert await is_silent(notices)
        with pytest.raises(BusUnavailable, match="void"):
            await nowhere.publish("void", "lost")
    finally:
        await nowhere.close()


async def test_closing_ends_the_readers(database_urls: tuple[str, str]) -> None:
    bus = await open_bus(database_urls[1])
    async with bus.subscribe("end") as notices:
        reading = asyncio.ensure_future(anext(notices))
        await asyncio.sleep(0.05)
        await bus.close()
        with pytest.raises(BusClosed):
            await reading
    with pytest.raises(BusClosed):
        await bus.publish("end", "too late")


async def test_a_reader_that_leaves_in_the_middle_disturbs_nobody(bus: Bus) -> None:
    async def read_for_a_moment(channel: str) -> None:
        async with bus.subscribe(channel) as notices:
            await anext(notices)

    readers = [asyncio.create_task(read_for_a_moment(f"hasty-{number % 7}")) for number in range(50)]
    for delay, reader in enumerate(readers):
        await asyncio.sleep(0.0005 * (delay % 3))
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    async with bus.subscribe("hasty-1") as notices:
        await bus.publish("hasty-1", "calm")
        assert await take(notices, 1) == ["calm"]


@pytest.mark.parametrize(
    ("channel", "payload"), [("", "x"), ("c" * 64, "x"), ("c", "x" * 8000), ("c", "ü" * 4000), ("c", "\0")]
)
async def test_names_and_payloads_have_limits(bus: Bus, channel: str, payload: str) -> None:
    with pytest.raises(ValueError, match=r"channel|notice"):
        await bus.publish(channel, payload)


async def test_the_longest_name_and_payload_pass(bus: Bus) -> None:
    async with bus.subscribe("c" * 63) as notices:
        await bus.publish("c" * 63, "x" * 7999)
        assert await take(notices, 1) == ["x" * 7999]


async def test_a_reader_who_does_not_keep_up_is_dropped_and_told() -> None:
    slow, quick = Subscription(), Subscription()
    for number in range(LONGEST_QUEUE + 1):
        slow.offer(str(number))
        quick.offer(str(number))
        assert await anext(quick) == str(number)
    with pytest.raises(ReaderTooSlow):
        await anext(slow)


async def test_the_same_notice_twice_is_given_once() -> None:
    reader = Subscription()
    for payload in ("a", "a", "b", "a"):
        reader.offer(payload)
    assert await take(reader, 3) == ["a", "b", "a"]


async def test_after_a_loss_only_the_loss_is_told() -> None:
    reader = Subscription()
    reader.offer("old")
    reader.resync()
    reader.offer("new")
    assert await take(reader, 2) == [RESYNC, "new"]
