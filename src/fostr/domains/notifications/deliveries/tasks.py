"""Jobs that deliver."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from fostr.domains.notifications.deliveries import repository
from fostr.domains.notifications.deliveries.messaging import compose_message
from fostr.domains.notifications.deliveries.planning import DELIVER, have_delivered
from fostr.domains.notifications.deliveries.sending import (
    DELIVERY_FAILED,
    MOST_AT_ONCE,
    SEND_WHATSAPP,
    deliver_to_member,
    give_up,
)
from fostr.integrations.whatsapp import WhatsAppDeferred, WhatsAppRefused, send_template
from fostr.kernel import clock
from fostr.kernel.jobs.context import JobCancelled, JobContext, JobSuperseded
from fostr.kernel.jobs.registry import job, schedule

GIVE_UP_WHATSAPP: Final = "notifications.give_up_whatsapp"
RETRIES: Final = 20
"""With pauses that double up to five minutes: about an hour."""
KEPT_FOR: Final = timedelta(days=90)
MOST_FORGOTTEN: Final = 5000
OVERDUE_AFTER: Final = timedelta(hours=2)


@job(DELIVER, retries=RETRIES)
async def deliver(context: JobContext) -> dict[str, Any]:
    """Deliver what is due in a workspace, each member's in a transaction of its own.

    What cannot be delivered to one member keeps nobody else waiting.
    """
    # The clock of the database, which let this job begin, may be ahead of ours.
    until = max(datetime.fromisoformat(context.input["due_at"]), clock.now())
    async with context.unit() as unit:
        await repository.pass_moments(unit, until=until)
    failed: dict[UUID, Exception] = {}
    served: set[UUID] = set()
    count = 0
    while True:
        async with context.unit() as unit:
            member_id = await repository.find_next_member(unit, until=until, without=served | failed.keys())
        if member_id is None:
            break
        try:
            async with context.unit() as unit:
                handled = await deliver_to_member(
                    context.runtime, unit, member_id=member_id, until=until, cause_id=context.id
                )
            count += handled
            if handled < MOST_AT_ONCE:
                served.add(member_id)
        except (JobCancelled, JobSuperseded):
            raise
        except Exception as error:  # noqa: BLE001 - it is raised when everybody else has theirs
            failed[member_id] = error
    await _face_failures(context, failed, until=until)
    return {"deliveries": count}


async def _face_failures(context: JobContext, failed: dict[UUID, Exception], *, until: datetime) -> None:
    """Have what failed tried again, and in the end put aside."""
    if context.attempt > RETRIES:
        for member_id in failed:
            async with context.unit() as unit:
                await give_up(unit, member_id=member_id, until=until, now=clock.now())
    for error in failed.values():
        raise error


@job(SEND_WHATSAPP, retries=RETRIES, timeout=timedelta(minutes=2), after_failure=GIVE_UP_WHATSAPP)
async def send_whatsapp(context: JobContext) -> dict[str, Any]:
    """Send a message by WhatsApp.

    At least once: a worker that dies between WhatsApp's "yes" and our note of it sends the message again.
    """
    async with context.unit() as unit:
        message = await compose_message(context, unit)
    if message is None:
        return {"status": "skipped"}
    message_id = await send_template(context.runtime.settings, to=message.to, parameters=[message.text, message.url])
    async with context.unit() as unit:
        await repository.mark_sent(unit, message.delivery_ids, message_id=message_id, now=clock.now())
    return {"status": "sent"}


@job(GIVE_UP_WHATSAPP)
async def give_up_whatsapp(context: JobContext) -> None:
    """Note that a message will not be sent any more, and why."""
    code, sent = context.input["error"]["code"], [UUID(one) for one in context.input["input"]["delivery_ids"]]
    reason = code if code in {WhatsAppDeferred.code, WhatsAppRefused.code} else DELIVERY_FAILED
    async with context.unit() as unit:
        dues = await repository.lock_sending(unit, sent)
        await repository.mark_unsent(unit, {due.id: reason for due in dues}, status="failed", now=clock.now())


@schedule("notifications.keep_up_deliveries", "41 * * * *")
async def keep_up(context: JobContext) -> dict[str, int]:
    """Forget deliveries that ended 90 days ago, and have those delivered whose job was lost or cancelled."""
    now, forgotten, resumed = clock.now(), 0, 0
    for workspace in await context.list_workspaces():
        async with context.runtime.database.unit(workspace) as unit:
            forgotten += await repository.delete_old(unit, before=now - KEPT_FOR, limit=MOST_FORGOTTEN)
            await repository.take_back(unit, before=now - OVERDUE_AFTER)
            if await repository.has_overdue(unit, before=now - OVERDUE_AFTER):
                await have_delivered(unit, [now], now=now)
                resumed += 1
    return {"deliveries": forgotten, "workspaces": resumed}
