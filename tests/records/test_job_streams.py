"""Streams of jobs: they end with the right to follow the job, and with the server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from tests.support.listening import listen
from tests.support.live import LiveServer
from tests.support.records import create_recordset
from tests.workspaces.sessions import signed_in

if TYPE_CHECKING:
    from fostr.kernel.runtime import Runtime
    from fostr.settings import Settings
    from tests.support.cast import Cast
    from tests.support.client import Client

RunJobs: TypeAlias = Callable[[], Awaitable[None]]

EXPORT = "/api/v1/export/jobs/{}/stream"


async def start_export(owner: Client) -> str:
    recordset = await create_recordset(owner, fields=[{"name": "Name", "type": "text"}])
    started = await owner.post("/api/v1/export", json={"recordset_id": recordset["id"]})
    assert started.is_success, started.text
    return started.json()["job_id"]


async def start_migration(owner: Client) -> str:
    started = await owner.post("/api/v1/workspace/migrate")
    assert started.is_success, started.text
    return started.json()["job_id"]


@pytest.mark.parametrize(
    ("start", "path"),
    [
        (start_export, EXPORT),
        (start_export, "/api/v1/import/jobs/{}/stream"),
        (start_migration, "/api/v1/workspace/migrate/{}/stream"),
    ],
)
async def test_whoever_signed_out_is_told_nothing_more(
    client: Client,
    cast: Cast,
    runtime: Runtime,
    live: LiveServer,
    run_jobs: RunJobs,
    start: Callable[[Client], Awaitable[str]],
    path: str,
) -> None:
    address = path.format(await start(client.as_(cast.owner)))
    session = await signed_in(client, runtime, cast.owner)
    async with (
        listen(live, headers=session.headers, path=address, greeted=False) as ear,
        listen(live, cast.owner, path=address, greeted=False) as other,
    ):
        assert (await ear.next()).event == (await other.next()).event == "queued"
        assert (await session.post("/api/v1/auth/logout")).is_success
        await run_jobs()
        assert await ear.until_end() == []
        assert [one.event for one in await other.until_end()][-1] == "completed"


async def test_whoever_may_follow_it_no_longer_is_told_nothing_more(
    client: Client, cast: Cast, live: LiveServer, run_jobs: RunJobs
) -> None:
    address = EXPORT.format(await start_export(client.as_(cast.owner)))
    async with listen(live, cast.admin, path=address, greeted=False) as ear:
        assert (await ear.next()).event == "queued"
        body: dict[str, Any] = {"role": "member"}
        changed = await client.as_(cast.owner).patch(f"/api/v1/auth/{cast.admin.user_id}", json=body)
        assert changed.status_code == 200, changed.text
        await run_jobs()
        assert await ear.until_end() == []


async def test_a_server_that_stops_waits_for_no_job(
    client: Client, cast: Cast, settings: Settings, database_urls: tuple[str, str]
) -> None:
    address = EXPORT.format(await start_export(client.as_(cast.owner)))
    async with AsyncExitStack() as stack:
        with LiveServer(settings, database_urls[1]).run() as server:
            ear = await stack.enter_async_context(listen(server, cast.owner, path=address, greeted=False))
            assert (await ear.next()).event == "queued"
        # As the transfer encoding wants it: the client comes again by itself, and goes on where it was.
        assert await ear.until_end() == []
