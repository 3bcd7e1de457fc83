"""Look at jobs, follow one, ask one to end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from fostr.kernel import clock
from fostr.kernel.http.errors import Conflict, NotFound
from fostr.kernel.jobs.transitions import CLOSED, LAST_KINDS, JobStatus, job_channel, move

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

    from fostr.kernel.db.unit import Unit
    from fostr.kernel.runtime import Runtime

CANCEL_CHANNEL: Final = "fostr_jobs_cancel"
"""Where workers hear of jobs that are to end; payloads are job ids."""

LOOK_AGAIN_SECONDS: Final = 2.0
"""A stream reads the log anew after so long a silence, lest a notice was lost."""
CHUNK: Final = 500

_COLUMNS: Final = """
    id, workspace_id, name, queue, workflow_id, status, progress, current_step, message, result, error, attempts,
    max_attempts, created_by, cancel_requested_at, created_at, started_at, finished_at
"""


class JobNotFound(NotFound):
    """There is no such job in the workspace."""

    code = "job_not_found"
    detail = "There is no such job."


class JobStillOpen(Conflict):
    """The job has not ended."""

    code = "job_still_open"
    detail = "The job has not ended yet; cancel it first."


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands.

    Attributes:
        error: `{code, detail}`, of the last failed attempt; None when it completed.
    """

    id: UUID
    workspace_id: UUID | None
    name: str
    queue: str
    workflow_id: str | None
    status: JobStatus
    progress: int
    current_step: str | None
    message: str | None
    result: dict[str, Any] | None
    error: dict[str, Any] | None
    attempts: int
    max_attempts: int
    created_by: UUID | None
    cancel_requested_at: datetime | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def is_closed(self) -> bool:
        """Whether it has ended, one way or another."""
        return self.status in CLOSED


@dataclass(frozen=True, slots=True)
class JobEvent:
    """Something that a job reported.

    Attributes:
        seq: counts the events of the job, from 1; what a stream goes on after.
        kind: queued, started, progress, retrying, completed, failed or cancelled.
        data: `progress` always; `step`, `message`, `attempt`, `result`, `error` where they apply.
        created_at: when.
    """

    seq: int
    kind: str
    data: dict[str, Any]
    created_at: datetime

    @property
    def is_last(self) -> bool:
        """Whether nothing follows."""
        return self.kind in LAST_KINDS


async def get_job(unit: Unit, job_id: UUID) -> Job:
    """Return a job of the unit's workspace.

    Raises:
        JobNotFound: there is none of that id in the workspace.
    """
    row = await unit.row(
        f"select {_COLUMNS} from jobs where id = :id and workspace_id is not distinct from :workspace",
        id=job_id,
    )
    if row is None:
        raise JobNotFound
    return _job(row)


async def list_jobs(
    unit: Unit,
    *,
    names: Collection[str] | None = None,
    statuses: Collection[str] | None = None,
    created_by: UUID | None = None,
    limit: int = 50,
    offset: int = 0,
) -> tuple[list[Job], int]:
    """Return the jobs of the unit's workspace, the newest first, and how many there are in all.

    Args:
        unit: bound to the workspace.
        names: only jobs of these kinds.
        statuses: only jobs in one of these states.
        created_by: only those that run on behalf of this member.
        limit: the most to return.
        offset: how many to pass over.
    """
    where = """
        workspace_id is not distinct from :workspace
        and (:names::text[] is null or name = any(:names)) and (:statuses::text[] is null or status = any(:statuses))
        and (:created_by::uuid is null or created_by = :created_by)
    """
    params = {
        "names": None if names is None else sorted(names),
        "statuses": None if statuses is None else sorted(statuses),
        "created_by": created_by,
    }
    rows = await unit.rows(
        f"select {_COLUMNS} from jobs where {where} order by id desc limit :limit offset :offset",
        **params,
        limit=limit,
        offset=offset,
    )
    total = await unit.value(f"select count(*) from jobs where {where}", **params)
    return [_job(row) for row in rows], total


async def delete_job(unit: Unit, job_id: UUID) -> None:
    """Forget a job of the unit's workspace that has ended, with its log.

    Raises:
        JobNotFound: there is none of that id in the workspace.
        JobStillOpen: it waits or runs.
    """
    job = await get_job(unit, job_id)
    deleted = await unit.run(
        "delete from jobs where id = :id and workspace_id is not distinct from :workspace and status = any(:closed)",
        id=job.id,
        closed=sorted(CLOSED),
    )
    if not deleted:
        raise JobStillOpen(status=job.status)


def _job(row: asyncpg.Record) -> Job:
    return Job(**dict(row))


async def request_cancel(unit: Unit, job_id: UUID) -> Job:
    """Ask a job of the unit's workspace to end, and return it.

    One that is queued has ended with that. One that runs ends at its next report, and is interrupted when it does
    not. One that has ended already stays as it is.

    Raises:
        JobNotFound: there is none of that id in the workspace.
    """
    found = await unit.row(
        """
        update jobs set cancel_requested_at = coalesce(cancel_requested_at, :now)
        where id = :id and workspace_id is not distinct from :workspace and status in ('queued', 'running')
        returning status
        """,
        id=job_id,
        now=clock.now(),
    )
    if found is not None and found["status"] == "queued":
        await move(unit, "cancel", job_id=job_id)
        await unit.run(
            "delete from pgqueuer where dedupe_key = :key and status = 'queued'",
            key=str(job_id),
        )
    elif found is not None:
        unit.notify(CANCEL_CHANNEL, str(job_id))
    return await get_job(unit, job_id)


async def stream_job(
    runtime: Runtime,
    job_id: UUID,
    *,
    workspace: UUID | None,
    after: int | None = None,
    may_follow: Callable[[Unit], Awaitable[bool]] | None = None,
) -> AsyncGenerator[JobEvent]:
    """Follow a job: what its log holds, then what it reports, until it has ended or the process ends.

    Args:
        runtime: what the process holds.
        job_id: the job.
        workspace: the one that the job has to be of.
        after: the last event that the caller has seen; the stream goes on after it.
        may_follow: asked before anything more is told; the stream ends where it may not be.

    Raises:
        JobNotFound: there is none of that id in the workspace.
    """
    seen = after or 0
    async with runtime.bus.subscribe(job_channel(job_id)) as notices:
        while not runtime.hub.is_closed:
            async with runtime.database.unit(workspace) as unit:
                if may_follow is not None and not await may_follow(unit):
                    return
                events, is_closed = await _read_events(unit, job_id, seen)
            for event in events:
                seen = event.seq
                yield event
                if event.is_last:
                    return
            if is_closed and not events:
                return
            if len(events) < CHUNK:
                await _wait_for_news(notices)


async def _wait_for_news(notices: AsyncIterator[str]) -> None:
    try:
        async with asyncio.timeout(LOOK_AGAIN_SECONDS):
            await anext(notices)
    except TimeoutError:
        return


async def _read_events(unit: Unit, job_id: UUID, seen: int) -> tuple[list[JobEvent], bool]:
    job = await get_job(unit, job_id)
    rows = await unit.rows(
        """
        select seq, kind, data, created_at from job_events
        where job_id = :id and seq > :seen order by seq limit :limit
        """,
        id=job_id,
        seen=seen,
        limit=CHUNK,
    )
    return [JobEvent(**dict(row)) for row in rows], job.is_closed
