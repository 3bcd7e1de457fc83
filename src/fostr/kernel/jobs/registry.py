"""Which jobs there are: handlers by name, their limits, and the ones that run by the clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from fostr.kernel.jobs.context import JobContext

DEFAULT_QUEUE: Final = "default"
BULK_QUEUE: Final = "bulk"
OUTWARD_QUEUE: Final = "outward"

QUEUES: Final[Mapping[str, float]] = MappingProxyType({DEFAULT_QUEUE: 1.0, BULK_QUEUE: 0.25, OUTWARD_QUEUE: 1.0})
"""The queues, and how many of each a worker runs at a time, as a share of its concurrency.

Long work (imports, exports, backfills) goes to `bulk`, so that ten imports do not keep a mail waiting. What mostly
waits for servers that users named (webhooks) goes to `outward`: such a server may take as long as it is let.
"""

Result: TypeAlias = "dict[str, Any] | None"
JobHandler: TypeAlias = "Callable[[JobContext], Awaitable[Result]]"


@dataclass(frozen=True, slots=True)
class JobType:
    """A kind of job. See `job`."""

    name: str
    handler: JobHandler
    queue: str
    retries: int
    timeout: timedelta
    after_failure: str | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """A job that is dispatched by the clock. See `schedule`."""

    name: str
    cron: str
    at_start: bool = False


_jobs: dict[str, JobType] = {}
_schedules: dict[str, Schedule] = {}


def job(
    name: str,
    *,
    queue: str = DEFAULT_QUEUE,
    retries: int = 3,
    timeout: timedelta = timedelta(hours=1),
    after_failure: str | None = None,
) -> Callable[[JobHandler], JobHandler]:
    """Register an asynchronous function as the handler of the jobs called `name`.

    A handler runs at least once: after a crash, or when its worker stops, it is called again from the start, so it
    keeps what it has done in the database and goes on from there. It returns a JSON object, or nothing. It raises a
    refusal (`FostrError`) with a status below 500 when trying again is of no use; any other error is tried again.

    Args:
        name: `<domain>.<verb>`, unique; it is kept in the database, so it is not changed lightly.
        queue: one of `QUEUES`; what takes more than a few seconds belongs to `bulk`.
        retries: attempts after the first one, when it fails.
        timeout: how long one attempt may take.
        after_failure: the job that is dispatched as one fails for the last time, with its `job_id`, `input` and
            `error`, for the same member. A handler cannot see to that: it does not know whether another attempt
            follows, nor of its worker's death.

    Raises:
        ValueError: the name is taken, or there is no such queue.
    """
    if name in _jobs:
        raise ValueError(f"job {name} is registered twice")
    if queue not in QUEUES:
        raise ValueError(f"there is no queue {queue}")

    def register(handler: JobHandler) -> JobHandler:
        _jobs[name] = JobType(name, handler, queue, retries, timeout, after_failure)
        return handler

    return register


def schedule(name: str, cron: str, *, at_start: bool = False) -> Callable[[JobHandler], JobHandler]:
    """Register a handler as a job, and have it dispatched by the clock, in no workspace.

    While one is still open, the next is left out. Times are UTC.

    Args:
        name: as for `job`.
        cron: five fields, as in `17 3 * * *`.
        at_start: whether it is dispatched whenever a worker starts, too.
    """
    register_job = job(name)

    def register(handler: JobHandler) -> JobHandler:
        _schedules[name] = Schedule(name=name, cron=cron, at_start=at_start)
        return register_job(handler)

    return register


def find_job(name: str) -> JobType | None:
    """Return a kind of job by its name, or None when this version of the program does not know it."""
    return _jobs.get(name)


def list_schedules() -> list[Schedule]:
    """Return the schedules by name."""
    return sorted(_schedules.values(), key=lambda entry: entry.name)
