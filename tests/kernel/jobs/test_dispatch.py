"""Dispatching: with the caller's transaction, once for each workflow, into pgqueuer's own tables."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from pgqueuer.domain.types import QueueEntrypoint, QueueManagerId
from pgqueuer.ports.repository import EntrypointExecutionParameter

from fostr.kernel import clock
from fostr.kernel.ids import new_id
from fostr.kernel.jobs.context import JobContext
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.jobs.queue import open_queue
from fostr.kernel.jobs.registry import job, schedule
from fostr.kernel.jobs.status import get_job, list_jobs, request_cancel
from fostr.kernel.jobs.upkeep import reclaim_lost_picks
from fostr.kernel.jobs.worker import drain

if TYPE_CHECKING:
    import asyncpg

    from fostr.kernel.runtime import Runtime

ran: list[UUID] = []


@job("tests.count", retries=0)
async def count(context: JobContext) -> None:
    ran.append(context.id)


@job("tests.bulk", queue="bulk", retries=4)
async def carry(context: JobContext) -> dict[str, Any]:
    return {"carried": context.input["load"]}


async def send(runtime: Runtime, workspace: UUID | None, **options: Any) -> UUID:
    async with runtime.database.unit(workspace) as unit:
        return await dispatch(unit, "tests.count", {}, workspace=workspace, **options)


async def read_queue(runtime: Runtime, job_id: UUID) -> list[asyncpg.Record]:
    async with runtime.database.unit() as unit:
        return await unit.rows(
            """
            select priority, entrypoint, payload, dedupe_key, headers, status, attempts, queue_manager_id,
                   execute_after - created as delay
            from pgqueuer where dedupe_key = :key
            """,
            key=str(job_id),
        )


async def test_a_job_runs_once_and_is_completed(runtime: Runtime, workspace: UUID) -> None:
    job_id = await send(runtime, workspace)
    await drain(runtime)
    await drain(runtime)
    assert ran.count(job_id) == 1
    async with runtime.database.unit(workspace) as unit:
        done = await get_job(unit, job_id)
    assert (done.status, done.progress, done.attempts, done.error) == ("completed", 100, 1, None)
    assert done.started_at is not None
    assert done.finished_at is not None
    assert await read_queue(runtime, job_id) == []


async def test_input_and_result_are_kept(runtime: Runtime, workspace: UUID) -> None:
    member = new_id()
    async with runtime.database.unit(workspace) as unit:
        job_id = await dispatch(unit, "tests.bulk", {"load": [1, "two"]}, workspace=workspace, created_by=member)
    await drain(runtime)
    async with runtime.database.unit(workspace) as unit:
        done = await get_job(unit, job_id)
    assert done.result == {"carried": [1, "two"]}
    assert (done.queue, done.max_attempts, done.created_by) == ("bulk", 5, member)


async def test_a_rollback_leaves_no_job(runtime: Runtime, workspace: UUID) -> None:
    sent: list[UUID] = []
    with pytest.raises(RuntimeError, match="second thoughts"):
        await send_and_fail(runtime, workspace, sent)
    await drain(runtime)
    assert sent[0] not in ran
    assert await read_queue(runtime, sent[0]) == []
    async with runtime.database.unit(workspace) as unit:
        assert await list_jobs(unit) == ([], 0)


async def send_and_fail(runtime: Runtime, workspace: UUID, sent: list[UUID]) -> None:
    async with runtime.database.unit(workspace) as unit:
        sent.append(await dispatch(unit, "tests.count", {}, workspace=workspace))
        raise RuntimeError("second thoughts")


async def test_fifty_parallel_dispatches_of_a_workflow_make_one_job(runtime: Runtime, workspace: UUID) -> None:
    ids = await asyncio.gather(*(send(runtime, workspace, workflow_id="nightly") for _ in range(50)))
    assert len(set(ids)) == 1
    async with runtime.database.unit(workspace) as unit:
        _, total = await list_jobs(unit)
    assert total == 1
    await drain(runtime)
    assert ran.count(ids[0]) == 1


async def test_a_workflow_may_run_again_when_its_job_has_ended(runtime: Runtime, workspace: UUID) -> None:
    first = await send(runtime, workspace, workflow_id="again")
    assert await send(runtime, workspace, workflow_id="again") == first
    await drain(runtime)
    assert await send(runtime, workspace, workflow_id="again") != first
    await drain(runtime)


async def test_a_workflow_is_known_within_its_own_transaction(runtime: Runtime, workspace: UUID) -> None:
    async with runtime.database.unit(workspace) as unit:
        first = await dispatch(unit, "tests.count", {}, workspace=workspace, workflow_id="w")
        assert await dispatch(unit, "tests.count", {}, workspace=workspace, workflow_id="w") == first
    await drain(runtime)


async def test_workflows_of_workspaces_are_apart(runtime: Runtime, workspace: UUID, other_workspace: UUID) -> None:
    ids = {await send(runtime, place, workflow_id="same") for place in (workspace, other_workspace, None, None)}
    assert len(ids) == 3
    await drain(runtime)
    assert ids <= set(ran)


async def test_what_waits_for_a_rolled_back_workflow_takes_its_place(runtime: Runtime, workspace: UUID) -> None:
    async with runtime.database.unit(workspace) as first:
        lost = await dispatch(first, "tests.count", {}, workspace=workspace, workflow_id="contested")
        waiting = asyncio.create_task(send(runtime, workspace, workflow_id="contested"))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await first.rollback()
    kept = await waiting
    await drain(runtime)
    assert kept in ran
    assert lost not in ran


async def test_the_queue_holds_what_pgqueuer_itself_would_write(
    runtime: Runtime, workspace: UUID, database_urls: tuple[str, str]
) -> None:
    delay = timedelta(hours=2)
    job_id = await send(runtime, workspace, priority=3, delay=delay, queue="bulk")
    [ours] = await read_queue(runtime, job_id)
    twin = new_id()
    async with open_queue(database_urls[1]) as queue:
        await queue.queries.enqueue("bulk", twin.bytes, 3, delay, str(twin))
    [theirs] = await read_queue(runtime, twin)
    different = {"payload", "dedupe_key"}
    assert {k: v for k, v in ours.items() if k not in different} == {
        k: v for k, v in theirs.items() if k not in different
    }
    assert ours["payload"] == job_id.bytes
    async with runtime.database.unit() as unit:
        await unit.run("delete from pgqueuer where entrypoint = 'bulk'")
        await unit.run("delete from jobs where id = :id", id=job_id)
        logged = await unit.value("select count(*) from pgqueuer_log where entrypoint = 'bulk' and priority = 3")
    assert logged == 2


async def test_a_delayed_job_is_not_taken_before_its_time(runtime: Runtime, workspace: UUID) -> None:
    start = clock.elapsed()
    job_id = await send(runtime, workspace, delay=timedelta(seconds=0.5))
    await drain(runtime)
    assert job_id in ran
    assert clock.elapsed(start) >= 0.5


async def test_draining_leaves_what_is_due_much_later(runtime: Runtime, workspace: UUID) -> None:
    job_id = await send(runtime, workspace, delay=timedelta(days=1))
    await drain(runtime)
    assert job_id not in ran
    async with runtime.database.unit(workspace) as unit:
        assert (await request_cancel(unit, job_id)).status == "cancelled"
    assert await read_queue(runtime, job_id) == []


async def test_higher_priorities_go_first(runtime: Runtime, workspace: UUID, database_urls: tuple[str, str]) -> None:
    low, high = await send(runtime, workspace), await send(runtime, workspace, priority=10)
    async with open_queue(database_urls[1]) as queue:
        limits = {QueueEntrypoint("default"): EntrypointExecutionParameter(concurrency_limit=0)}
        [first] = await queue.queries.dequeue(1, limits, QueueManagerId(queue.worker_id), None, timedelta(minutes=1))
    assert first.payload == high.bytes
    await reclaim_lost_picks(runtime.database)
    await drain(runtime)
    assert {low, high} <= set(ran)


async def test_there_are_only_the_queues_that_there_are(runtime: Runtime) -> None:
    with pytest.raises(ValueError, match="no queue"):
        await send(runtime, None, queue="express")
    with pytest.raises(ValueError, match="no queue"):
        job("tests.express", queue="express")


def test_a_name_belongs_to_one_handler() -> None:
    with pytest.raises(ValueError, match="registered twice"):
        job("tests.count")
    with pytest.raises(ValueError, match="registered twice"):
        schedule("tests.count", "* * * * *")
