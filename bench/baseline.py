"""The bare server that ours is compared with: uvicorn, asyncpg, one statement by hand, and nothing else.

No sign-in, no rights, no checks, no events. It reads the very rows that ours reads and answers the same bytes; what is
written goes into a table of its own with nothing but a primary key.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl
from uuid import UUID, uuid4

import asyncpg
import orjson
import uvicorn

from fostr.domains.records.records.repository.listing import COUNTED
from fostr.supervisor.listening import LISTENER_VARIABLE

if TYPE_CHECKING:
    from asyncpg.pool import Pool
    from starlette.types import Receive, Scope, Send

CONNECTIONS: Final = 10
"""As many as ours."""

PLAIN_TABLE: Final = """
    create schema if not exists bench;
    create table if not exists bench.plain (id uuid primary key, field_values jsonb not null)
"""

_COLUMNS: Final = """
    r.id, r.recordset_id, r.title, r.status, r.field_values, r.tags, r.geometry_type, r.owner_id, r.created_by,
    r.updated_by, r.created_at, r.updated_at, r.version
"""
_JSON: Final = {"type": "http.response.start", "headers": [(b"content-type", b"application/json")]}


def list_statement(filtered: str, ordered: str) -> str:
    """Return what a person would write for fifty records by two typed columns, with a total as far as ours counts."""
    where = f"""
        r.workspace_id = $1 and r.recordset_id = $2 and r.deleted_at is null and r.{filtered} = $3
    """
    return f"""
        with page as (
            select {_COLUMNS} from data.records r where {where} and r.{ordered} is not null
            order by r.{ordered} desc, r.id desc limit 51
        )
        select (select string_agg(row_to_json(shown)::text, ',') from (select * from page limit 50) shown) as items,
               (select count(*) from page) as found,
               (select count(*) from (select from data.records r where {where} limit {COUNTED + 1}) counted) as counted
    """


class Bare:
    """An application of two operations."""

    def __init__(self, pool: Pool[asyncpg.Record]) -> None:
        """Answer by a pool."""
        self._pool = pool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        status, body = await self._answer(scope, receive)
        await send({**_JSON, "status": status})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, bytes]:
        if scope["path"] == "/list":
            return 200, await self._list(dict(parse_qsl(scope["query_string"].decode())))
        if scope["path"] == "/create":
            return 201, await self._create(orjson.loads((await receive())["body"]))
        return 200, b"{}"

    async def _list(self, query: dict[str, str]) -> bytes:
        statement = list_statement(query["filtered"], query["ordered"])
        async with self._pool.acquire() as connection:
            row = await connection.fetchrow(
                statement, UUID(query["workspace"]), UUID(query["recordset"]), query["value"]
            )
        assert row is not None  # noqa: S101 - a select of scalars has one row
        is_exact = row["counted"] <= COUNTED
        total = min(row["counted"], COUNTED)
        more = "true" if row["found"] > 50 else "false"
        exact = "true" if is_exact else "false"
        return f'{{"items":[{row["items"]}],"total":{total},"has_more":{more},"total_is_exact":{exact}}}'.encode()

    async def _create(self, data: dict[str, Any]) -> bytes:
        record_id, values = uuid4(), orjson.dumps(data["field_values"])
        async with self._pool.acquire() as connection:
            await connection.execute(
                "insert into bench.plain (id, field_values) values ($1, $2)", record_id, values.decode()
            )
        return b'{"id":"' + str(record_id).encode() + b'","field_values":' + values + b"}"


async def _run(url: str, listener: socket.socket) -> None:
    pool = await asyncpg.create_pool(url, min_size=CONNECTIONS, max_size=CONNECTIONS, server_settings={"jit": "off"})
    config = uvicorn.Config(
        Bare(pool), http="httptools", lifespan="off", log_config=None, access_log=False, server_header=False
    )
    await uvicorn.Server(config).serve(sockets=[listener])


def main() -> None:
    """Serve until a signal comes."""
    import uvloop

    listener = socket.socket(fileno=int(os.environ[LISTENER_VARIABLE]))
    uvloop.run(_run(os.environ["BENCH_DATABASE_URL"], listener))


if __name__ == "__main__":
    main()
