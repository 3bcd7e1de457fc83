"""Running: attempts, refusals, progress, cancellation, and the fence between two runs of a job."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from fostr.kernel.http.errors import NotFound, Unavailable
from fostr.kernel.ids import new_id
from fostr.kernel.jobs.context import JobCancelled, JobContext, JobSuperseded
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.jobs.registry import job
from fostr.kernel.jobs.runner import AT_ONCE, LONGEST_RETRY, MOST_LOSSES, Runner, retry_delay
from fostr.kernel.jobs.status import Job, JobEvent, get_job, request_cancel, stream_job
from fostr.kernel.jobs.worker import drain

if TYPE_CHECKING:
    from fostr.kernel.runtime import Runtime

Script = Callable[[JobContext], Awaitable[dict[str, Any] | None]]

scripts: dict[str, Script] = {}


async def follow_script(context: JobContext) -> dict[str, Any] | None:
    return await scripts[context.input["script"]](context)


job("tests.script", retries=2)(follow_script)
told: list[tuple[UUID | None, UUID | None, dict[str, Any]]] = []


async def tell(context: JobContext) -> None:
    told.append((context.workspace, context.created_by, context.input))


job("tests.tell")(tell)
job("tests.told", retries=1, after_failure="tests.tell")(follow_script)
job("tests.hasty", retries=0, timeout=timedelta(milliseconds=50))(follow_script)


@pytest.fixture(autouse=True)
def _no_scripts() -> None:
    scripts.clear()


async def send(runtime: Runtime, workspace: UUID | None, script: Script, *, name: str = "tests.script") -> UUID:
    scripts[script.__name__] = script
    async with runtime.database.unit(workspace) as unit:
        return await dispatch(unit, name, {"script": script.__name__}, workspace=workspace)


async def look(runtime: Runtime, workspace: UUID | None, job_id: UUID) -> Job:
    async with runtime.database.unit(workspace) as unit:
        return await get_job(unit, job_id)


async def read_log(runtime: Runtime, workspace: UUID | None, job_id: UUID) -> list[JobEvent]:
    return [event async for event in stream_job(runtime, job_id, workspace=workspace)]


async def test_a_failed_attempt_is_made_again(runtime: Runtime, workspace: UUID) -> None:
    async def fail_once(context: JobContext) -> dict[str, Any]:
        if context.attempt == 1:
            raise RuntimeError("password is hunter2")
        return {"attempt": context.attempt}

    job_id = await send(runtime, workspace, fail_once)
    await drain(runtime)
    done = await look(runtime, workspace, job_id)
    assert (done.status, done.attempts, done.result, done.error) == ("completed", 2, {"attempt": 2}, None)
    log = await read_log(runtime, workspace, job_id)
    assert [event.kind for event in log] == ["queued", "started", "retrying", "started", "completed"]
    assert log[2].data["error"]["code"] == "internal_error"
    assert "hunter2" not in str(log), "what an error says is for the server's log"


async def test_attempts_are_exhausted(runtime: Runtime, workspace: UUID) -> None:
    async def fail(_: JobContext) -> None:
        raise Unavailable("The printer is on fire.")

    job_id = await send(runtime, workspace, fail)
    await drain(runtime)
    done = await look(runtime, workspace, job_id)
    assert (done.status, done.attempts, done.max_attempts) == ("failed", 3, 3)
    assert done.error == {"code": "unavailable", "detail": "The printer is on fire."}
    assert done.progress == 0


async def test_another_job_follows_the_last_failure_and_no_other(runtime: Runtime, workspace: UUID) -> None:
    async def fail_once(context: JobContext) -> None:
        if context.attempt == 1:
            raise Unavailable

    async def fail(_: JobContext) -> None:
        raise Unavailable("The printer is on fire.")

    member_id, ids = new_id(), list[UUID]()
    for script in (fail_once, fail):
        scripts[script.__name__] = script
        async with runtime.database.unit(workspace) as unit:
            input = {"script": script.__name__}
            ids.append(await dispatch(unit, "tests.told", input, workspace=workspace, created_by=member_id))
    await drain(runtime)
    assert [(await look(runtime, workspace, one)).status for one in ids] == ["completed", "failed"]
    error = {"code": "unavailable", "detail": "The printer is on fire."}
    assert [one for one in told if one[0] == workspace] == [
        (workspace, member_id, {"job_id": str(ids[1]), "input": {"script": "fail"}, "error": error})
    ]


async def test_a_refusal_is_not_tried_again(runtime: Runtime, workspace: UUID) -> None:
    async def refuse(_: JobContext) -> None:
        raise NotFound("The file is gone.")

    job_id = await send(runtime, workspace, refuse)
    await drain(runtime)
    done = await look(runtime, workspace, job_id)
    assert (done.status, done.attempts) == ("failed", 1)
    assert done.error == {"code": "not_found", "detail": "The file is gone."}


async def test_an_attempt_has_a_time_limit(runtime: Runtime, workspace: UUID) -> None:
    async def sleep(_: JobContext) -> None:
        await asyncio.sleep(60)

    job_id = await send(runtime, workspace, sleep, name="tests.hasty")
    await drain(runtime)
    done = await look(runtime, workspace, job_id)
    assert done.status == "failed"
    assert done.error is not None
    assert done.error["code"] == "job_timed_out"


async def test_a_timeout_of_the_handlers_own_is_an_error_like_any_other(runtime: Runtime, workspace: UUID) -> None:
    async def time_out(_: JobContext) -> None:
        raise TimeoutError

    job_id = await send(runtime, workspace, time_out, name="tests.hasty")
    await drain(runtime)
    done = await look(runtime, workspace, job_id)
    assert done.error is not None
    assert done.error["code"] == "internal_error"


async def test_progress_never_goes_back(runtime: Runtime, workspace: UUID) -> None:
    async def wander(context: JobContext) -> None:
        for progress in (10, 40.7, 20, 250, -3):
            await context.report(progress=progress, step="walking", message=f"at {progress}")
        await context.report(message="nearly")

    job_id = await send(runtime, workspace, wander)
    await drain(runtime)
    log = await read_log(runtime, workspace, job_id)
    reported = [event for event in log if event.kind == "progress"]
    assert [event.data["progress"] for event in reported] == [10, 40, 40, 100, 100, 100]
    assert reported[-1].data["step"] == "walking"
    assert reported[-1].data["message"] == "nearly"
    assert [event.seq for event in log] == list(range(1, len(log) + 1))


async def test_progress_is_kept_over_attempts(runtime: Runtime, workspace: UUID) -> None:
    async def fail_at_sixty(context: JobContext) -> None:
        if context.attempt == 1:
            await context.report(progress=60)
            raise RuntimeError("at sixty")
        await context.report(progress=5)

    job_id = await send(runtime, workspace, fail_at_sixty)
    await drain(runtime)
    progress = [event.data["progress"] for event in await read_log(runtime, workspace, job_id)]
    assert progress == sorted(progress)


async def test_saying_the_same_again_is_not_logged(runtime: Runtime, workspace: UUID) -> None:
    async def repeat(context: JobContext) -> None:
        for _ in range(5):
            await context.report(progress=7)

    job_id = await send(runtime, workspace, repeat)
    await drain(runtime)
    log = await read_log(runtime, workspace, job_id)
    assert [event.kind for event in log].count("progress") == 1


async def test_a_queued_job_is_cancelled_at_once(runtime: Runtime, workspace: UUID) -> None:
    async def never(_: JobContext) -> None:
        raise AssertionError("it ran")

    job_id = await send(runtime, workspace, never)
    async with runtime.database.unit(workspace) as unit:
        cancelled = await request_cancel(unit, job_id)
    assert cancelled.status == "cancelled"
    await drain(runtime)
    assert (await look(runtime, workspace, job_id)).attempts == 0
    assert [event.kind for event in await read_log(runtime, workspace, job_id)] == ["queued", "cancelled"]


async def test_a_running_job_ends_at_its_next_report(runtime: Runtime, workspace: UUID) -> None:
    async def work(context: JobContext) -> None:
        await context.report(progress=1)
        async with runtime.database.unit(workspace) as unit:
            assert (await request_cancel(unit, context.id)).status == "running"
        await context.report(progress=2)
        raise AssertionError("it went on")

    job_id = await send(runtime, workspace, work)
    await drain(runtime)
    done = await look(runtime, workspace, job_id)
    assert (done.status, done.attempts, done.error) == ("cancelled", 1, None)


async def test_an_ended_job_stays_as_it_ended(runtime: Runtime, workspace: UUID) -> None:
    async def finish(_: JobContext) -> None:
        return None

    job_id = await send(runtime, workspace, finish)
    await drain(runtime)
    async with runtime.database.unit(workspace) as unit:
        done = await request_cancel(unit, job_id)
    assert (done.status, done.cancel_requested_at) == ("completed", None)


async def test_a_lost_job_that_was_to_be_cancelled_does_not_run_again(runtime: Runtime, workspace: UUID) -> None:
    async def never(_: JobContext) -> None:
        raise AssertionError("it ran")

    job_id = await send(runtime, workspace, never)
    async with runtime.database.unit(workspace) as unit:
        await unit.run("update jobs set status = 'running', cancel_requested_at = now() where id = :id", id=job_id)
    assert await Runner(runtime).run(job_id) is None
    assert (await look(runtime, workspace, job_id)).status == "cancelled"


async def test_checks_raise_once_a_job_is_cancelled(runtime: Runtime, workspace: UUID) -> None:
    checked: list[str] = []

    async def check(context: JobContext) -> None:
        context.check_cancelled()
        context.cancel()
        with pytest.raises(JobCancelled):
            context.check_cancelled()
        with pytest.raises(JobCancelled):
            async with context.unit():
                pass
        checked.append("all")

    await send(runtime, workspace, check)
    await drain(runtime)
    assert checked == ["all"]


async def test_a_run_that_was_taken_over_can_change_nothing(runtime: Runtime, workspace: UUID) -> None:
    refused: list[str] = []

    async def be_overtaken(context: JobContext) -> dict[str, Any]:
        if context.attempt == 2:
            return {"by": "the second"}
        await asyncio.create_task(Runner(runtime).run(context.id))
        with pytest.raises(JobSuperseded):
            async with context.unit():
                refused.append("never reached")
        with pytest.raises(JobSuperseded):
            await context.report(progress=99)
        refused.append("refused")
        return {"by": "the first"}

    job_id = await send(runtime, workspace, be_overtaken)
    await drain(runtime)
    done = await look(runtime, workspace, job_id)
    assert refused == ["refused"]
    assert (done.result, done.attempts, done.progress) == ({"by": "the second"}, 2, 100)


async def test_a_takeover_waits_for_the_transaction_that_is_under_way(runtime: Runtime, workspace: UUID) -> None:
    answers: list[timedelta | None] = []

    async def write(context: JobContext) -> None:
        async with context.unit() as unit:
            assert await unit.value("select current_setting('fostr.workspace')") == str(workspace)
            answers.append(await asyncio.create_task(Runner(runtime).run(context.id)))

    job_id = await send(runtime, workspace, write)
    await drain(runtime)
    assert answers[0] is not None, "the queue is to offer it again later"
    assert (await look(runtime, workspace, job_id)).attempts == 1


async def test_a_job_that_kills_its_workers_is_given_up(runtime: Runtime, workspace: UUID) -> None:
    async def never(_: JobContext) -> None:
        raise AssertionError("it ran")

    job_id = await send(runtime, workspace, never)
    async with runtime.database.unit(workspace) as unit:
        await unit.run(
            "update jobs set status = 'running', losses = :losses where id = :id", id=job_id, losses=MOST_LOSSES
        )
    await drain(runtime)
    done = await look(runtime, workspace, job_id)
    assert done.error is not None
    assert (done.status, done.error["code"]) == ("failed", "worker_lost")


async def test_a_job_that_this_version_does_not_know_is_left_to_others(runtime: Runtime, workspace: UUID) -> None:
    async with runtime.database.unit(workspace) as unit:
        job_id = await dispatch(unit, "tests.from_the_future", {}, workspace=workspace)
    again = await Runner(runtime).run(job_id)
    assert again is not None
    assert again > AT_ONCE
    assert (await look(runtime, workspace, job_id)).status == "queued"
    async with runtime.database.unit(workspace) as unit:
        await request_cancel(unit, job_id)


async def test_a_run_can_be_given_back(runtime: Runtime, workspace: UUID) -> None:
    entered = asyncio.Event()

    async def wait(context: JobContext) -> None:
        if context.attempt == 1:
            entered.set()
            await asyncio.sleep(60)

    job_id = await send(runtime, workspace, wait)
    runner = Runner(runtime)
    running = asyncio.create_task(runner.run(job_id))
    await entered.wait()
    assert runner.running == [job_id]
    await runner.give_back(after=0.05)
    assert await running == AT_ONCE
    assert (await look(runtime, workspace, job_id)).status == "queued"
    await drain(runtime)
    assert (await look(runtime, workspace, job_id)).status == "completed"


async def test_an_interruption_of_its_own_making_is_a_failure(runtime: Runtime, workspace: UUID) -> None:
    async def interrupt_itself(_: JobContext) -> None:
        raise asyncio.CancelledError

    job_id = await send(runtime, workspace, interrupt_itself, name="tests.hasty")
    await drain(runtime)
    assert (await look(runtime, workspace, job_id)).status == "failed"


async def test_jobs_outside_of_any_workspace(runtime: Runtime) -> None:
    async def tidy(context: JobContext) -> None:
        assert context.workspace is None
        async with context.unit() as unit:
            await unit.value("select 1")

    job_id = await send(runtime, None, tidy)
    await drain(runtime)
    assert (await look(runtime, None, job_id)).status == "completed"


def test_retries_come_later_and_later() -> None:
    delays = [retry_delay(failures).total_seconds() for failures in range(1, 30)]
    assert 0.5 <= delays[0] <= 1
    assert 4 <= delays[3] <= 8
    assert max(delays) <= LONGEST_RETRY.total_seconds()
