"""How far those who follow what happens are behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.domains.activity.consumers.schemas import ConsumerLag, ServerConsumer
from fostr.kernel.events.dead_letters import count_letters, known_consumers
from fostr.kernel.events.lag import measure_lag, measure_server_lag

if TYPE_CHECKING:
    from datetime import datetime

    from fostr.kernel.events.lag import Lag
    from fostr.kernel.http.context import AccountContext, Context


async def list_consumers(context: Context) -> list[ConsumerLag]:
    """Return every consumer, and how far it is behind in the workspace."""
    lags = await measure_lag(context.unit, [consumer.name for consumer in known_consumers()])
    letters = await count_letters(context.unit)
    return [_consumer(lag, dead_letters=letters.get(lag.consumer, 0), now=context.now) for lag in lags]


def _consumer(lag: Lag, *, dead_letters: int, now: datetime) -> ConsumerLag:
    return ConsumerLag(
        name=lag.consumer,
        events_behind=lag.behind,
        oldest_unread_seconds=None if lag.oldest_at is None else max(0.0, (now - lag.oldest_at).total_seconds()),
        attempts=lag.attempts,
        retry_at=lag.retry_at,
        error=lag.error,
        dead_letters=dead_letters,
    )


async def list_server_consumers(context: AccountContext) -> list[ServerConsumer]:
    """Return every consumer, and how it does on the whole server."""
    lags = await measure_server_lag(context.unit, [consumer.name for consumer in known_consumers()])
    return [
        ServerConsumer(
            name=lag.consumer,
            workspaces_behind=lag.workspaces_behind,
            workspaces_failing=lag.workspaces_failing,
            dead_letters=lag.dead_letters,
        )
        for lag in lags
    ]
