"""Notices by Redis, where there are more processes than PostgreSQL should wake for each of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, cast

from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from fostr.kernel.events.bus import CONNECT_SECONDS, BusUnavailable, Notice

PREFIX: Final = "fostr:"
"""Before the name of every channel, because a Redis is often shared."""


class RedisTransport:
    """SUBSCRIBE on one connection, PUBLISH on another.

    redis-py's own subscriber connects again in silence and does not tell what was missed, so its connections are
    used and not its clients.
    """

    def __init__(self, url: str) -> None:
        """Connect later, when `connect` is called."""
        self._pool = ConnectionPool.from_url(  # pyright: ignore[reportUnknownMemberType]
            url,
            protocol=2,
            decode_responses=True,
            socket_connect_timeout=CONNECT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._ears: AbstractConnection | None = None
        self._mouth: AbstractConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._answers: asyncio.Queue[list[str]] = asyncio.Queue()

    async def connect(self, *, on_notice: Notice, on_loss: Callable[[], None]) -> None:
        """Open both connections."""
        async with _as_loss():
            self._answers = asyncio.Queue()
            self._ears = ears = self._pool.make_connection()
            self._mouth = mouth = self._pool.make_connection()
            await mouth.connect()
            await ears.connect()
        self._reader = asyncio.create_task(self._read(ears, on_notice))
        self._reader.add_done_callback(lambda _: on_loss())

    async def listen(self, channel: str) -> None:
        """SUBSCRIBE, and wait for the answer."""
        await self._ask("SUBSCRIBE", PREFIX + channel)

    async def unlisten(self, channel: str) -> None:
        """UNSUBSCRIBE, and wait for the answer."""
        await self._ask("UNSUBSCRIBE", PREFIX + channel)

    async def publish(self, notices: Sequence[tuple[str, str]]) -> None:
        """PUBLISH, all in one message."""
        async with _as_loss():
            mouth = _opened(self._mouth)
            commands = [("PUBLISH", PREFIX + channel, payload) for channel, payload in notices]
            await mouth.send_packed_command(mouth.pack_commands(commands))
            for _ in commands:
                await mouth.read_response(timeout=CONNECT_SECONDS)

    async def probe(self) -> None:
        """PING on both."""
        async with _as_loss():
            mouth = _opened(self._mouth)
            await mouth.send_command("PING")
            await mouth.read_response(timeout=CONNECT_SECONDS)
        await self._ask("PING", "")

    async def disconnect(self) -> None:
        """Close both connections, whatever their state."""
        if self._reader is not None:
            self._reader.cancel()
            self._reader = None
        for connection in (self._ears, self._mouth):
            if connection is not None:
                with suppress(RedisError, OSError):
                    await connection.disconnect(nowait=True)
        self._ears = self._mouth = None

    async def _ask(self, *command: str) -> None:
        async with _as_loss(), asyncio.timeout(CONNECT_SECONDS):
            await _opened(self._ears).send_command(*command)
            await self._answers.get()

    async def _read(self, ears: AbstractConnection, on_notice: Notice) -> None:
        # Whatever ends it, the connection is of no use any more; the bus opens another.
        with suppress(RedisError, OSError):
            while True:
                answer = cast(list[str], await ears.read_response(timeout=None))
                if answer[0] == "message":
                    on_notice(answer[1].removeprefix(PREFIX), answer[2])
                else:
                    self._answers.put_nowait(answer)


def _opened(connection: AbstractConnection | None) -> AbstractConnection:
    if connection is None:
        raise BusUnavailable("not connected")
    return connection


@asynccontextmanager
async def _as_loss() -> AsyncGenerator[None]:
    """Let errors of redis-py look like those of any lost connection."""
    try:
        yield
    except RedisError as error:
        raise BusUnavailable(str(error)) from error
