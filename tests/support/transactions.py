"""Transactions that stay open while nothing is done in them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.support.events import PATIENCE

if TYPE_CHECKING:
    from fostr.kernel.runtime import Runtime


async def none_stays_open(runtime: Runtime) -> None:
    """Return once no transaction of this database is idle.

    Those of others, such as the server of the tests that listens on a socket, begin and end at any time. One that
    is held stays, and so does the wait for it, until it is too long.
    """
    async with asyncio.timeout(PATIENCE):
        while await _count_idle(runtime):  # noqa: ASYNC110 - PostgreSQL tells nobody
            await asyncio.sleep(0.01)


async def _count_idle(runtime: Runtime) -> int:
    async with runtime.database.unit() as unit:
        return await unit.value(
            """
            select count(*) from pg_stat_activity a
            where a.datname = current_database() and a.state like 'idle in transaction%'
            """
        )
