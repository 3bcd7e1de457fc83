"""Doing the steps of one workspace, under a lease that ends by itself when whoever has it is gone."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from fostr.domains.workspaces.events import WORKSPACE_STEP_DONE
from fostr.domains.workspaces.steps import repository
from fostr.domains.workspaces.steps.errors import StepsUnderWay
from fostr.domains.workspaces.steps.repository import Lease
from fostr.kernel import clock
from fostr.kernel.db.database import Database
from fostr.kernel.db.unit import Unit
from fostr.kernel.events.outbox import Cause, record
from fostr.kernel.http.errors import FostrError
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.steps import Step, list_steps, newest_step

JOB: Final = "workspaces.run_steps"
WORKFLOW: Final = "steps"
"""One job at a time does the steps of a workspace."""
LEASED_FOR: Final = timedelta(minutes=2)
"""Made longer by each unit of work of a step; after so long a silence, somebody else may go on."""
AT_A_TIME: Final = 100

Reporter = Callable[[Step, int], Awaitable[None]]
"""Told the step that begins, and how many percent are done."""


@dataclass(frozen=True, slots=True)
class LeasedRun:
    """What a step is given: units of work that commit only under the lease."""

    database: Database
    lease: Lease

    @property
    def workspace(self) -> UUID:
        """Where the step runs."""
        return self.lease.workspace_id

    @asynccontextmanager
    async def unit(self) -> AsyncGenerator[Unit]:
        """Open a unit of work in the workspace, and make the lease longer.

        Raises:
            StepsUnderWay: somebody else has taken the lease.
        """
        async with self.database.unit(self.workspace) as unit:
            if not await repository.extend_lease(unit, self.lease, until=clock.now() + LEASED_FOR):
                raise StepsUnderWay
            yield unit


async def run_steps(database: Database, lease: Lease, *, report: Reporter) -> int:
    """Do the steps that are to be done in a workspace, one after the other, and return how many those were.

    What was done before stays done, whatever becomes of a later one.

    Raises:
        StepsUnderWay: somebody else does them.
    """
    run = LeasedRun(database, lease)
    pending = await _begin(run)
    for position, step in enumerate(pending):
        await report(step, 100 * position // len(pending))
        try:
            await step.run(run)
            await _finish(run, step)
        except StepsUnderWay:
            raise
        except Exception as error:
            await _fail(run, step, error)
            raise
    if pending:
        async with database.unit() as unit:
            await repository.extend_lease(unit, lease, until=clock.now())
    return len(pending)


async def _begin(run: LeasedRun) -> list[Step]:
    async with run.database.unit() as unit:
        state = await repository.find_state(unit, workspace_id=run.workspace)
        pending = [] if state is None else list_steps(after=state.step)
        now = clock.now()
        if pending and not await repository.take_lease(unit, run.lease, now=now, until=now + LEASED_FOR):
            raise StepsUnderWay
    return pending


async def _finish(run: LeasedRun, step: Step) -> None:
    async with run.unit() as unit:
        await repository.finish_step(unit, workspace_id=run.workspace, number=step.number)
        await record(
            unit,
            type=WORKSPACE_STEP_DONE,
            entity="workspace",
            entity_id=run.workspace,
            after={"step": step.number, "name": step.name},
            cause=Cause(kind="job", id=run.lease.holder),
        )


async def _fail(run: LeasedRun, step: Step, error: Exception) -> None:
    # What went wrong inside is for the log, which has it; people are told no more than what is meant for them.
    told = error.sentence if isinstance(error, FostrError) else FostrError.detail
    async with run.database.unit() as unit:
        await repository.fail_step(unit, run.lease, number=step.number, error=told, now=clock.now())


async def bring_up_all(database: Database) -> int:
    """Dispatch a job for each workspace in which a step is to be done; return how many those are.

    A job for each, so that a step which fails in one workspace holds up no other.
    """
    async with database.unit() as unit:
        behind = await repository.list_behind(unit, newest=newest_step())
    for first in range(0, len(behind), AT_A_TIME):
        async with database.unit() as unit:
            for workspace_id in behind[first : first + AT_A_TIME]:
                await dispatch(unit, JOB, {}, workspace=workspace_id, workflow_id=WORKFLOW)
    return len(behind)
