"""Jobs that bring workspaces up to date."""

from datetime import timedelta
from typing import Any

from fostr.domains.workspaces.steps.repository import Lease
from fostr.domains.workspaces.steps.running import JOB, bring_up_all, run_steps
from fostr.kernel.jobs.context import JobContext
from fostr.kernel.jobs.registry import job, schedule
from fostr.kernel.steps import Step


@job(JOB, retries=8, timeout=timedelta(hours=6))
async def run(context: JobContext) -> dict[str, Any]:
    """Do the steps of the job's workspace."""
    assert context.workspace is not None  # noqa: S101 - it is dispatched with one

    async def report(step: Step, percent: int) -> None:
        await context.report(progress=percent, step=step.name, message=step.label)

    lease = Lease(workspace_id=context.workspace, holder=context.id, attempt=context.attempt)
    return {"done": await run_steps(context.runtime.database, lease, report=report)}


@schedule("workspaces.bring_up", "41 * * * *", at_start=True)
async def bring_up(context: JobContext) -> dict[str, Any]:
    """See to the workspaces in which something is to be done: after each upgrade, and where it failed before."""
    return {"workspaces": await bring_up_all(context.runtime.database)}
