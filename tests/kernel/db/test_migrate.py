"""Preparing a database: the tables as declared, once, by any number of processes."""

from __future__ import annotations

import asyncio
import os

import asyncpg
import pytest

from fostr.kernel.db.migrate import application_url, list_differences, prepare_database, wanted_state
from fostr.kernel.db.tables import workspace_tables
from tests.support.server import PASSWORD, SERVER, drop_database, named


async def test_models_and_migrations_agree(database_urls: tuple[str, str]) -> None:
    assert await list_differences(database_urls[0]) == []


@pytest.mark.slow
async def test_several_processes_prepare_one_database_at_once() -> None:
    server = os.environ[SERVER].split(" ", 1)[1]
    name = f"fostr_prepare_{os.getpid()}"
    connection = await asyncpg.connect(server)
    await connection.execute(f"create database {name}")
    try:
        url = named(server, name)
        urls = await asyncio.gather(*(prepare_database(url, application_password=PASSWORD) for _ in range(3)))
        assert len(set(urls)) == 1
        prepared = await asyncpg.connect(urls[0])
        views = await prepared.fetch("select table_name from information_schema.views where table_schema = 'app'")
        await prepared.close()
        assert {row["table_name"] for row in views} == set(workspace_tables())
    finally:
        await connection.close()
        await drop_database(server, name)


async def test_the_state_is_recorded_so_that_the_next_start_has_nothing_to_do(database_urls: tuple[str, str]) -> None:
    connection = await asyncpg.connect(database_urls[0])
    recorded = await connection.fetchval("select value from control.installation where key = 'state'")
    await connection.close()
    assert recorded == wanted_state()


@pytest.mark.parametrize(
    ("admin", "expected"),
    [
        ("postgresql://root:pw@host:5433/db", "postgresql://fostr_app:p%2Fw@host:5433/db"),
        ("postgresql://host/db?sslmode=require", "postgresql://fostr_app:p%2Fw@host/db?sslmode=require"),
        ("postgresql:///db?host=/run/pg&user=postgres", "postgresql://fostr_app:p%2Fw@/db?host=/run/pg"),
    ],
)
def test_the_application_has_a_login_of_its_own(admin: str, expected: str) -> None:
    assert application_url(admin, password="p/w") == expected
