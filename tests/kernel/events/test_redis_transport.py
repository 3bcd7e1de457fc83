"""The bus by Redis, against a small server on a socket, and against a real one where the machine has it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeAlias

import pytest
from pydantic import SecretStr

from fostr.kernel.events.bus import RESYNC, Bus, BusUnavailable, open_bus
from fostr.kernel.events.hub import Hub
from fostr.kernel.events.outbox import CHANNEL
from fostr.kernel.runtime import Runtime, open_runtime
from fostr.settings import Settings
from tests.kernel.events.real_redis import PROGRAM, RealRedis
from tests.kernel.events.small_redis import SmallRedis
from tests.support.cast import Cast
from tests.support.following import following, take_ids
from tests.support.lights import light, light_in

Server: TypeAlias = "SmallRedis | RealRedis"

REAL = pytest.param("real", marks=pytest.mark.skipif(PROGRAM is None, reason="no Redis server is installed"))


@pytest.fixture(params=["small", REAL])
async def redis(anyio_backend: object, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Server]:
    server = SmallRedis() if request.param == "small" else RealRedis(tmp_path)
    async with server.running():
        yield server


@pytest.fixture
async def bus(redis: Server) -> AsyncIterator[Bus]:
    opened = await open_bus("", redis_url=redis.url)
    yield opened
    await opened.close()


@pytest.fixture
async def by_redis(redis: Server, settings: Settings, database_urls: tuple[str, str]) -> AsyncIterator[Runtime]:
    """The open parts of a process that is given a Redis."""
    asked = settings.model_copy(update={"redis_url": SecretStr(redis.url)})
    async with open_runtime(asked, database_url=database_urls[1]) as opened:
        yield opened


async def take(notices: AsyncIterator[str], count: int) -> list[str]:
    async with asyncio.timeout(10):
        return [await anext(notices) for _ in range(count)]


async def test_notices_arrive_in_order(bus: Bus, redis: Server) -> None:
    elsewhere = await open_bus("", redis_url=redis.url)
    async with bus.subscribe("news") as notices:
        for payload in ("one", "zwei ü", "three"):
            await elsewhere.publish("news", payload)
        await elsewhere.publish("other", "four")
        await elsewhere.publish("news", "five")
        assert await take(notices, 4) == ["one", "zwei ü", "three", "five"]
    await elsewhere.close()


async def test_a_commit_is_announced(bus: Bus, runtime: Runtime) -> None:
    async with bus.subscribe("commits") as notices:
        async with runtime.database.unit() as unit:
            for payload in ("a", "b", "a"):
                bus.announce(unit, "commits", payload)
        assert await take(notices, 2) == ["a", "b"]


async def test_nobody_is_subscribed_once_the_last_reader_left(bus: Bus, redis: Server) -> None:
    async with bus.subscribe("brief"):
        assert await redis.count_readers("fostr:brief") == 1
    async with bus.subscribe("other"):
        assert await redis.count_readers("fostr:brief") == 0


async def test_it_connects_again_and_says_so(bus: Bus, redis: Server) -> None:
    async with bus.subscribe("shaky") as notices:
        await redis.drop_everybody()
        assert await take(notices, 1) == [RESYNC]
        await bus.publish("shaky", "after")
        assert await take(notices, 1) == ["after"]


async def test_both_connections_answer_a_probe(redis: Server) -> None:
    from fostr.kernel.events.redis_transport import RedisTransport

    transport = RedisTransport(redis.url)
    with pytest.raises(BusUnavailable):
        await transport.probe()
    lost = asyncio.Event()
    await transport.connect(on_notice=lambda _, __: None, on_loss=lost.set)
    await transport.listen("anything")
    await transport.probe()
    await redis.drop_everybody()
    async with asyncio.timeout(5):
        await lost.wait()
    with pytest.raises(OSError):  # noqa: PT011 - however a lost connection shows
        await transport.probe()
    await transport.disconnect()


async def test_whatever_a_process_writes_is_told_at_once(by_redis: Runtime, cast: Cast) -> None:
    """By a unit of work alone, as jobs write, no less than by a request."""
    # Nobody finds it by looking: that is done after the test.
    here = Hub(by_redis.database, by_redis.bus, look=600)
    async with following(here, by_redis, cast.viewer) as follower:
        # What was read once it was let in needed no notice.
        for _ in range(2):
            event_id = await light(by_redis, cast.acme)
            assert await take_ids(follower, 1) == [str(event_id)]
        async with by_redis.database.unit(cast.acme) as unit:
            event_id = await light_in(unit)
            by_redis.bus.announce(unit, CHANNEL, str(cast.acme))
        assert await take_ids(follower, 1) == [str(event_id)]
    await here.close()


async def test_all_processes_are_told(by_redis: Runtime, cast: Cast, bus: Bus) -> None:
    hubs = [Hub(by_redis.database, one, look=600) for one in (by_redis.bus, bus)]
    async with following(hubs[0], by_redis, cast.viewer) as one, following(hubs[1], by_redis, cast.viewer) as two:
        for _ in range(2):
            event_id = await light(by_redis, cast.acme)
            assert await take_ids(one, 1) == await take_ids(two, 1) == [str(event_id)]
    for hub in hubs:
        await hub.close()


async def test_nothing_is_told_of_what_was_rolled_back(by_redis: Runtime) -> None:
    async with by_redis.bus.subscribe("commits") as notices:
        with pytest.raises(LookupError):
            async with by_redis.database.unit() as unit:
                unit.notify("commits", "undone")
                raise LookupError
        async with by_redis.database.unit() as unit:
            unit.notify("commits", "done")
        assert await take(notices, 1) == ["done"]
