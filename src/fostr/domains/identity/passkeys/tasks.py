"""Upkeep of challenges."""

from fostr.domains.identity.passkeys import repository
from fostr.kernel import clock
from fostr.kernel.jobs.context import JobContext
from fostr.kernel.jobs.registry import schedule


@schedule("identity.delete_passkey_challenges", "27 * * * *")
async def delete_passkey_challenges(context: JobContext) -> dict[str, int]:
    """Delete the challenges that nobody answered in time."""
    async with context.unit() as unit:
        return {"deleted": await repository.delete_expired(unit, now=clock.now())}
