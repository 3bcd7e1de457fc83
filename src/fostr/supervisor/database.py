"""The database that a command works with: one that is named, one that runs, or one started for it alone."""

import asyncio
import socket
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from fostr.kernel.db.address import application_password
from fostr.kernel.db.embedded import EmbeddedServer, find_running
from fostr.settings import Settings

FORGETFUL: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""Parameters of a server whose data nobody wants to keep."""


class DatabaseRefused(Exception):
    """The database does not let us in; the text says why."""


@contextmanager
def admin_database(settings: Settings) -> Generator[str]:
    """Give the address of the database by a login that may create schemas and roles."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
    elif running := find_running(settings.data):
        yield running
    else:
        with EmbeddedServer(settings.data) as server:
            yield server.url()


@contextmanager
def application_database(settings: Settings) -> Generator[str]:
    """Give the address of the database by the application's login, after preparing it where we may."""
    if settings.app_database_url is not None:
        yield settings.app_database_url.get_secret_value()
        return
    with admin_database(settings) as admin_url:
        yield prepare(settings, admin_url=admin_url)


def prepare(settings: Settings, *, admin_url: str) -> str:
    """Bring the database up to date, and return its address by the application's login."""
    from fostr.kernel.db.migrate import prepare_database

    password = application_password(settings.secret_key.get_secret_value())
    with explained_refusals():
        return asyncio.run(prepare_database(admin_url, application_password=password))


@contextmanager
def explained_refusals() -> Generator[None]:
    """Turn an error by which a database does not let us in into `DatabaseRefused`."""
    import asyncpg

    try:
        yield
    except (
        ConnectionError,
        FileNotFoundError,
        TimeoutError,
        socket.gaierror,
        asyncpg.CannotConnectNowError,
        asyncpg.InvalidAuthorizationSpecificationError,
        asyncpg.InvalidCatalogNameError,
        asyncpg.TooManyConnectionsError,
    ) as error:
        raise DatabaseRefused(f"The database does not let us in: {error}") from error


@contextmanager
def scratch_database() -> Generator[str]:
    """Give the address of an empty database that is thrown away."""
    with (
        tempfile.TemporaryDirectory(prefix="fostr-") as folder,
        EmbeddedServer(Path(folder), parameters=FORGETFUL) as server,
    ):
        yield server.url()
