"""Writing down that impersonations are over."""

from typing import Final

from fostr.domains.identity.impersonation import repository
from fostr.domains.identity.impersonation.service import write_down_end
from fostr.kernel import clock
from fostr.kernel.events.outbox import Cause
from fostr.kernel.jobs.context import JobContext
from fostr.kernel.jobs.registry import schedule

AT_ONCE: Final = 200


@schedule("identity.end_impersonations", "* * * * *")
async def end_impersonations(context: JobContext) -> dict[str, int]:
    """Tell the workspaces of impersonations that ran out, or whose session the person ended."""
    async with context.unit() as unit:
        over = await repository.list_over(unit, now=clock.now(), limit=AT_ONCE)
    for each in over:
        # Each in its own workspace, and so in a transaction of its own.
        async with context.runtime.database.unit(each["workspace_id"]) as unit:
            await write_down_end(
                unit,
                impersonation_id=each["id"],
                has_started=each["has_started"],
                reason=each["reason"],
                cause=Cause(kind="job", id=context.id),
                now=clock.now(),
            )
    return {"ended": len(over)}
