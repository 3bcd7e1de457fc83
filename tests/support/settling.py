"""Bring everything that happened to everybody who follows it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from fostr.kernel.events.consumers import list_consumers
from fostr.kernel.events.relay import Relay
from fostr.kernel.jobs.worker import DRAIN_AHEAD, drain, load_handlers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from uuid import UUID

    from fostr.kernel.events.consumers import Consumer
    from fostr.kernel.runtime import Runtime

PATIENCE: Final = 120
"""Seconds. What other tests have left is delivered and run as well, on a busy machine."""


async def settle(runtime: Runtime, *, ahead: timedelta = DRAIN_AHEAD) -> None:
    """Hand every event to every registered consumer and run jobs, until neither has anything left.

    A consumer that fails fails the test: whoever wants to see it fail drives the relay by hand. Jobs that are queued
    for later than in `ahead` stay where they are.
    """
    known = await _list_failing(runtime)
    async with asyncio.timeout(PATIENCE):
        await drain(runtime, ahead=ahead)
        while await _has_unread(runtime, list_consumers()):
            await asyncio.sleep(0.01)
            await drain(runtime, ahead=ahead)
    assert await _list_failing(runtime) <= known, "a consumer failed; the log says how"


async def follow(runtime: Runtime, *names: str) -> None:
    """Hand every event to some of the consumers, or to all of them, and run no job."""
    load_handlers()
    consumers = [consumer for consumer in list_consumers() if not names or consumer.name in names]
    relay = Relay(runtime.database, runtime.bus, consumers)
    async with asyncio.timeout(PATIENCE):
        await relay.settle()
        while await _has_unread(runtime, consumers):
            await asyncio.sleep(0.01)
            await relay.settle()


async def _list_failing(runtime: Runtime) -> set[tuple[str, UUID]]:
    async with runtime.database.unit() as unit:
        rows = await unit.rows("select consumer, workspace_id from event_cursors where attempts > 0")
        rows += await unit.rows("select consumer, workspace_id from event_dead_letters")
    return {(row["consumer"], row["workspace_id"]) for row in rows}


async def _has_unread(runtime: Runtime, consumers: Sequence[Consumer]) -> bool:
    async with runtime.database.unit() as unit:
        return await unit.value(
            """
            select exists (
                select from unnest(:names::text[]) as n (name)
                cross join lateral app.workspaces_with_events(n.name) as p (workspace_id)
                left join event_cursors c on c.consumer = n.name and c.workspace_id = p.workspace_id
                where coalesce(c.attempts, 0) = 0
            )
            """,
            names=[consumer.name for consumer in consumers],
        )
