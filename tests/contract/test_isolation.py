"""The floor alone keeps workspaces apart, when every check above it is wrong.

The stranger owns globex, so that every decision about rights says yes to them. Their requests name acme's things. In a
second pass every condition on `workspace_id` is taken out of the statements as well: what is left is the floor.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import httpx2
import pytest
from fastapi import FastAPI

from fostr.app import create_app
from fostr.kernel.db.database import Database, prepare_connection
from fostr.kernel.http.document import build_openapi
from fostr.kernel.runtime import Runtime
from tests.contract.test_boundaries import send, snapshot
from tests.contract.walk import ENDLESS, list_operations
from tests.contract.world import SECRET, World, create_world
from tests.support.cast import Cast
from tests.support.client import BASE, AnswerChecker, Client

CONDITION: Final = re.compile(r"\b(?:\w+\.)?workspace_id = (\$\d+)(?:::uuid)?")
JOIN: Final = re.compile(r"\b\w+\.workspace_id = \w+\.workspace_id\b")
CONTROL: Final = re.compile(
    r"\b(?:memberships|tokens|sessions|roles|jobs|job_events|idempotency_keys|workspaces|event_cursors"
    r"|event_dead_letters)\b"
)


def loosen(statement: str) -> str:
    """Return a statement without its conditions on the workspace; those on control tables stay."""
    if CONTROL.search(statement):
        return statement
    return JOIN.sub("true", CONDITION.sub(r"(\1::uuid is not null)", statement))


if TYPE_CHECKING:
    PlainConnection = asyncpg.Connection[asyncpg.Record]
else:
    # Its stubs are generic, and the class itself is not.
    PlainConnection = asyncpg.Connection


class LooseConnection(PlainConnection):
    """A connection on which no statement asks for its workspace."""

    async def execute(self, query: str, *args: Any, **options: Any) -> str:
        return await super().execute(loosen(query), *args, **options)

    async def fetch(self, query: str, *args: Any, **options: Any) -> list[Any]:
        return await super().fetch(loosen(query), *args, **options)

    async def fetchrow(self, query: str, *args: Any, **options: Any) -> Any:
        return await super().fetchrow(loosen(query), *args, **options)

    async def fetchval(self, query: str, *args: Any, **options: Any) -> Any:
        return await super().fetchval(loosen(query), *args, **options)

    async def executemany(self, command: str, args: Any, **options: Any) -> None:
        await super().executemany(loosen(command), args, **options)

    async def prepare(self, query: str, **options: Any) -> Any:
        return await super().prepare(loosen(query), **options)


async def keep_state(_: object) -> None:
    """Leave a returned connection as it is, as the server's own pool does."""


@pytest.fixture
async def loose_client(runtime: Runtime, database_urls: tuple[str, str]) -> AsyncIterator[tuple[FastAPI, Client]]:
    """A client of an application whose statements name no workspace."""
    pool = await asyncpg.create_pool(
        database_urls[1],
        min_size=1,
        max_size=4,
        init=prepare_connection,
        reset=keep_state,
        connection_class=LooseConnection,
        server_settings={"search_path": "app, control"},
    )
    loose = dataclasses.replace(runtime, database=Database(pool, database_urls[1]))
    app = create_app(runtime.settings, runtime=loose)
    document = build_openapi(app)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=BASE) as inner:
        yield app, Client(inner, AnswerChecker(app, document), {})
    await pool.close()


def test_the_conditions_are_really_taken_out() -> None:
    assert loosen("select 1 from records r where r.workspace_id = $1 and r.id = $2") == (
        "select 1 from records r where ($1::uuid is not null) and r.id = $2"
    )
    joined = "select 1 from a join b on b.workspace_id = a.workspace_id and b.id = a.b"
    assert loosen(joined) == "select 1 from a join b on true and b.id = a.b"
    assert (
        loosen("select 1 from tokens t where t.workspace_id = $1") == "select 1 from tokens t where t.workspace_id = $1"
    )


@pytest.mark.slow
async def test_no_foreign_byte_without_any_condition(
    client: Client,
    loose_client: tuple[FastAPI, Client],
    cast: Cast,
    runtime: Runtime,
    database_urls: tuple[str, str],
) -> None:
    app, loose = loose_client
    world: World = await create_world(client, cast, runtime)
    document = build_openapi(app)
    before = await snapshot(database_urls[0], cast.acme)
    told: list[str] = []
    for operation in list_operations(app, document):
        if operation.guard != "workspace" or operation.name in ENDLESS:
            continue
        response = await send(loose.as_(cast.stranger), operation, world, document)
        pool = app.state.runtime.database.pool
        assert pool.get_size() == pool.get_idle_size(), f"{operation.name} keeps a connection"
        if SECRET in response.text or response.status_code >= 500:
            told.append(f"{operation.name}: {response.status_code} {response.text[:300]}")
    assert not told, "\n".join(told)
    assert await snapshot(database_urls[0], cast.acme) == before


@pytest.mark.slow
async def test_the_loosened_statements_would_tell_without_the_floor(database_urls: tuple[str, str], cast: Cast) -> None:
    """The proof that the test above can fail: the same loosened statement, run by the owner, tells everything."""
    statement = loosen("select m.full_name from data.members m where m.workspace_id = $1")
    connection = await asyncpg.connect(database_urls[0])
    rows = await connection.fetch(statement, cast.globex)
    await connection.close()
    assert len(rows) > 1
