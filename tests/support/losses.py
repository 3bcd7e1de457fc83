"""Connections that are lost at a chosen moment."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fostr.kernel.db.database import Database
    from fostr.kernel.db.unit import Unit


async def lose_connection(database: Database, unit: Unit) -> None:
    """Have PostgreSQL end a unit's connection, and return when the program has noticed."""
    connection = await unit.connection()
    noticed = asyncio.Event()
    connection.add_termination_listener(lambda _: noticed.set())
    async with database.unit() as other:
        assert await other.value("select pg_terminate_backend(:pid)", pid=connection.get_server_pid())
    async with asyncio.timeout(10):
        await noticed.wait()
