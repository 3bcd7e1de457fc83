"""What a job's handler is given."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fostr.kernel import clock
from fostr.kernel.jobs.transitions import job_channel

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg

    from fostr.kernel.db.unit import Unit
    from fostr.kernel.runtime import Runtime


class JobCancelled(Exception):
    """Somebody asked for the job to end."""


class JobSuperseded(Exception):
    """Another worker has taken the job over; this run must not change anything any more."""


class JobContext:
    """One run of a job.

    Attributes:
        runtime: what the process holds.
        id: the job.
        name: the kind of job.
        input: what it was dispatched with.
        workspace: where it runs; None for the installation's own jobs.
        created_by: the member on whose behalf it runs, when there is one.
        acting_as: the administrator who asked for it in that member's name, when somebody did.
        attempt: counts the runs of the job, from 1.
    """

    __slots__ = (
        "_is_cancelled",
        "_reported",
        "acting_as",
        "attempt",
        "created_by",
        "id",
        "input",
        "name",
        "runtime",
        "workspace",
    )

    def __init__(self, runtime: Runtime, started: asyncpg.Record) -> None:
        """Describe the run that `started` tells of."""
        self.runtime = runtime
        self.id: UUID = started["id"]
        self.name: str = started["name"]
        self.input: dict[str, Any] = started["input"]
        self.workspace: UUID | None = started["workspace_id"]
        self.created_by: UUID | None = started["created_by"]
        self.acting_as: UUID | None = started["acting_as"]
        self.attempt: int = started["attempts"]
        self._is_cancelled = False
        self._reported: tuple[int | None, str | None, str | None] | None = None

    @asynccontextmanager
    async def unit(self) -> AsyncGenerator[Unit]:
        """Open a unit of work in the job's workspace, which commits only while this run owns the job.

        A worker that was thought dead, and is not, cannot write beside its successor: the successor waits for the
        transactions that are under way, and later ones are refused.

        Raises:
            JobCancelled: somebody asked for the job to end.
            JobSuperseded: another worker has taken the job over.
        """
        self.check_cancelled()
        async with self.runtime.database.unit(self.workspace) as unit:
            await unit.value("select pg_advisory_xact_lock_shared(:key)", key=job_lock(self.id))
            # In a statement of its own, so that it sees what was committed while the lock was waited for.
            owned = await unit.value(
                "select true from jobs where id = :id and attempts = :attempt and status = 'running'",
                id=self.id,
                attempt=self.attempt,
            )
            if owned is None:
                raise JobSuperseded
            yield unit

    async def list_workspaces(self) -> list[UUID]:
        """Return every workspace of the installation, for a job that goes through all of them."""
        async with self.unit() as unit:
            return [row["id"] for row in await unit.rows("select w.id from workspaces w order by w.id")]

    async def report(
        self, *, progress: float | None = None, step: str | None = None, message: str | None = None
    ) -> None:
        """Tell whoever follows the job how far it is. What is left out stays as it was.

        Args:
            progress: percent. It never goes back: of what is reported, the most counts.
            step: what is being done, as a word for programs.
            message: the same as a sentence for people.

        Raises:
            JobCancelled: somebody asked for the job to end.
            JobSuperseded: another worker has taken the job over.
        """
        self.check_cancelled()
        news = (None if progress is None else min(100, max(0, int(progress))), step, message)
        if news == self._reported:
            return
        async with self.runtime.database.unit() as unit:
            reported = await self._write_report(unit, *news)
            self.runtime.bus.announce(unit, job_channel(self.id), "progress")
        if reported is None:
            raise JobSuperseded
        self._reported = news
        if reported["cancel_requested_at"] is not None:
            self.cancel()
            self.check_cancelled()

    async def _write_report(
        self, unit: Unit, progress: int | None, step: str | None, message: str | None
    ) -> asyncpg.Record | None:
        return await unit.row(
            """
            with moved as (
                update jobs
                set progress = greatest(progress, coalesce(:progress::smallint, progress)),
                    current_step = coalesce(:step, current_step),
                    message = coalesce(:message, message),
                    last_seq = last_seq + 1
                where id = :id and attempts = :attempt and status = 'running'
                returning id, last_seq, progress, current_step, message, cancel_requested_at
            ), logged as (
                insert into job_events (job_id, seq, kind, data, created_at)
                select id, last_seq, 'progress',
                       jsonb_build_object('progress', progress, 'step', current_step, 'message', message), :now
                from moved
            )
            select cancel_requested_at from moved
            """,
            id=self.id,
            attempt=self.attempt,
            progress=progress,
            step=step,
            message=message,
            now=clock.now(),
        )

    def check_cancelled(self) -> None:
        """Raise when somebody asked for the job to end.

        Raises:
            JobCancelled: somebody did.
        """
        if self._is_cancelled:
            raise JobCancelled

    def cancel(self) -> None:
        """Let the next check raise; called by the worker."""
        self._is_cancelled = True


def job_lock(job_id: UUID) -> int:
    """Return the key of the advisory lock that a job's transactions share."""
    return int.from_bytes(job_id.bytes[8:], "big", signed=True)
