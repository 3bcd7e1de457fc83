"""Upkeep of share links."""

from fostr.domains.records.shares import service
from fostr.kernel.jobs.context import JobContext
from fostr.kernel.jobs.registry import schedule


@schedule("shares.forget_tokens", "47 3 * * *")
async def forget_tokens(context: JobContext) -> dict[str, int]:
    """Forget the tokens of links that went with their view or their recordset."""
    return {"forgotten": await service.forget_lost_tokens(context.runtime)}
