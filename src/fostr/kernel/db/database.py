"""The pool of connections that the server works with: the login that owns nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final
from uuid import UUID

import asyncpg
import orjson

from fostr.kernel.db.unit import Unit

if TYPE_CHECKING:
    from asyncpg.pool import Pool

    from fostr.kernel.db.unit import Notify

STATEMENTS_CACHED: Final = 500
"""Prepared statements kept by a connection; the program has about that many constant texts."""

CLOSING_SECONDS: Final = 5.0
"""How long closing waits for connections that are in use."""


class Database:
    """The application's connections to one PostgreSQL database."""

    def __init__(self, pool: Pool[asyncpg.Record], url: str, *, notify: Notify | None = None) -> None:
        """Wrap an open pool; use `open_database`."""
        self.pool = pool
        self.url = url
        self._notify = notify

    def unit(self, workspace: UUID | None = None) -> Unit:
        """Return a unit of work: `async with database.unit(workspace) as unit:` commits or rolls back."""
        return Unit(self.pool, workspace, notify=self._notify)

    async def close(self) -> None:
        """Close every connection, waiting a moment for those in use."""
        try:
            async with asyncio.timeout(CLOSING_SECONDS):
                await self.pool.close()
        except TimeoutError:
            self.pool.terminate()


async def open_database(url: str, *, min_size: int = 2, max_size: int = 10, notify: Notify | None = None) -> Database:
    """Open a pool on the application login.

    Args:
        url: address of the database, with the login that has no right on schema `data`.
        min_size: connections opened at once.
        max_size: the most that are ever open.
        notify: how notices of commits are sent; None for the database's own, which are part of the commit.
    """
    pool = await asyncpg.create_pool(
        url,
        min_size=min_size,
        max_size=max_size,
        init=prepare_connection,
        reset=_keep_state,
        statement_cache_size=STATEMENTS_CACHED,
        max_cached_statement_lifetime=0,
        server_settings={"application_name": "fostr", "jit": "off", "search_path": "app, control"},
    )
    return Database(pool, url, notify=notify)


async def prepare_connection(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Set what every connection needs: jsonb as Python objects."""
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_encode_json, decoder=orjson.loads, format="text"
    )
    await connection.set_type_codec(
        "json", schema="pg_catalog", encoder=_encode_json, decoder=orjson.loads, format="text"
    )


def _encode_json(value: object) -> str:
    return orjson.dumps(value, default=_encode_id, option=orjson.OPT_NON_STR_KEYS).decode()


def _encode_id(value: object) -> str:
    # Ids that came from the database are of asyncpg's own subclass, which orjson does not know.
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


async def _keep_state(_: object) -> None:
    """Skip asyncpg's reset, which costs a round trip a request.

    All that we set is local to a transaction, and a connection in an unknown state is closed, not returned.
    """
