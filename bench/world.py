"""An installation for the bench: PostgreSQL as in production, the API and the worker as processes, two people."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import asyncpg
import httpx2

from bench.load import Target, make_target
from bench.processes import Process, await_answer, start_server
from fostr.domains.workspaces.public import add_member, provision_workspace
from fostr.kernel import clock
from fostr.kernel.crypto.tokens import digest_token, mint_token
from fostr.kernel.db.address import application_password
from fostr.kernel.db.database import open_database
from fostr.kernel.db.embedded import EmbeddedServer
from fostr.kernel.db.migrate import prepare_database
from fostr.kernel.discovery import import_modules
from fostr.kernel.ids import new_id
from fostr.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from bench.data import Recordset
    from fostr.kernel.db.unit import Unit

ROOT: Final = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a personal access token of scope `admin`."""

    user_id: UUID
    member_id: UUID
    token: str


@dataclass(slots=True)
class World:
    """The installation.

    Attributes:
        settings: every one as it is by default, but for the data folder.
        admin_url: the database by the login that owns everything.
        application_url: the same by the login that the server works with.
        workspace: where everything happens.
        owner: owns the workspace.
        member: a plain member of it.
        recordsets: what was made so far, by size.
    """

    folder: Path
    settings: Settings
    server: EmbeddedServer
    admin_url: str
    application_url: str
    workspace: UUID
    owner: Person
    member: Person
    recordsets: dict[int, Recordset] = field(default_factory=dict[int, "Recordset"])
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _processes: dict[str, Process] = field(default_factory=dict[str, Process])

    async def connect(self) -> asyncpg.Connection[asyncpg.Record]:
        """Connect to the database as the login that owns everything."""
        return await asyncpg.connect(self.admin_url)

    async def api(self) -> Process:
        """Return the API's process, started when it is first asked for."""
        if "api" not in self._processes:
            self._processes["api"] = start_server(
                [sys.executable, "-m", "fostr", "serve"], said=self.folder / "api.txt", environment=self._environment()
            )
            await await_answer(self._processes["api"], "/health")
        return self._processes["api"]

    async def baseline(self) -> Process:
        """Return the process of the bare server, started when it is first asked for."""
        if "baseline" not in self._processes:
            self._processes["baseline"] = start_server(
                [sys.executable, "-m", "bench.baseline"],
                said=self.folder / "baseline.txt",
                environment={
                    "BENCH_DATABASE_URL": self.admin_url,
                    "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                },
            )
            await await_answer(self._processes["baseline"], "/health")
        return self._processes["baseline"]

    async def guarded(self) -> Process:
        """Return the process that serves an operation with and without its guard, started when it is asked for."""
        if "guarded" not in self._processes:
            self._processes["guarded"] = start_server(
                [sys.executable, "-m", "bench.guarded"],
                said=self.folder / "guarded.txt",
                environment={**self._environment(), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
            await await_answer(self._processes["guarded"], "/", status="404")
        return self._processes["guarded"]

    @asynccontextmanager
    async def worker(self, **settings: str) -> AsyncGenerator[Process]:
        """Run a worker for as long as the block lasts, with more variables in its environment."""
        process = Process(
            [sys.executable, "-m", "fostr", "worker"],
            said=self.folder / "worker.txt",
            environment={**self._environment(), **settings},
        )
        try:
            yield process
        finally:
            process.stop()

    def _environment(self) -> dict[str, str]:
        return {"FOSTR_DATA": str(self.settings.data), "FOSTR_APP_DATABASE_URL": self.application_url}

    def stop_processes(self) -> None:
        """Stop the servers."""
        while self._processes:
            self._processes.popitem()[1].stop()

    async def target(self, person: Person, method: str, path: str, *, body: bytes = b"", status: int = 200) -> Target:
        """Return a request to the API by somebody."""
        api = await self.api()
        return make_target(api.port, method, path, headers=self.headers(person), body=body, status=status)

    def headers(self, person: Person) -> dict[str, str]:
        """Return what a request by somebody says of them."""
        return {"Authorization": f"Bearer {person.token}", "X-Workspace-Id": str(self.workspace)}

    async def call(self, person: Person, method: str, path: str, **options: Any) -> Any:
        """Send a request to the API, and return the JSON of its answer."""
        api = await self.api()
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{api.port}", timeout=120) as client:
            response = await client.request(method, path, headers=self.headers(person), **options)
        response.raise_for_status()
        return response.json() if response.content else None


@asynccontextmanager
async def open_world() -> AsyncGenerator[World]:
    """Make an installation in a temporary folder, and leave nothing of it behind."""
    for name in [name for name in os.environ if name.startswith("FOSTR_") or name in {"DATABASE_URL", "REDIS_URL"}]:
        del os.environ[name]
    with tempfile.TemporaryDirectory(prefix="fostr-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        settings = Settings(data=folder / "data", log_level="warning")
        server = EmbeddedServer(settings.data)
        try:
            await server.start_in_loop()
            world = await _furnish(folder, settings, server)
            try:
                yield world
            finally:
                world.stop_processes()
        finally:
            server.stop()


async def _furnish(folder: Path, settings: Settings, server: EmbeddedServer) -> World:
    password = application_password(settings.secret_key.get_secret_value())
    application_url = await prepare_database(server.url(), application_password=password)
    for kind in ("permissions", "events"):
        import_modules(kind)
    database = await open_database(application_url, min_size=1, max_size=1)
    try:
        async with database.unit() as unit:
            users = [await create_user(unit, name) for name in ("owner", "member")]
        async with database.unit() as unit:
            made = await provision_workspace(unit, name="Bench", owner_user_id=users[0])
        async with database.unit(made.id) as unit:
            added = await add_member(unit, workspace_id=made.id, user_id=users[1], role="member")
        async with database.unit() as unit:
            tokens = [await create_token(unit, user_id) for user_id in users]
    finally:
        await database.close()
    return World(
        folder=folder,
        settings=settings,
        server=server,
        admin_url=server.url(),
        application_url=application_url,
        workspace=made.id,
        owner=Person(users[0], made.member_id, tokens[0]),
        member=Person(users[1], added.id, tokens[1]),
    )


async def create_user(unit: Unit, name: str) -> UUID:
    user_id = new_id()
    await unit.run(
        "insert into users (id, email, full_name, email_verified_at) values (:id, :email, :full_name, :now)",
        id=user_id,
        email=f"{name}@example.test",
        full_name=name.title(),
        now=clock.now(),
    )
    return user_id


async def create_token(unit: Unit, user_id: UUID) -> str:
    token = mint_token("fos_pat")
    await unit.run(
        """
        insert into tokens (id, kind, digest, hint, name, scope, user_id)
        values (:id, 'pat', :digest, :hint, 'bench', 'admin', :user_id)
        """,
        id=new_id(),
        digest=digest_token(token),
        hint=token[-4:],
        user_id=user_id,
    )
    return token
