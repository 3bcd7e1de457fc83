"""What a process holds while it runs: settings, keys, the database, the bus, the live streams, the file store."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fostr.kernel.crypto.keys import KeyRing, open_key_ring
from fostr.kernel.db.database import Database, open_database
from fostr.kernel.events.bus import Bus, open_bus
from fostr.kernel.events.hub import Hub
from fostr.kernel.files import FileStore, open_store
from fostr.kernel.outbound import Outbound, open_outbound

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from fostr.settings import Settings


@dataclass(frozen=True, slots=True)
class Runtime:
    """The long-lived parts of a process, opened once and handed to whoever needs them."""

    settings: Settings
    keys: KeyRing
    database: Database
    bus: Bus
    hub: Hub
    files: FileStore
    outbound: Outbound


@asynccontextmanager
async def open_runtime(settings: Settings, *, database_url: str) -> AsyncGenerator[Runtime]:
    """Open what a process needs, and close it in the end.

    Args:
        settings: the operator's choices.
        database_url: address with the application's login, as preparing the database returned it.
    """
    keys = open_key_ring(settings.secrets)
    redis = settings.redis_url
    bus = await open_bus(database_url, redis_url=redis.get_secret_value() if redis else None)
    # Nobody who listens to a Redis hears what PostgreSQL says of a commit.
    notify = bus.tell_soon if redis else None
    database = await open_database(database_url, min_size=settings.pool_min, max_size=settings.pool_max, notify=notify)
    hub = Hub(database, bus)
    outbound = open_outbound(settings)
    try:
        yield Runtime(settings, keys, database, bus, hub, open_store(settings), outbound)
    finally:
        await hub.close()
        await outbound.close()
        await bus.close()
        await database.close()
