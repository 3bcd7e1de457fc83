"""One reader of a workspace's log for all streams that a process has open there."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import asyncpg
import structlog

from fostr.kernel import clock
from fostr.kernel.db.unit import LOST
from fostr.kernel.events.audiences import begin_snapshot, compose_shares, find_epoch, sort_followers
from fostr.kernel.events.log import find_end, find_settled, pause_before_look, read_log
from fostr.kernel.http.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from fostr.kernel.db.unit import Unit
    from fostr.kernel.events.consumers import Position
    from fostr.kernel.events.followers import Follower
    from fostr.kernel.events.log import Part
    from fostr.kernel.runtime import Runtime

log = structlog.get_logger(__name__)

BATCH: Final = 200
LEAST: Final = 10
"""Events that are read at once: the fewer, the more classes there are to put them into bytes for."""
MOST_TOLD: Final = 20_000
"""Events times classes: all of that is in memory at once, some 400 bytes each."""
GATHER_SECONDS: Final = 0.01
"""The least time between looks: where somebody writes without a pause, several events are read at once."""
FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0
"""After the database did not answer, or the program failed."""
FULL_PAUSE: Final = 0.2
"""While all who are behind still have enough to read."""
STUMBLES: Final = 3
"""Failures in a row that the state of the database does not explain, after which what cannot be told is passed over."""
RESTARTING: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
)
"""What a database says that comes and goes, or is full: were events passed over for it, every client of a process would
fetch everything anew just then."""


class Room:
    """A workspace with open streams. `run` reads on for as long as there are any.

    The streams that have come as far as the reader get what is new. Those that came back and are behind it are brought
    up to it, a part at a time, in between; so that nobody waits for them, and none of them misses or repeats anything.
    """

    def __init__(self, runtime: Runtime, workspace: UUID, *, turns: asyncio.Semaphore, look: float) -> None:
        """Describe a room.

        Args:
            runtime: what the process holds.
            workspace: whose log is read.
            turns: how many rooms may use a connection at a time.
            look: about how many seconds after which it looks without having been woken.
        """
        self.workspace = workspace
        self.followers: set[Follower] = set()
        self.epoch: int | None = None
        self._runtime = runtime
        self._turns = turns
        # Rooms that were opened together need not look together.
        self._look = look * (0.8 + 0.4 * (workspace.int % 1000) / 1000)
        self._head: Position | None = None
        self._unsorted: set[Follower] = set()
        self._news = asyncio.Event()
        self._waits = 0
        self._failures = 0
        self._stumbles = 0

    def add(self, follower: Follower) -> None:
        """Let a stream in; it is told nothing before its credential was looked up."""
        self.followers.add(follower)
        self.sort_again(follower)

    def remove(self, follower: Follower) -> None:
        """Let a stream go."""
        self.followers.discard(follower)
        self._unsorted.discard(follower)

    def sort_again(self, follower: Follower) -> None:
        """Have the credential of a stream looked up before anything more is sent."""
        self._unsorted.add(follower)
        self.wake()

    def wake(self) -> None:
        """Look at once: there may be something new, or rights may have changed."""
        self._news.set()

    async def run(self) -> None:
        """Read until the last stream has left."""
        while self.followers:
            started = clock.elapsed()
            self._news.clear()
            pause = await self._try_step()
            await asyncio.sleep(max(0.0, GATHER_SECONDS - clock.elapsed(started)))
            if pause:
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._news.wait()

    async def _try_step(self) -> float:
        try:
            async with self._turns:
                pause = await self._step()
        except LOST as error:
            log.warning("streams were interrupted", workspace=str(self.workspace), error=repr(error))
            is_ours = isinstance(error, asyncpg.PostgresError) and not isinstance(error, RESTARTING)
        except Exception:
            # Streams get nothing rather than something wrong, and for a while it is tried again.
            log.exception("streams cannot be told of events", workspace=str(self.workspace))
            is_ours = True
        else:
            self._failures = self._stumbles = 0
            return pause
        self._failures += 1
        self._stumbles += is_ours
        if self._stumbles == STUMBLES:
            await self._skip()
        return min(FIRST_PAUSE * 2 ** min(self._failures - 1, 10), LONGEST_PAUSE)

    async def _skip(self) -> None:
        """Pass over what cannot be told, and let the clients know that they have to fetch it."""
        self._stumbles = 0
        with suppress(*LOST):
            async with self._turns, self._runtime.database.unit(self.workspace) as unit:
                self._head = end = await find_end(unit, settled=await find_settled(unit))
            for follower in self.followers:
                follower.reset(end)

    async def _step(self) -> float:
        """Look once, and hand out what is there; return the seconds after which to look again."""
        async with self._runtime.database.unit(self.workspace) as unit:
            settled = await begin_snapshot(unit)
            await self._check_rights(unit)
            listening = self._listening()
            head = self._head or min((follower.position for follower in listening), default=None)
            if head is None:
                return self._look
            limit = choose_limit(len({one.audience for one in listening}))
            new = await read_log(unit, after=head, settled=settled, limit=limit)
            await self._hand_out(unit, new, [one for one in listening if one.position >= head])
            self._head = new.end
            behind = [one for one in listening if one.position < head]
            ready = [one for one in behind if one.has_room]
            if ready:
                await self._catch_up(unit, ready, head, settled=settled, limit=limit)
        pause = self._pause(new)
        if behind:
            pause = min(pause, 0.0 if ready else FULL_PAUSE)
        return pause

    def _listening(self) -> list[Follower]:
        return [one for one in self.followers if not one.is_ended and one not in self._unsorted]

    async def _check_rights(self, unit: Unit) -> None:
        """See to it that every stream is in the class that it belongs to at the moment of the unit's snapshot."""
        epoch = await find_epoch(unit)
        if epoch is None:
            for follower in self.followers:
                follower.refuse(NotFound)
            return
        asked = [*(self._unsorted if epoch == self.epoch else self.followers)]
        if asked:
            await sort_followers(self._runtime, unit, asked)
        self.epoch = epoch
        self._unsorted.difference_update(asked)

    async def _catch_up(
        self, unit: Unit, behind: Sequence[Follower], head: Position, *, settled: int, limit: int
    ) -> None:
        """Bring the streams that are furthest behind a part nearer to the reader."""
        place = min(one.position for one in behind)
        old = await read_log(unit, after=place, settled=settled, limit=limit)
        await self._hand_out(unit, old if old.events else replace(old, end=head), behind, until=head)

    async def _hand_out(
        self, unit: Unit, part: Part, followers: Sequence[Follower], *, until: Position | None = None
    ) -> None:
        places = [place for place in part.positions if until is None or place <= until]
        end = until if until is not None and len(places) < len(part.positions) else part.end
        concerned = [one for one in followers if one.position < end]
        shares = await compose_shares(self._runtime, unit, concerned, part.events[: len(places)]) if places else []
        # From here on nothing is awaited: a stream is told of all of these events or of none.
        for share in shares:
            for place, told in zip(places, share.told, strict=True):
                if told is not None:
                    for follower in share.followers:
                        follower.tell(told, at=place)
        for follower in concerned:
            follower.position = max(follower.position, end)

    def _pause(self, new: Part) -> float:
        if new.has_more:
            return 0.0
        if not new.waits:
            self._waits = 0
            return self._look
        self._waits += 1
        return pause_before_look(self._waits - 1)


def choose_limit(classes: int) -> int:
    """Return how many events are read at once for so many classes of listeners."""
    return max(LEAST, min(BATCH, MOST_TOLD // max(1, classes)))
