"""Fixtures that every test may use.

`client` sends requests and checks every answer; `client.as_(cast.member)` sends them as somebody. `cast` is two fresh
workspaces and their people. `runtime` is the open database, bus and file store of this test process, `run_jobs` runs
what was dispatched, `settle` lets everything follow from an event that does, and fails when a consumer does. Jobs and
events that other tests left are neither run nor followed.
A statement that does not name its workspace fails the test during which it first ran.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import hypothesis
import pytest
from fastapi import FastAPI

# First of all: consumers ask once, when they are registered, what there is to follow.
import tests.support.notifications  # noqa: F401  # pyright: ignore[reportUnusedImport]
from fostr.app import create_app
from fostr.kernel.db.unit import observe_statements
from fostr.kernel.http.document import build_openapi
from fostr.kernel.runtime import Runtime, open_runtime
from fostr.settings import Settings
from tests.support.cast import Cast, Person, create_cast
from tests.support.client import BASE, AnswerChecker, Client
from tests.support.inspection import StatementInspector
from tests.support.leftovers import Leftovers
from tests.support.live import LiveServer
from tests.support.server import GIVEN, SERVER, TestServer, clone_database, drop_database, start_server, stop_server

# How long an example takes says something about the machine, and nothing about the product. What is drawn follows from
# the test alone, so that a run fails for what was changed and never for its luck; `--hypothesis-profile=search` draws
# others each time, to look for what nobody has met yet.
hypothesis.settings.register_profile("search", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("fostr", hypothesis.settings.get_profile("search"), derandomize=True)
hypothesis.settings.load_profile("fostr")

_server: list[TestServer] = []


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start a database server, for each process its own: an open transaction holds back the events of its server.

    Where a server is given, the processes share it.
    """
    directs = bool(session.config.getoption("numprocesses", None)) and not hasattr(session.config, "workerinput")
    if directs and GIVEN not in os.environ:
        return
    if SERVER not in os.environ and not session.config.option.collectonly:
        _server.append(start_server())


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop the server that this process started."""
    del session
    while _server:
        stop_server(_server.pop())


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run every test on the loop that the server runs on."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session")
def settings() -> Iterator[Settings]:
    """The settings of the tests: cheap password hashes, a data folder of their own."""
    with tempfile.TemporaryDirectory(prefix="fostr-data-") as folder:
        yield Settings(
            environment="test",
            data=Path(folder),
            public_url=BASE,
            password_hash_cost="light",
            log_level="error",
            allow_private_addresses=True,
            pool_min=2,
            pool_max=20,
        )


@pytest.fixture(scope="session")
async def database_urls(anyio_backend: object) -> AsyncIterator[tuple[str, str]]:
    """A database cloned from the template: the administrator's address and the application's."""
    del anyio_backend
    name = f"fostr_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    admin, application = await clone_database(name)
    yield admin, application
    await drop_database(os.environ[SERVER].split(" ", 1)[1], name)


@pytest.fixture(scope="session")
async def runtime(settings: Settings, database_urls: tuple[str, str]) -> AsyncIterator[Runtime]:
    """The open parts of this test process."""
    async with open_runtime(settings, database_url=database_urls[1]) as opened:
        yield opened


@pytest.fixture(scope="session")
def leftovers(runtime: Runtime) -> Leftovers:
    """What the tests of this process have left so far."""
    return Leftovers(runtime.database)


@pytest.fixture
async def nothing_left(leftovers: Leftovers) -> None:
    """Begin with no job in the queue, and no event that somebody has yet to follow."""
    await leftovers.drop()


@pytest.fixture(autouse=True)
def by_itself(request: pytest.FixtureRequest) -> None:
    """Keep away from each test what others have left, where it uses the database."""
    if "runtime" in request.fixturenames:
        request.getfixturevalue("nothing_left")


@pytest.fixture(scope="session")
def app(settings: Settings, runtime: Runtime) -> FastAPI:
    """The application, on the open parts."""
    return create_app(settings, runtime=runtime)


@pytest.fixture(scope="session")
def openapi(app: FastAPI) -> dict[str, Any]:
    """The application's OpenAPI document."""
    return build_openapi(app)


@pytest.fixture(scope="session")
async def client(app: FastAPI, openapi: dict[str, Any]) -> AsyncIterator[Client]:
    """A client without a credential."""
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as inner:
        yield Client(inner, AnswerChecker(app, openapi), {})


@pytest.fixture
async def cast(runtime: Runtime, client: Client) -> Cast:
    """Two fresh workspaces and their people; no cookie of an earlier test, nothing counted towards a limit."""
    client.inner.cookies.clear()
    async with runtime.database.unit() as unit:
        await unit.run("delete from limit_counters")
    return await create_cast(runtime)


@pytest.fixture(scope="session")
def inspector() -> Iterator[StatementInspector]:
    """Looks at every statement of this test process."""
    inspector = StatementInspector()
    end = observe_statements(inspector)
    yield inspector
    end()


@pytest.fixture(autouse=True)
def statements_name_their_workspace(inspector: StatementInspector) -> Iterator[None]:
    """Fail the test during which a statement first left a workspace table unnamed."""
    yield
    assert not inspector.take_faults()


@pytest.fixture
def run_jobs(runtime: Runtime) -> Callable[[], Awaitable[None]]:
    """Return a function that runs the queue until it is empty."""
    from fostr.kernel.discovery import import_modules
    from fostr.kernel.jobs.worker import drain

    import_modules("tasks")
    return lambda: drain(runtime)


@pytest.fixture
def settle(runtime: Runtime) -> Callable[[], Awaitable[None]]:
    """Return a function that brings what happened to every consumer and runs jobs, until neither has anything left."""
    from tests.support.settling import settle

    return lambda: settle(runtime)


@pytest.fixture
def told(client: Client, settle: Callable[[], Awaitable[None]]) -> Callable[[Person], Awaitable[list[tuple[str, str]]]]:
    """Return a function that says of what somebody was notified by now, the newest first: types and titles."""
    from tests.support.notifications import inbox

    async def read(person: Person) -> list[tuple[str, str]]:
        await settle()
        return [(one["type"], one["title"]) for one in await inbox(client.as_(person))]

    return read


@pytest.fixture(scope="session")
def live(settings: Settings, database_urls: tuple[str, str]) -> Iterator[LiveServer]:
    """The same application on a socket, for streams that are left half way and for clients that are no tests."""
    with LiveServer(settings, database_urls[1]).run() as server:
        yield server
