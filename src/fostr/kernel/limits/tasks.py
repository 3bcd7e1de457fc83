"""Upkeep of the counters."""

from fostr.kernel.jobs.context import JobContext
from fostr.kernel.jobs.registry import schedule
from fostr.kernel.limits.counters import delete_expired_counters


@schedule("limits.delete_expired_counters", "*/10 * * * *")
async def delete_expired(context: JobContext) -> dict[str, int]:
    """Delete the counters of spans that are over."""
    async with context.unit() as unit:
        return {"deleted": await delete_expired_counters(unit)}
