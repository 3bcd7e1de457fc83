"""Upkeep of sign-ins that wait for their second step."""

from fostr.domains.identity.factors import repository
from fostr.kernel import clock
from fostr.kernel.jobs.context import JobContext
from fostr.kernel.jobs.registry import schedule


@schedule("identity.delete_pending_sign_ins", "17 * * * *")
async def delete_pending_sign_ins(context: JobContext) -> dict[str, int]:
    """Delete the sign-ins that nobody completed in time."""
    async with context.unit() as unit:
        return {"deleted": await repository.delete_expired(unit, now=clock.now())}
