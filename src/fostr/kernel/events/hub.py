"""The hub: all live streams of a process, over one listening connection and one reader for each workspace.

A notice of a commit wakes the reader of its workspace. What it reads is looked at once for each class of followers, by
the rights of that moment, put into bytes once, and the bytes are handed to every stream of the class. Nothing of the
database is held between events.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from uuid import UUID

import structlog

from fostr.kernel import clock
from fostr.kernel.db.unit import LOST
from fostr.kernel.events.bus import RESYNC, BusClosed, ReaderTooSlow
from fostr.kernel.events.followers import Compose, Follower, StreamsUnavailable, TooManyStreams, Wants
from fostr.kernel.events.outbox import CHANNEL
from fostr.kernel.events.resuming import find_start
from fostr.kernel.events.rooms import Room
from fostr.kernel.http.streams import HEARTBEAT_SECONDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from typing import Any

    from fostr.kernel.auth.lookup import Held
    from fostr.kernel.db.database import Database
    from fostr.kernel.events.bus import Bus
    from fostr.kernel.http.context import Context
    from fostr.kernel.runtime import Runtime

log = structlog.get_logger(__name__)

READERS: Final = 4
"""Workspaces that are read at a time, each by a connection of the pool; the others wait their turn."""
MOST_STREAMS: Final = 10_000
"""Of a process."""
MOST_OF_A_PERSON: Final = 20
RETRY_SECONDS: Final = 2.0
RETRY_SPREAD: Final = 3.0
"""How long a client waits before it comes again: some longer than others, because a process that ends sends all of them
away at once."""
WATCH_SECONDS: Final = 0.5
"""How often rights, and ends of credentials and silent streams, are looked at."""
LOOK_SECONDS: Final = 5.0
"""How often a quiet workspace is looked at."""


async def _keep(work: Callable[[], Awaitable[None]]) -> None:
    """Do something for as long as there are streams; an error of the program must not leave them without it."""
    while True:
        try:
            return await work()
        except Exception:
            log.exception("the hub stumbled")
            await asyncio.sleep(WATCH_SECONDS)


def choose_retry(person: UUID) -> float:
    """Return the seconds after which somebody's clients come again."""
    return RETRY_SECONDS + RETRY_SPREAD * (person.int % 1000) / 1000


def _begin(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    # Not in the context of the request that happened to be the first: the log would name it for ever.
    return asyncio.create_task(work, context=contextvars.Context())


class Hub:
    """The open streams of a process. It does nothing while there are none."""

    def __init__(
        self, database: Database, bus: Bus, *, heartbeat: float = HEARTBEAT_SECONDS, look: float = LOOK_SECONDS
    ) -> None:
        """Begin without streams.

        Args:
            database: where rights are looked at.
            bus: tells of commits.
            heartbeat: seconds of silence after which a stream says that it is alive.
            look: seconds after which a quiet workspace is looked at, because notices can be lost.
        """
        self._database = database
        self._bus = bus
        self._heartbeat = heartbeat
        self._look = look
        self._rooms: dict[UUID, Room] = {}
        self._open: Counter[UUID] = Counter()
        self._turns = asyncio.Semaphore(READERS)
        self._tasks: set[asyncio.Task[None]] = set()
        self._keepers: list[asyncio.Task[None]] = []
        self._closed = False

    @property
    def count(self) -> int:
        """How many streams are open."""
        return self._open.total()

    @property
    def is_closed(self) -> bool:
        """Whether the process ends, and with it everything that streams."""
        return self._closed

    async def follow(
        self,
        context: Context,
        *,
        held: Held,
        compose: Compose,
        wants: Wants | None = None,
        last_event_id: str | None = None,
    ) -> Follower:
        """Return a stream of what happens in the caller's workspace; it is told of everything once it has entered.

        Args:
            context: the request; its unit of work is used here and not kept.
            held: the credential, by which the stream stands and falls.
            compose: says what those who see the same are told of events.
            wants: what the stream asks for of that which all are told.
            last_event_id: where the client has come to.

        Raises:
            TooManyStreams: the person has too many in this process.
            StreamsUnavailable: the process has too many, or ends.
        """
        self._check_space(context.principal.user_id)
        position, is_reset = await find_start(context.unit, last_event_id)
        follower = Follower(context.access, held=held, compose=compose, position=position, wants=wants)
        follower.greet(retry=choose_retry(follower.person))
        if is_reset:
            follower.reset(position)
        return follower

    def enter(self, runtime: Runtime, follower: Follower) -> None:
        """Begin to tell a stream what happens; to be followed by `leave`."""
        try:
            self._check_space(follower.person)
        except (TooManyStreams, StreamsUnavailable) as error:
            # Others were quicker since the stream was asked for.
            follower.refuse(error)
            return
        self._open[follower.person] += 1
        room = self._rooms.get(follower.workspace)
        if room is None:
            room = Room(runtime, follower.workspace, turns=self._turns, look=self._look)
            self._rooms[follower.workspace] = room
            room.add(follower)
            task = _begin(room.run())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            room.add(follower)
        if not self._keepers:
            self._keepers = [_begin(_keep(work)) for work in (self._listen, self._watch, self._beat)]

    def leave(self, follower: Follower) -> None:
        """Tell a stream nothing more, and forget it."""
        follower.leave()
        room = self._rooms.get(follower.workspace)
        if room is None or follower not in room.followers:
            return
        room.remove(follower)
        self._open[follower.person] -= 1
        if not self._open[follower.person]:
            del self._open[follower.person]
        if not room.followers:
            del self._rooms[follower.workspace]
            room.wake()
        if not self._rooms:
            self._rest()

    def _rest(self) -> None:
        for keeper in self._keepers:
            keeper.cancel()
        self._keepers = []

    async def close(self) -> None:
        """End every stream once it has sent what waits, and read no more."""
        self._closed = True
        tasks = [*self._tasks, *self._keepers]
        for task in tasks:
            task.cancel()
        for room in self._rooms.values():
            for follower in room.followers:
                follower.end()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _check_space(self, person: UUID) -> None:
        if self._closed or self.count >= MOST_STREAMS:
            raise StreamsUnavailable
        if self._open[person] >= MOST_OF_A_PERSON:
            raise TooManyStreams(limit=MOST_OF_A_PERSON)

    async def _listen(self) -> None:
        while True:
            try:
                async with self._bus.subscribe(CHANNEL) as notices:
                    self._wake_all()
                    async for workspace in notices:
                        if workspace == RESYNC:
                            self._wake_all()
                        elif self._rooms and (room := self._rooms.get(UUID(workspace))) is not None:
                            room.wake()
            except ReaderTooSlow:
                continue
            except BusClosed:
                return

    def _wake_all(self) -> None:
        for room in self._rooms.values():
            room.wake()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            with suppress(*LOST):
                await self._look_at_rights()

    async def _beat(self) -> None:
        # Beside the above, which may have to wait for a connection: proxies take silent streams for dead ones.
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            now = clock.now()
            for room in self._rooms.values():
                for follower in room.followers:
                    if follower.until is not None and follower.until <= now and not follower.is_ended:
                        room.sort_again(follower)
                    follower.beat(self._heartbeat)

    async def _look_at_rights(self) -> None:
        """Wake the rooms in which rights have changed, one statement for all: the notice of it may be lost."""
        if not self._rooms:
            return
        async with self._database.unit() as unit:
            rows = await unit.rows(
                "select w.id, w.rights_epoch from workspaces w where w.id = any(:ids::uuid[]) and w.deleted_at is null",
                ids=list(self._rooms),
            )
        epochs = {row["id"]: row["rights_epoch"] for row in rows}
        for workspace, room in self._rooms.items():
            if epochs.get(workspace) != room.epoch:
                room.wake()
