"""Following a job: what is stored, then what happens, to its end, over lost notices and from any place."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from fostr.kernel.ids import new_id
from fostr.kernel.jobs.context import JobContext
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.jobs.registry import job
from fostr.kernel.jobs.status import CHUNK, JobEvent, JobNotFound, get_job, list_jobs, request_cancel, stream_job
from fostr.kernel.jobs.worker import drain

if TYPE_CHECKING:
    from fostr.kernel.runtime import Runtime

gates: dict[str, asyncio.Event] = {}


@job("tests.steps", retries=0)
async def take_steps(context: JobContext) -> dict[str, Any]:
    gate = gates.get(context.input.get("gate", ""))
    for step in range(context.input["steps"]):
        await context.report(progress=step, message=f"step {step}")
        if gate is not None:
            await gate.wait()
            gate.clear()
    return {"steps": context.input["steps"], "none": None}


async def send(runtime: Runtime, workspace: UUID | None, **input: Any) -> UUID:
    async with runtime.database.unit(workspace) as unit:
        return await dispatch(unit, "tests.steps", input, workspace=workspace)


async def follow(runtime: Runtime, workspace: UUID, job_id: UUID, after: int | None = None) -> list[JobEvent]:
    async with asyncio.timeout(20):
        return [event async for event in stream_job(runtime, job_id, workspace=workspace, after=after)]


async def test_an_ended_job_is_told_from_its_log(runtime: Runtime, workspace: UUID) -> None:
    job_id = await send(runtime, workspace, steps=2)
    await drain(runtime)
    events = await follow(runtime, workspace, job_id)
    assert [event.kind for event in events] == ["queued", "started", "progress", "progress", "completed"]
    assert events[-1].data == {"progress": 100, "attempt": 1, "result": {"steps": 2, "none": None}}
    assert events[-1].is_last


async def test_a_stream_goes_on_after_the_last_event_that_was_seen(runtime: Runtime, workspace: UUID) -> None:
    job_id = await send(runtime, workspace, steps=3)
    await drain(runtime)
    whole = await follow(runtime, workspace, job_id)
    for seen in range(len(whole) + 1):
        assert await follow(runtime, workspace, job_id, after=seen) == whole[seen:]
    assert await follow(runtime, workspace, job_id, after=1000) == []


async def test_a_log_longer_than_a_chunk(runtime: Runtime, workspace: UUID) -> None:
    job_id = await send(runtime, workspace, steps=1)
    await drain(runtime)
    async with runtime.database.unit(workspace) as unit:
        await unit.run(
            """
            insert into job_events (job_id, seq, kind, data)
            select :id, 10000 + n, case when n = :last then 'completed' else 'progress' end, '{}'
            from generate_series(0, :last::int) n
            """,
            id=job_id,
            last=2 * CHUNK,
        )
    events = await follow(runtime, workspace, job_id, after=9999)
    assert len(events) == 2 * CHUNK + 1


async def test_a_running_job_is_followed_as_it_goes(runtime: Runtime, workspace: UUID) -> None:
    gate = gates["live"] = asyncio.Event()
    job_id = await send(runtime, workspace, steps=3, gate="live")
    seen: list[JobEvent] = []
    working = asyncio.create_task(drain(runtime))
    async with aclosing(stream_job(runtime, job_id, workspace=workspace)) as events, asyncio.timeout(20):
        async for event in events:
            seen.append(event)
            if event.kind == "progress":
                gate.set()
    await working
    progress = [event.data["progress"] for event in seen]
    assert progress == sorted(progress)
    assert [event.kind for event in seen] == ["queued", "started", *["progress"] * 3, "completed"]


async def test_lost_notices_are_made_up_for(runtime: Runtime, workspace: UUID) -> None:
    job_id = await send(runtime, workspace, steps=1)
    async with aclosing(stream_job(runtime, job_id, workspace=workspace)) as events, asyncio.timeout(20):
        assert (await anext(events)).kind == "queued"
        # Written behind the bus's back: nobody is told.
        async with runtime.database.unit(workspace) as unit:
            await unit.run("insert into job_events (job_id, seq, kind) values (:id, 2, 'cancelled')", id=job_id)
        assert (await anext(events)).kind == "cancelled"
    async with runtime.database.unit(workspace) as unit:
        await unit.run("delete from pgqueuer where dedupe_key = :key", key=str(job_id))
        await unit.run("delete from jobs where id = :id", id=job_id)


async def test_many_may_follow_one_job(runtime: Runtime, workspace: UUID) -> None:
    job_id = await send(runtime, workspace, steps=5)
    followers = [asyncio.create_task(follow(runtime, workspace, job_id)) for _ in range(20)]
    await drain(runtime)
    whole = await follow(runtime, workspace, job_id)
    assert all(seen == whole for seen in await asyncio.gather(*followers))


async def test_a_running_job_is_reached_by_its_cancellation(runtime: Runtime, workspace: UUID) -> None:
    gates["never"] = asyncio.Event()
    job_id = await send(runtime, workspace, steps=1, gate="never")
    from fostr.kernel.jobs.worker import serve

    stop = asyncio.Event()
    working = asyncio.create_task(serve(runtime, stop=stop))
    kinds: list[str] = []
    async with aclosing(stream_job(runtime, job_id, workspace=workspace)) as events, asyncio.timeout(20):
        async for event in events:
            if event.kind == "progress":
                async with runtime.database.unit(workspace) as unit:
                    await request_cancel(unit, job_id)
            kinds.append(event.kind)
    assert kinds[-1] == "cancelled"
    stop.set()
    await working


async def test_another_workspace_knows_nothing_of_a_job(
    runtime: Runtime, workspace: UUID, other_workspace: UUID
) -> None:
    job_id = await send(runtime, workspace, steps=1)
    for place in (other_workspace, None):
        async with runtime.database.unit(place) as unit:
            for attempt in (get_job(unit, job_id), request_cancel(unit, job_id)):
                with pytest.raises(JobNotFound):
                    await attempt
            assert job_id not in [found.id for found in (await list_jobs(unit))[0]]
        with pytest.raises(JobNotFound):
            await anext(stream_job(runtime, job_id, workspace=place))
    async with runtime.database.unit(workspace) as unit:
        assert (await get_job(unit, job_id)).status == "queued"
        with pytest.raises(JobNotFound):
            await get_job(unit, new_id())
    await drain(runtime)


async def test_jobs_are_listed_the_newest_first(runtime: Runtime, workspace: UUID) -> None:
    ids = [await send(runtime, workspace, steps=0) for _ in range(3)]
    await drain(runtime)
    queued = await send(runtime, workspace, steps=0)
    async with runtime.database.unit(workspace) as unit:
        page, total = await list_jobs(unit, limit=2, offset=1)
        done, completed = await list_jobs(unit, names=["tests.steps"], statuses=["completed"])
        others, none = await list_jobs(unit, names=["tests.other"])
    assert ([found.id for found in page], total) == ([ids[2], ids[1]], 4)
    assert ([found.id for found in done], completed) == (ids[::-1], 3)
    assert (others, none) == ([], 0)
    assert queued not in [found.id for found in done]
    await drain(runtime)
