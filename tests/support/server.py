"""A PostgreSQL server for a process of the tests, and a database that is cloned from a template."""

from __future__ import annotations

import asyncio
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from fostr.kernel.db.embedded import EmbeddedServer
from fostr.kernel.db.migrate import application_url, prepare_database

SERVER: Final = "FOSTR_TEST_SERVER"
GIVEN: Final = "FOSTR_TEST_DATABASE_URL"
TEMPLATE: Final = f"fostr_template_{os.getpid()}"
PASSWORD: Final = "the-application-password-of-the-tests"

FAST: Final = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
}


@dataclass(slots=True)
class TestServer:
    """The server that a run started, or was given."""

    __test__ = False

    url: str
    template: str
    embedded: EmbeddedServer | None
    folder: tempfile.TemporaryDirectory[str] | None


def start_server() -> TestServer:
    """Start a server unless one is given, and prepare the template database on it."""
    given = os.environ.get(GIVEN)
    if given:
        server = TestServer(url=given, template=TEMPLATE, embedded=None, folder=None)
    else:
        folder = tempfile.TemporaryDirectory(prefix="fostr-tests-", ignore_cleanup_errors=True)
        Path(folder.name).chmod(0o755)
        embedded = EmbeddedServer(Path(folder.name), parameters=FAST)
        embedded.start()
        server = TestServer(url=embedded.url("postgres"), template=TEMPLATE, embedded=embedded, folder=folder)
    try:
        asyncio.run(_prepare_template(server))
    except BaseException:
        stop_server(server)
        raise
    os.environ[SERVER] = f"{server.template} {server.url}"
    return server


def stop_server(server: TestServer) -> None:
    """Drop the template, and stop the server if it was started here."""
    if server.embedded is None:
        asyncio.run(drop_database(server.url, server.template))
    else:
        server.embedded.stop()
    if server.folder is not None:
        server.folder.cleanup()


def named(url: str, database: str) -> str:
    """Return the address of another database on the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


async def _prepare_template(server: TestServer) -> None:
    await drop_database(server.url, server.template)
    connection = await asyncpg.connect(server.url)
    await connection.execute(f"create database {server.template}")
    await connection.close()
    await prepare_database(named(server.url, server.template), application_password=PASSWORD)


async def clone_database(name: str) -> tuple[str, str]:
    """Make a database from the template; return the administrator's and the application's addresses."""
    template, url = os.environ[SERVER].split(" ", 1)
    await drop_database(url, name)
    connection = await asyncpg.connect(url)
    await connection.execute(f"create database {name} template {template}")
    await connection.close()
    admin = named(url, name)
    return admin, application_url(admin, password=PASSWORD)


async def drop_database(url: str, name: str) -> None:
    """Drop a database and whatever is connected to it."""
    connection = await asyncpg.connect(url)
    with suppress(asyncpg.InvalidCatalogNameError):
        await connection.execute(f"drop database if exists {name} with (force)")
    await connection.close()
