"""The consumer that finds out whom events concern, and the job that tells them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fostr.domains.notifications.telling.service import TELL, consider, list_event_types, tell
from fostr.kernel.events.consumers import register_consumer
from fostr.kernel.jobs.registry import job

if TYPE_CHECKING:
    from fostr.kernel.jobs.context import JobContext

# An installation that is updated to have notifications does not tell of everything that ever happened in it.
register_consumer("notifications", types=list_event_types(), handler=consider, from_now=True)


@job(TELL, retries=10, timeout=timedelta(minutes=5))
async def tell_members(context: JobContext) -> dict[str, Any]:
    """Tell members of an event, all of them or, when it fails, none."""
    recipients = {name: [UUID(one) for one in members] for name, members in context.input["recipients"].items()}
    async with context.unit() as unit:
        told = await tell(
            context.runtime,
            unit,
            event_id=UUID(context.input["event_id"]),
            recipients=recipients,
            cause_id=context.id,
        )
    return {"told": told}
