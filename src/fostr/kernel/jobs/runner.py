"""Run one job from start to end: its attempts, its refusals, its cancellation, and giving it back."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID

import structlog

from fostr.kernel.http.errors import FostrError
from fostr.kernel.jobs.context import JobCancelled, JobContext, JobSuperseded, job_lock
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.jobs.registry import JobType, find_job
from fostr.kernel.jobs.transitions import TransitionName, move

if TYPE_CHECKING:
    import asyncpg

    from fostr.kernel.runtime import Runtime

log = structlog.get_logger(__name__)

AT_ONCE: Final = timedelta()
SOON: Final = timedelta(seconds=1)
UNKNOWN_AGAIN: Final = timedelta(seconds=30)
FIRST_RETRY: Final = timedelta(seconds=1)
LONGEST_RETRY: Final = timedelta(minutes=5)

MOST_LOSSES: Final = 5
"""Runs of a job that may end with their worker before the job itself is taken for the reason."""
MOST_UNKNOWN: Final = 20
CANCEL_SECONDS: Final = 5.0
"""How long a handler may go on after its job was cancelled before it is interrupted."""

Ending = Literal["cancel", "give_back"]


@dataclass(slots=True)
class _Run:
    context: JobContext
    task: asyncio.Task[dict[str, Any] | None]
    ending: Ending | None = None


class _TimedOut(Exception):
    """An attempt took longer than its kind of job allows."""


class Runner:
    """The jobs that run in this process."""

    def __init__(self, runtime: Runtime) -> None:
        """Begin with none."""
        self._runtime = runtime
        self._runs: dict[UUID, _Run] = {}

    @property
    def running(self) -> list[UUID]:
        """The jobs that run now."""
        return list(self._runs)

    async def run(self, job_id: UUID) -> timedelta | None:
        """Run a job that the queue handed out.

        Returns:
            after what time the queue is to hand it out again; None when it is done with.
        """
        try:
            return await self._run(job_id)
        except Exception:
            # The database does not answer, most likely: the queue keeps the job.
            log.exception("job could not be run", job=str(job_id))
            return SOON

    def cancel(self, job_id: UUID) -> None:
        """Tell a job that it is to end, and interrupt it when it does not."""
        run = self._runs.get(job_id)
        if run is not None and run.ending is None:
            run.ending = "cancel"
            run.context.cancel()
            asyncio.get_running_loop().call_later(CANCEL_SECONDS, run.task.cancel)

    async def give_back(self, *, after: float) -> None:
        """Interrupt what still runs after some seconds; the queue hands it out anew."""
        if self._runs and after:
            await asyncio.wait([run.task for run in self._runs.values()], timeout=after)
        for run in self._runs.values():
            run.ending = run.ending or "give_back"
            run.task.cancel()

    async def _run(self, job_id: UUID) -> timedelta | None:
        async with self._runtime.database.unit() as unit:
            if not await unit.value("select pg_try_advisory_xact_lock(:key)", key=job_lock(job_id)):
                # A run that was taken for lost is in the middle of a transaction.
                return SOON
            started = await move(unit, "start", job_id=job_id, bus=self._runtime.bus)
        if started is None:
            return None
        if started["cancel_requested_at"] is not None:
            return await self._move(started, "cancel")
        if started["losses"] > MOST_LOSSES:
            return await self._fail(started, "worker_lost", "The job stopped its worker too many times.")
        kind = find_job(started["name"])
        if kind is None:
            return await self._refuse_unknown(started)
        return await self._attempt(started, kind)

    async def _refuse_unknown(self, started: asyncpg.Record) -> timedelta | None:
        # While versions change, workers of both run; another one may know the job.
        log.error("unknown job", job=str(started["id"]), name=started["name"])
        if started["attempts"] > MOST_UNKNOWN:
            return await self._fail(started, "job_unknown", "This version of the server does not know the job.")
        await self._move(started, "give_back")
        return UNKNOWN_AGAIN

    async def _attempt(self, started: asyncpg.Record, kind: JobType) -> timedelta | None:
        context = JobContext(self._runtime, started)
        run = _Run(context, asyncio.create_task(_call(kind, context), name=f"job {kind.name}"))
        self._runs[context.id] = run
        try:
            # The handler's task is its own: it is interrupted without the one that the queue watches.
            await asyncio.wait({run.task})
        finally:
            del self._runs[context.id]
        return await self._conclude(started, kind, run)

    async def _conclude(self, started: asyncpg.Record, kind: JobType, run: _Run) -> timedelta | None:
        error = asyncio.CancelledError() if run.task.cancelled() else run.task.exception()
        if error is None:
            return await self._move(started, "complete", result=run.task.result())
        if isinstance(error, JobSuperseded):
            log.warning("job was taken over", job=str(started["id"]), attempt=started["attempts"])
            return None
        if run.ending == "cancel" or isinstance(error, JobCancelled):
            return await self._move(started, "cancel")
        if run.ending == "give_back":
            await self._move(started, "give_back")
            return AT_ONCE
        return await self._handle_failure(started, kind, error)

    async def _handle_failure(self, started: asyncpg.Record, kind: JobType, error: BaseException) -> timedelta | None:
        code, detail = describe_error(error)
        facts = {"job": str(started["id"]), "name": kind.name, "attempt": started["attempts"], "code": code}
        if _is_final(error):
            log.info("job was refused", detail=detail, **facts)
            return await self._fail(started, code, detail)
        if started["failures"] >= kind.retries:
            log.error("job failed", exc_info=error, **facts)
            return await self._fail(started, code, detail)
        delay = retry_delay(started["failures"] + 1)
        log.warning("job will be tried again", exc_info=error, delay=delay.total_seconds(), **facts)
        problem = {"code": code, "detail": detail}
        await self._move(started, "retry", error=problem, retry_in=round(delay.total_seconds(), 1))
        return delay

    async def _fail(self, started: asyncpg.Record, code: str, detail: str) -> None:
        error, kind = {"code": code, "detail": detail}, find_job(started["name"])
        async with self._runtime.database.unit() as unit:
            failed = await move(
                unit, "fail", job_id=started["id"], bus=self._runtime.bus, attempt=started["attempts"], error=error
            )
            if failed is not None and kind is not None and kind.after_failure is not None:
                await dispatch(
                    unit,
                    kind.after_failure,
                    {"job_id": str(started["id"]), "input": started["input"], "error": error},
                    workspace=started["workspace_id"],
                    created_by=started["created_by"],
                    acting_as=started["acting_as"],
                )

    async def _move(self, started: asyncpg.Record, name: TransitionName, **facts: Any) -> timedelta | None:
        async with self._runtime.database.unit() as unit:
            bus = self._runtime.bus
            await move(unit, name, job_id=started["id"], bus=bus, attempt=started["attempts"], **facts)


async def _call(kind: JobType, context: JobContext) -> dict[str, Any] | None:
    limit = asyncio.timeout(kind.timeout.total_seconds())
    try:
        async with limit:
            return await kind.handler(context)
    except TimeoutError as error:
        if limit.expired():
            raise _TimedOut from error
        raise


def _is_final(error: BaseException) -> bool:
    """Say whether trying again would come to the same."""
    return isinstance(error, FostrError) and error.status < 500 and error.status != 429


def describe_error(error: BaseException) -> tuple[str, str]:
    """Return what people are told of an error: a code, and a sentence that gives nothing away."""
    if isinstance(error, FostrError):
        return error.code, error.sentence
    if isinstance(error, _TimedOut):
        return "job_timed_out", "The job took longer than it may."
    return FostrError.code, FostrError.detail


def retry_delay(failures: int) -> timedelta:
    """Return the time before the next attempt: doubled with each failure, and spread."""
    # Not secret: the spread keeps jobs that failed together from coming back together.
    return min(FIRST_RETRY * 2 ** (failures - 1), LONGEST_RETRY) * random.uniform(0.5, 1.0)  # noqa: S311
