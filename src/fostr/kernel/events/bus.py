"""The bus: short notices between processes, such as "workspace so-and-so has news".

A notice carries an id and nothing that would have to be protected; who hears it reads the news from the database.
Notices can be lost, with the connection for one. So a reader subscribes first and reads the database second, and
reads it again after `RESYNC`.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

import asyncpg
import structlog

from fostr.kernel.db.unit import LOST
from fostr.kernel.events.subscriptions import RESYNC, BusClosed, ReaderTooSlow, Subscription

if TYPE_CHECKING:
    from fostr.kernel.db.unit import Unit

__all__ = ["RESYNC", "Bus", "BusClosed", "BusUnavailable", "ReaderTooSlow", "Transport", "open_bus"]

log = structlog.get_logger(__name__)

LONGEST_CHANNEL: Final = 63
LONGEST_PAYLOAD: Final = 7999
"""Both in bytes, and PostgreSQL's."""

CONNECT_SECONDS: Final = 5.0
REACH_SECONDS: Final = 2.0
"""How long a reader or a publisher waits for the connection."""
GATHER_SECONDS: Final = 0.01
"""How long notices of commits are gathered after some were sent."""
PROBE_SECONDS: Final = 15.0
"""How often a silent connection is asked whether it is alive."""
FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0
"""Between attempts to connect again."""

Notice = Callable[[str, str], None]


class BusUnavailable(ConnectionError):
    """The bus has no connection; the notice was not sent."""


class Transport(Protocol):
    """What carries notices between processes. Its calls are never made concurrently."""

    async def connect(self, *, on_notice: Notice, on_loss: Callable[[], None]) -> None:
        """Connect, and from then on report notices, and once the loss of the connection."""
        ...

    async def listen(self, channel: str) -> None:
        """Return when every later notice of a channel will be reported."""
        ...

    async def unlisten(self, channel: str) -> None:
        """Report no more notices of a channel."""
        ...

    async def publish(self, notices: Sequence[tuple[str, str]]) -> None:
        """Send notices, each a channel and a payload."""
        ...

    async def probe(self) -> None:
        """Raise when the connection is dead."""
        ...

    async def disconnect(self) -> None:
        """Let the connection go, whatever its state."""
        ...


class PostgresTransport:
    """LISTEN and NOTIFY over one direct connection."""

    def __init__(self, url: str) -> None:
        """Connect later, when `connect` is called."""
        self._url = url
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._on_notice: Notice = _ignore

    async def connect(self, *, on_notice: Notice, on_loss: Callable[[], None]) -> None:
        """Open the connection."""
        self._on_notice = on_notice
        connection = await asyncpg.connect(
            self._url,
            timeout=CONNECT_SECONDS,
            command_timeout=CONNECT_SECONDS,
            server_settings={"application_name": "fostr bus"},
        )
        connection.add_termination_listener(lambda _: on_loss())
        self._connection = connection

    async def listen(self, channel: str) -> None:
        """LISTEN."""
        await self._open.add_listener(channel, self._receive)

    async def unlisten(self, channel: str) -> None:
        """UNLISTEN."""
        await self._open.remove_listener(channel, self._receive)

    async def publish(self, notices: Sequence[tuple[str, str]]) -> None:
        """NOTIFY."""
        channels, payloads = zip(*notices, strict=True)
        await self._open.execute(
            "select pg_notify(c, p) from unnest($1::text[], $2::text[]) as n (c, p)", channels, payloads
        )

    async def probe(self) -> None:
        """Ask for an answer."""
        await self._open.execute("select 1")

    async def disconnect(self) -> None:
        """Close the connection, or drop it when it does not answer."""
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            with suppress(*LOST):
                await connection.close(timeout=1)

    @property
    def _open(self) -> asyncpg.Connection[asyncpg.Record]:
        if self._connection is None or self._connection.is_closed():
            raise BusUnavailable("not connected")
        return self._connection

    def _receive(self, _: object, __: int, channel: str, payload: object) -> None:
        self._on_notice(channel, str(payload))


def _ignore(_: str, __: str) -> None:
    return None


class Bus:
    """One connection for the process, and any number of readers behind it.

    It connects when it is first used, and again by itself whenever the connection is lost.
    """

    def __init__(self, transport: Transport) -> None:
        """Wrap a transport; use `open_bus`."""
        self._transport = transport
        self._readers: dict[str, set[Subscription]] = {}
        self._heard: set[str] = set()
        self._wire = asyncio.Lock()
        self._connected = asyncio.Event()
        self._lost = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._errands: set[asyncio.Task[None]] = set()
        self._untold: dict[tuple[str, str], None] = {}
        self._teller: asyncio.Task[None] | None = None
        self._closed = False

    @asynccontextmanager
    async def subscribe(self, channel: str) -> AsyncGenerator[AsyncIterator[str]]:
        """Hear every notice that is sent on `channel` from here on.

        The reader is given payloads in their order, and `RESYNC` when some may have been lost. While there is no
        connection it is let in all the same, and is given `RESYNC` once there is one.

        Raises:
            ReaderTooSlow: from the iterator, when too many notices wait.
            BusClosed: from the iterator, when the process shuts down.
        """
        _check_channel(channel)
        subscription = Subscription()
        self._readers.setdefault(channel, set()).add(subscription)
        try:
            await self._reach(self._start_hearing(channel, subscription))
            subscription.live = True
            yield subscription
        finally:
            self._leave(channel, subscription)

    async def publish(self, channel: str, payload: str) -> None:
        """Send a notice to every process.

        Raises:
            BusUnavailable: there is no connection, and none came about in time.
            ValueError: the channel's name or the payload is too long.
        """
        _check_channel(channel)
        if len(payload.encode()) > LONGEST_PAYLOAD or "\0" in payload:
            raise ValueError("a notice carries an id, not the thing itself")
        if not await self._reach(self._send([(channel, payload)])):
            raise BusUnavailable(f"the bus is not connected; nothing was sent on {channel}")

    def announce(self, unit: Unit, channel: str, payload: str) -> None:
        """Send a notice soon after a unit of work has committed, together with others that wait; twins once.

        Commits that carry notices wait for each other, one after the other, which halves the rate at which 32
        clients can write; so the notice is not part of the commit. It is lost when the process ends in between:
        whoever listens must look by itself now and then.
        """
        _check_channel(channel)
        unit.after_commit(partial(self.tell_soon, channel, payload))

    async def tell_soon(self, channel: str, payload: str) -> None:
        """Send a notice at once or with others that wait, without waiting for it; it may be lost."""
        self._untold[channel, payload] = None
        if not self._closed and (self._teller is None or self._teller.done()):
            self._teller = self._run_errand(self._tell())

    async def close(self) -> None:
        """End every subscription, and the connection."""
        self._closed = True
        for subscription in self._all_readers():
            subscription.end(BusClosed())
        tasks = [task for task in (self._keeper, *self._errands) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._transport.disconnect()

    async def _reach(self, errand: Coroutine[Any, Any, None]) -> bool:
        """Run an errand on the connection, and say whether it was done.

        It runs as a task of its own: were it cancelled together with its reader, the connection would be left
        in the middle of a statement.
        """
        task = self._run_errand(errand)
        try:
            async with asyncio.timeout(REACH_SECONDS):
                await asyncio.shield(task)
        except LOST as error:
            log.debug("bus errand failed", error=repr(error))
            return False
        except asyncio.CancelledError:
            if self._closed and task.cancelled():
                raise BusClosed from None
            raise
        return True

    def _run_errand(self, errand: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        if self._closed:
            errand.close()
            raise BusClosed
        if self._keeper is None:
            # Not in the context of whoever happens to be the first: the log would name their request for ever.
            self._keeper = asyncio.create_task(self._keep_connected(), name="fostr bus", context=contextvars.Context())
        task = asyncio.create_task(errand)
        self._errands.add(task)
        task.add_done_callback(self._finish_errand)
        return task

    def _finish_errand(self, task: asyncio.Task[None]) -> None:
        self._errands.discard(task)
        if not task.cancelled():
            task.exception()

    async def _start_hearing(self, channel: str, subscription: Subscription) -> None:
        async with self._connection() as transport:
            if channel in self._readers and channel not in self._heard:
                await transport.listen(channel)
                self._heard.add(channel)
        if subscription.live:
            # The reader did not wait for us, and may have missed something.
            subscription.resync()

    async def _stop_hearing(self, channel: str) -> None:
        async with self._connection() as transport:
            if channel in self._heard and channel not in self._readers:
                self._heard.discard(channel)
                await transport.unlisten(channel)

    async def _send(self, notices: Sequence[tuple[str, str]]) -> None:
        async with self._connection() as transport:
            await transport.publish(notices)

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[Transport]:
        """Wait for the connection, and keep it to one caller at a time; one that fails is given up."""
        await self._connected.wait()
        async with self._wire:
            try:
                yield self._transport
            except LOST:
                self._lost.set()
                raise

    async def _tell(self) -> None:
        while self._untold:
            notices, self._untold = list(self._untold), {}
            try:
                async with asyncio.timeout(REACH_SECONDS):
                    await self._connected.wait()
                await self._send(notices)
            except LOST as error:
                log.debug("notices were not sent", error=repr(error), count=len(notices))
            # The first notice goes at once; who writes without a pause tells of many at a time.
            await asyncio.sleep(GATHER_SECONDS)

    def _leave(self, channel: str, subscription: Subscription) -> None:
        readers = self._readers[channel]
        readers.discard(subscription)
        if not readers:
            del self._readers[channel]
            if channel in self._heard and not self._closed:
                self._run_errand(self._stop_hearing(channel))

    async def _keep_connected(self) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                await self._connect()
                pause = FIRST_PAUSE
                await self._watch()
            except LOST as error:
                log.warning("bus connection failed", error=repr(error))
            self._connected.clear()
            await self._transport.disconnect()
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _connect(self) -> None:
        self._lost.clear()
        async with self._wire:
            await self._transport.connect(on_notice=self._deliver, on_loss=self._lost.set)
            self._heard = set(self._readers)
            for channel in sorted(self._heard):
                await self._transport.listen(channel)
            self._connected.set()
        for subscription in self._all_readers():
            if subscription.live:
                subscription.resync()

    async def _watch(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(PROBE_SECONDS):
                    await self._lost.wait()
                return
            async with self._connection() as transport:
                await transport.probe()

    def _deliver(self, channel: str, payload: str) -> None:
        for subscription in tuple(self._readers.get(channel, ())):
            subscription.offer(payload)

    def _all_readers(self) -> list[Subscription]:
        return [subscription for readers in self._readers.values() for subscription in readers]


def _check_channel(channel: str) -> None:
    if not 0 < len(channel.encode()) <= LONGEST_CHANNEL:
        raise ValueError(f"the name of a channel has 1 to {LONGEST_CHANNEL} bytes")


async def open_bus(url: str, *, redis_url: str | None = None) -> Bus:
    """Return the bus over a PostgreSQL database, or over a Redis. Nothing is opened before it is first used.

    With a Redis, the process's units of work have to send their notices by `tell_soon`: PostgreSQL's are not heard.
    """
    if redis_url is None:
        return Bus(PostgresTransport(url))
    from fostr.kernel.events.redis_transport import RedisTransport

    return Bus(RedisTransport(redis_url))
