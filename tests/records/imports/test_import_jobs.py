"""Imports as jobs: listed, cancelled, forgotten, settled whichever way they end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from fostr.domains.records.imports import loading
from fostr.kernel import clock
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.runtime import Runtime
from tests.support.cast import Cast, create_token
from tests.support.client import Client, refusal
from tests.support.events import PATIENCE
from tests.support.imports import AIRPORTS, IMPORT, rows_of, run_import, start_import, upload

RunJobs = Callable[[], Awaitable[None]]
JOBS = f"{IMPORT}/jobs"


async def list_ids(client: Client, **params: str) -> list[str]:
    response = await client.get(JOBS, params=params)
    assert response.status_code == 200, response.text
    return [item["job_id"] for item in response.json()["items"]]


async def imported_events(runtime: Runtime, workspace: UUID, recordset_id: str) -> list[tuple[str, int, int]]:
    """Return the outcome and the number of rows of each event about an import, and the count of its cause."""
    async with runtime.database.unit(workspace) as unit:
        rows = await unit.rows(
            """
            select e.after, e.cause from events e
            where e.workspace_id = :workspace and e.type = 'record.imported' and e.entity_id = :id order by e.id
            """,
            id=UUID(recordset_id),
        )
    return [(row["after"]["outcome"], row["after"]["imported"], row["cause"]["count"]) for row in rows]


async def test_members_see_their_own_and_administrators_all(client: Client, cast: Cast, run_jobs: RunJobs) -> None:
    owner, admin, member, viewer = (client.as_(person) for person in cast.people())
    mine = await run_import(member, run_jobs, "a\n1\n")
    theirs = await start_import(owner, await upload(owner, "x.csv", "a\n1\n"))
    export = (await owner.post("/api/v1/export", json={"recordset_id": theirs["recordset_id"]})).json()
    newest_first = [export["job_id"], theirs["job_id"], mine["job_id"]]
    for person in (owner, admin):
        assert await list_ids(person) == newest_first
    assert await list_ids(member) == [mine["job_id"]]
    assert await list_ids(viewer) == []
    assert await list_ids(client.as_(cast.stranger)) == []
    assert await list_ids(admin, job_type="export") == [export["job_id"]]
    assert await list_ids(admin, job_type="import", status="queued") == [theirs["job_id"]]
    for path in ("", "/report-url", "/stream"):
        assert refusal(await member.get(f"{JOBS}/{theirs['job_id']}{path}")) == (404, "job_not_found")
    assert refusal(await member.get(f"{IMPORT}/status/{theirs['job_id']}")) == (404, "job_not_found")
    assert refusal(await member.post(f"{JOBS}/{theirs['job_id']}/cancel")) == (404, "job_not_found")
    assert refusal(await client.as_(cast.stranger).delete(f"{JOBS}/{mine['job_id']}")) == (404, "job_not_found")


async def test_jobs_of_another_kind_are_not_shown(client: Client, cast: Cast, runtime: Runtime) -> None:
    async with runtime.database.unit(cast.acme) as unit:
        other = await dispatch(unit, "some.other", {}, workspace=cast.acme, created_by=cast.owner.member_id)
    assert await list_ids(client.as_(cast.owner)) == []
    assert refusal(await client.as_(cast.owner).get(f"{JOBS}/{other}")) == (404, "job_not_found")
    async with runtime.database.unit(cast.acme) as unit:
        await unit.run("delete from jobs where id = :id", id=other)
        await unit.run("delete from pgqueuer where dedupe_key = :key", key=str(other))


async def test_a_waiting_import_is_cancelled_at_once(
    client: Client, cast: Cast, run_jobs: RunJobs, runtime: Runtime
) -> None:
    member = client.as_(cast.member)
    started = await start_import(member, await upload(member, "airports.csv", AIRPORTS))
    path = f"{JOBS}/{started['job_id']}"
    assert refusal(await member.delete(path)) == (409, "job_still_open")
    cancelled = (await member.post(f"{path}/cancel")).json()
    assert (cancelled["status"], cancelled["cancel_requested"], cancelled["imported_rows"]) == ("cancelled", True, 0)
    await run_jobs()
    again = (await member.post(f"{path}/cancel")).json()
    assert (again["status"], again["cancel_requested"]) == ("cancelled", False)
    assert await rows_of(runtime, cast.acme, started["recordset_id"]) == []
    assert await imported_events(runtime, cast.acme, started["recordset_id"]) == [("cancelled", 0, 0)]
    assert (await member.delete(path)).status_code == 204
    assert refusal(await member.get(path)) == (404, "job_not_found")


async def wait_for_rows(client: Client, started: dict[str, Any]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not (await client.get(started["status_url"])).json()["imported_rows"]:  # noqa: ASYNC110 - asks as people do
            await asyncio.sleep(0.02)


async def test_a_running_import_keeps_what_is_in(
    client: Client, cast: Cast, run_jobs: RunJobs, runtime: Runtime
) -> None:
    member = client.as_(cast.member)
    count = loading.BATCH_ROWS * 10
    content = "n,t\n" + "".join(f"{number},row {number}\n" for number in range(1, count + 1))
    started = await start_import(member, await upload(member, "long.csv", content))
    working = asyncio.ensure_future(run_jobs())
    await wait_for_rows(member, started)
    # The worker hears of a cancellation by the bus; here, where none listens, the job's next report finds it.
    cancelled = (await member.post(f"{JOBS}/{started['job_id']}/cancel")).json()
    assert cancelled["cancel_requested"]
    assert "stay" in cancelled["message"]
    await working
    job = (await member.get(started["status_url"])).json()
    assert (job["status"], job["is_settled"]) == ("cancelled", True)
    assert 0 < cancelled["imported_rows"] <= job["imported_rows"] < count
    rows = await rows_of(runtime, cast.acme, started["recordset_id"])
    assert [row["import_row"] for row in rows] == list(range(1, job["imported_rows"] + 1))
    assert all(row["document"] for row in rows), "what is in can be found"
    recordset = (await member.get(f"/api/v1/recordsets/{started['recordset_slug']}")).json()
    assert recordset["record_count"] == len(rows)
    assert await imported_events(runtime, cast.acme, started["recordset_id"]) == [("cancelled", len(rows), len(rows))]


async def test_all_of_ones_jobs_are_cancelled_at_once(client: Client, cast: Cast, run_jobs: RunJobs) -> None:
    member, owner, viewer = client.as_(cast.member), client.as_(cast.owner), client.as_(cast.viewer)
    mine = [await start_import(member, await upload(member, "x.csv", "a\n1\n")) for _ in range(2)]
    theirs = await start_import(owner, await upload(owner, "x.csv", "a\n1\n"))
    assert (await viewer.post(f"{JOBS}/cancel-all")).json() == {"cancelled": 0, "job_ids": []}
    cancelled = (await member.post(f"{JOBS}/cancel-all")).json()
    assert (cancelled["cancelled"], set(cancelled["job_ids"])) == (2, {started["job_id"] for started in mine})
    await run_jobs()
    assert (await owner.get(theirs["status_url"])).json()["status"] == "completed"


async def test_a_reading_credential_ends_no_import(client: Client, cast: Cast, runtime: Runtime) -> None:
    member = client.as_(cast.member)
    started = await start_import(member, await upload(member, "x.csv", "a\n1\n"))
    token = await create_token(runtime, cast.member.user_id, scope="read")
    reader = client.with_token(token, workspace=cast.acme)
    path = f"{JOBS}/{started['job_id']}"
    assert (await reader.get(path)).status_code == 200
    assert refusal(await reader.post(f"{path}/cancel")) == (403, "pat_scope_insufficient")
    assert refusal(await reader.delete(path)) == (403, "pat_scope_insufficient")
    assert (await reader.post(f"{JOBS}/cancel-all")).json()["cancelled"] == 0


async def test_an_import_that_ended_by_itself_is_settled(
    client: Client, cast: Cast, run_jobs: RunJobs, runtime: Runtime
) -> None:
    """As when its worker died too often: the job is over, and nobody has told of the rows that are in."""
    member = client.as_(cast.member)
    started = await start_import(member, await upload(member, "x.csv", "a\n1\n"))
    async with runtime.database.unit(cast.acme) as unit:
        await unit.run(
            "update jobs set status = 'failed', finished_at = :now where id = :id",
            id=UUID(started["job_id"]),
            now=clock.now(),
        )
        await unit.run("delete from pgqueuer where dedupe_key = :key", key=started["job_id"])
        await dispatch(unit, "records.settle_imports", {}, workspace=None)
    await run_jobs()
    assert await imported_events(runtime, cast.acme, started["recordset_id"]) == [("failed", 0, 0)]
    job = (await member.get(started["status_url"])).json()
    assert (job["status"], job["is_settled"]) == ("failed", True)


async def test_old_files_and_imports_are_forgotten(
    client: Client, cast: Cast, run_jobs: RunJobs, runtime: Runtime
) -> None:
    member = client.as_(cast.member)
    job = await run_import(member, run_jobs, "a\n1\n")
    found = await upload(member, "x.csv", "a\n1\n")

    async def prune() -> None:
        async with runtime.database.unit() as unit:
            await dispatch(unit, "records.prune_imports", {}, workspace=None)
        await run_jobs()

    analyze = {"file_uri": found["file_uri"]}
    await prune()
    assert (await member.post(f"{IMPORT}/upload/analyze", json=analyze)).status_code == 200
    with clock.travel(to=clock.now() + timedelta(days=8)):
        await prune()
    assert refusal(await member.post(f"{IMPORT}/upload/analyze", json=analyze)) == (404, "file_not_found")
    folder = runtime.settings.files_folder / str(cast.acme)
    assert [path for path in folder.rglob("*") if path.is_file()] == []
    with clock.travel(to=clock.now() + timedelta(days=31)):
        await prune()
    async with runtime.database.unit(cast.acme) as unit:
        assert await unit.value("select count(*) from imports i where i.workspace_id = :workspace") == 0
    assert len(await rows_of(runtime, cast.acme, job["recordset_id"])) == 1, "records stay"
