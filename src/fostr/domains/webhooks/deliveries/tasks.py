"""The jobs that send, that find what is due, that have it sent again, and that forget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from fostr.domains.webhooks.deliveries.replaying import Rest, replay_part
from fostr.domains.webhooks.deliveries.repository import deliveries, lanes
from fostr.domains.webhooks.deliveries.rules import KEPT_FOR
from fostr.domains.webhooks.deliveries.sending import Sender
from fostr.domains.webhooks.deliveries.waking import FORGET_JOB, REPLAY_JOB, SEND_JOB, dispatch_due
from fostr.kernel import clock
from fostr.kernel.jobs.registry import BULK_QUEUE, OUTWARD_QUEUE, job, schedule

if TYPE_CHECKING:
    from fostr.kernel.jobs.context import JobContext

PRUNED_AT_ONCE: Final = 5_000
DUE_AT_ONCE: Final = 1_000


@job(SEND_JOB, queue=OUTWARD_QUEUE)
async def send_messages(context: JobContext) -> dict[str, Any]:
    """Send what is due for one webhook, unless another job does."""
    webhook_id = UUID(context.input["webhook_id"])
    async with context.unit() as unit:
        if not await lanes.claim_lane(unit, webhook_id, job_id=context.id):
            return {"sent": 0}
    return {"sent": await Sender(context, webhook_id).run()}


@job(REPLAY_JOB, queue=BULK_QUEUE)
async def replay_rest(context: JobContext) -> dict[str, Any]:
    """Make due, part by part, what is left of a replay; each part is on its way before the next."""
    rest: Rest | None = Rest.read(context.input)
    count = 0
    while rest is not None:
        async with context.unit() as unit:
            done, rest = await replay_part(unit, rest)
        count += done
    return {"deliveries": count}


@job(FORGET_JOB, queue=BULK_QUEUE)
async def forget_webhook(context: JobContext) -> dict[str, Any]:
    """Forget the deliveries of a webhook that is gone.

    A transaction of a job that was about to enqueue more for it holds its lane, and nobody enqueues without one.
    """
    webhook_id = UUID(context.input["webhook_id"])
    async with context.unit() as unit:
        await lanes.delete_lane(unit, webhook_id)
    forgotten, count = 0, PRUNED_AT_ONCE
    while count == PRUNED_AT_ONCE:
        async with context.unit() as unit:
            count = await deliveries.delete_some(unit, webhook_id, limit=PRUNED_AT_ONCE)
        forgotten += count
    return {"deliveries": forgotten}


@schedule("webhooks.wake_due", "* * * * *")
async def wake_due(context: JobContext) -> dict[str, Any]:
    """Find webhooks that are due, and have their messages sent.

    They have a job that is queued for the moment already; this is for those whose job was lost.
    """
    async with context.unit() as unit:
        due = await lanes.list_due(unit, now=clock.now(), limit=DUE_AT_ONCE)
    for each in due:
        async with context.runtime.database.unit(each.workspace_id) as unit:
            await dispatch_due(unit, each.webhook_id)
    return {"webhooks": len(due)}


@schedule("webhooks.prune_deliveries", "47 2 * * *")
async def prune_deliveries(context: JobContext) -> dict[str, Any]:
    """Forget deliveries that were enqueued long ago."""
    forgotten, before = 0, clock.now() - KEPT_FOR
    for workspace in await context.list_workspaces():
        count = PRUNED_AT_ONCE
        while count == PRUNED_AT_ONCE:
            context.check_cancelled()
            async with context.runtime.database.unit(workspace) as unit:
                count = await deliveries.delete_old(unit, before=before, limit=PRUNED_AT_ONCE)
            forgotten += count
    return {"deliveries": forgotten}
