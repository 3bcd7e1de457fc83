"""Upkeep of links."""

from fostr.kernel.auth.links import delete_ended_links
from fostr.kernel.jobs.context import JobContext
from fostr.kernel.jobs.registry import schedule


@schedule("auth.delete_ended_links", "23 3 * * *")
async def delete_ended(context: JobContext) -> dict[str, int]:
    """Delete the links that were used, or were over, a while ago."""
    async with context.unit() as unit:
        return {"deleted": await delete_ended_links(unit)}
