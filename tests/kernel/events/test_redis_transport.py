"""The bus by Redis, against a small server on a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from fostr.kernel.events.bus import RESYNC, Bus, BusUnavailable, open_bus
from tests.kernel.events.small_redis import SmallRedis

if TYPE_CHECKING:
    from fostr.kernel.runtime import Runtime


@pytest.fixture
async def redis(anyio_backend: object) -> AsyncIterator[SmallRedis]:
    async with SmallRedis().running() as server:
        yield server


@pytest.fixture
async def bus(redis: SmallRedis) -> AsyncIterator[Bus]:
    opened = await open_bus("", redis_url=redis.url)
    yield opened
    await opened.close()


async def take(notices: AsyncIterator[str], count: int) -> list[str]:
    async with asyncio.timeout(10):
        return [await anext(notices) for _ in range(count)]


async def test_notices_arrive_in_order(bus: Bus, redis: SmallRedis) -> None:
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


async def test_nobody_is_subscribed_once_the_last_reader_left(bus: Bus, redis: SmallRedis) -> None:
    async with bus.subscribe("brief"):
        assert len(redis.readers["fostr:brief"]) == 1
    async with bus.subscribe("other"):
        assert len(redis.readers["fostr:brief"]) == 0


async def test_it_connects_again_and_says_so(bus: Bus, redis: SmallRedis) -> None:
    async with bus.subscribe("shaky") as notices:
        redis.drop_everybody()
        assert await take(notices, 1) == [RESYNC]
        await bus.publish("shaky", "after")
        assert await take(notices, 1) == ["after"]


async def test_both_connections_answer_a_probe(redis: SmallRedis) -> None:
    from fostr.kernel.events.redis_transport import RedisTransport

    transport = RedisTransport(redis.url)
    with pytest.raises(BusUnavailable):
        await transport.probe()
    lost = asyncio.Event()
    await transport.connect(on_notice=lambda _, __: None, on_loss=lost.set)
    await transport.listen("anything")
    await transport.probe()
    redis.drop_everybody()
    async with asyncio.timeout(5):
        await lost.wait()
    with pytest.raises(OSError):  # noqa: PT011 - however a lost connection shows
        await transport.probe()
    await transport.disconnect()
