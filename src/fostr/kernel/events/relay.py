"""The relay: after commit, brings every workspace's events to every consumer.

Commits say which workspace has news; a sweep every few seconds finds what no notice told of. Any number of
processes may run relays: a row lock keeps a consumer's place in a workspace to one of them at a time.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from uuid import UUID

import structlog

from fostr.kernel import clock
from fostr.kernel.db.unit import LOST
from fostr.kernel.events.bus import RESYNC, Bus, ReaderTooSlow
from fostr.kernel.events.consumers import Consumer, list_consumers
from fostr.kernel.events.cursors import ensure_consumers
from fostr.kernel.events.delivery import Delivery, deliver
from fostr.kernel.events.log import pause_before_look
from fostr.kernel.events.outbox import CHANNEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.kernel.db.database import Database

log = structlog.get_logger(__name__)

CARRIERS: Final = 4
"""Workspaces that one process serves at a time."""
SWEEP_SECONDS: Final = 5.0
ERROR_SECONDS: Final = 1.0


class Relay:
    """Which workspaces are due, and the loops that serve them."""

    def __init__(self, database: Database, bus: Bus, consumers: Sequence[Consumer]) -> None:
        """Describe a relay; `run` starts it."""
        self._database = database
        self._bus = bus
        self._consumers = list(consumers)
        self._due: dict[UUID, float] = {}
        self._order: list[tuple[float, UUID]] = []
        self._served: set[UUID] = set()
        self._again: set[UUID] = set()
        self._waits: Counter[UUID] = Counter()
        self._changed = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Relay until `stop` is set. Ending it at any moment loses nothing."""
        loops = [self._listen(), self._sweep(), *(self._carry() for _ in range(CARRIERS))]
        tasks = [asyncio.create_task(loop) for loop in loops]
        ending = asyncio.create_task(stop.wait())
        try:
            # A loop ends by an error of the program only, and then the process has to know.
            done, _ = await asyncio.wait({ending, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            for task in done - {ending}:
                task.result()
        finally:
            for task in (ending, *tasks):
                task.cancel()
            await asyncio.gather(ending, *tasks, return_exceptions=True)

    async def settle(self) -> int:
        """Deliver everything that is there, here and now, and return how many events that were.

        Events that failed are not waited for.
        """
        await ensure_consumers(self._database, self._consumers)
        delivered = 0
        for workspace in await self._list_pending():
            delivered += (await self._exhaust(workspace)).count
        return delivered

    def mark(self, workspace: UUID, *, after: float = 0.0) -> None:
        """Note that a workspace is due, in `after` seconds at the latest."""
        if workspace in self._served and after == 0.0:
            self._again.add(workspace)
            return
        at = clock.elapsed() + after
        if at < self._due.get(workspace, float("inf")):
            self._due[workspace] = at
            heapq.heappush(self._order, (at, workspace))
            self._changed.set()

    async def _listen(self) -> None:
        while True:
            with suppress(ReaderTooSlow):
                async with self._bus.subscribe(CHANNEL) as notices:
                    await self._mark_pending()
                    async for workspace in notices:
                        if workspace == RESYNC:
                            await self._mark_pending()
                        else:
                            self.mark(UUID(workspace))

    async def _sweep(self) -> None:
        while True:
            await self._mark_pending()
            await asyncio.sleep(SWEEP_SECONDS)

    async def _mark_pending(self) -> None:
        try:
            await ensure_consumers(self._database, self._consumers)
            for workspace in await self._list_pending():
                self.mark(workspace)
        except LOST as error:
            log.warning("relay could not look for events", error=repr(error))

    async def _list_pending(self) -> list[UUID]:
        async with self._database.unit() as unit:
            rows = await unit.rows(
                """
                select distinct p.workspace_id
                from unnest(:names::text[]) as n (name)
                cross join lateral app.workspaces_with_events(n.name) as p (workspace_id)
                """,
                names=[consumer.name for consumer in self._consumers],
            )
        return [row["workspace_id"] for row in rows]

    async def _carry(self) -> None:
        while True:
            workspace = await self._next_due()
            try:
                pause = await self._serve(workspace)
            except LOST as error:
                log.warning("relay was interrupted", workspace=str(workspace), error=repr(error))
                pause = ERROR_SECONDS
            finally:
                self._served.discard(workspace)
            if workspace in self._again:
                self._again.discard(workspace)
                pause = 0.0
            if pause is not None:
                self.mark(workspace, after=pause)

    async def _next_due(self) -> UUID:
        while True:
            timeout = None
            while self._order:
                at, workspace = self._order[0]
                if self._due.get(workspace) != at:
                    heapq.heappop(self._order)
                    continue
                if (timeout := at - clock.elapsed()) > 0:
                    break
                heapq.heappop(self._order)
                del self._due[workspace]
                self._served.add(workspace)
                return workspace
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._changed.wait()

    async def _serve(self, workspace: UUID) -> float | None:
        """Bring a workspace's events to every consumer; return the seconds after which to look again."""
        step = await self._exhaust(workspace)
        if not step.waits:
            del self._waits[workspace]
            return step.retry_in
        self._waits[workspace] += 1
        return pause_before_look(self._waits[workspace])

    async def _exhaust(self, workspace: UUID) -> Delivery:
        """Deliver until nothing is ready; return the last step, with the count of them all."""
        count = 0
        while True:
            step = await deliver(self._database, self._consumers, workspace)
            count += step.count
            if not step.more:
                return replace(step, count=count)


async def run_relay(database: Database, bus: Bus, stop: asyncio.Event) -> None:
    """Bring events to the registered consumers until `stop` is set."""
    await Relay(database, bus, list_consumers()).run(stop)
