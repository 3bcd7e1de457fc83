"""The job that provisions, and the end of what is kept about it."""

from typing import Any

from fostr.domains.identity.provisioning import repository
from fostr.domains.identity.provisioning.making import make
from fostr.domains.identity.provisioning.rules import JOB, KEPT_FOR
from fostr.kernel import clock
from fostr.kernel.jobs.context import JobContext
from fostr.kernel.jobs.registry import job, schedule


@job(JOB, retries=2)
async def provision(context: JobContext) -> dict[str, Any]:
    """Make an account and its workspace."""
    return await make(context)


@schedule("identity.forget_provisionings", "23 * * * *")
async def forget(context: JobContext) -> dict[str, int]:
    """Delete what can be neither followed nor used any more, with what was asked for if that failed."""
    async with context.unit() as unit:
        return {"deleted": await repository.delete_old(unit, before=clock.now() - KEPT_FOR)}
