"""Deliver what is due for one member: mail into the outbox of mail, WhatsApp into jobs of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fostr.domains.notifications.deliveries import repository
from fostr.domains.notifications.deliveries.holding import hold_back
from fostr.domains.notifications.deliveries.mailing import write_mails
from fostr.domains.notifications.deliveries.rules import REFUSALS_BEFORE_PAUSE, is_address_refused
from fostr.domains.notifications.deliveries.selecting import select
from fostr.domains.notifications.email_delivery.repository import find_chosen
from fostr.domains.notifications.email_delivery.service import pause_email
from fostr.kernel import clock
from fostr.kernel.auth.principals import Scope
from fostr.kernel.jobs.behalf import MemberGone, act_as_member
from fostr.kernel.jobs.dispatch import dispatch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from fostr.domains.notifications.deliveries.repository import Addressee, Due
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.http.context import Context
    from fostr.kernel.runtime import Runtime

SEND_WHATSAPP: Final = "notifications.send_whatsapp"
DELIVERY_FAILED: Final = "delivery_failed"
"""The code of an error of ours."""
MOST_AT_ONCE: Final = 2_000
"""Deliveries to one member in one transaction; of more, a digest comes in parts."""


async def deliver_to_member(runtime: Runtime, unit: Unit, *, member_id: UUID, until: datetime, cause_id: UUID) -> int:
    """Deliver what is due for a member, as one transaction: what is written leaves once, and with its note.

    Args:
        runtime: what the process holds.
        unit: bound to the workspace.
        member_id: whom it is for.
        until: what is due by then.
        cause_id: the job.

    Returns:
        how many deliveries were looked at.
    """
    await repository.lock_member(unit, member_id)
    dues = await repository.lock_due(unit, member_id=member_id, until=until, limit=MOST_AT_ONCE)
    try:
        context = await act_as_member(runtime, unit, member_id=member_id, cause_id=cause_id, scope=Scope.ADMIN)
    except MemberGone:
        await _leave_out(unit, dues, "member_gone")
        return len(dues)
    ready = await hold_back(context, dues, until=until)
    await _mail(context, [due for due in ready if due.channel == "email"])
    await _hand_to_whatsapp(context, [due for due in ready if due.channel == "whatsapp"])
    return len(dues)


async def give_up(unit: Unit, *, member_id: UUID, until: datetime, now: datetime) -> None:
    """Note that what is due for a member cannot be delivered: an error of the program, again and again."""
    dues = await repository.lock_due(unit, member_id=member_id, until=until, limit=MOST_AT_ONCE)
    await repository.mark_unsent(unit, {due.id: DELIVERY_FAILED for due in dues}, status="failed", now=now)


async def _leave_out(unit: Unit, dues: Sequence[Due], reason: str) -> None:
    if dues:
        await repository.mark_unsent(unit, {due.id: reason for due in dues}, status="skipped", now=clock.now())


async def _mail(context: Context, dues: Sequence[Due]) -> None:
    if not dues:
        return
    to = await repository.find_addressee(
        context.unit, user_id=context.principal.user_id, workspace_id=context.workspace_id
    )
    obstacle = "member_gone" if to is None else await _find_obstacle(context, to)
    if to is None or obstacle is not None:
        await _leave_out(context.unit, dues, obstacle or "member_gone")
        return
    selection = await select(context, dues)
    await repository.mark_unsent(context.unit, selection.left_out, status="skipped", now=context.now)
    for written in await write_mails(context, selection.told, to=to):
        await repository.mark_sent(context.unit, written.delivery_ids, mail_id=written.mail_id, now=context.now)


async def _find_obstacle(context: Context, to: Addressee) -> str | None:
    """Return the code of what keeps mail from a member; None where nothing does."""
    # Anybody can sign up with a stranger's address, and have their own notifications fill it.
    if not to.has_confirmed:
        return "email_not_confirmed"
    chosen = await find_chosen(context.unit, member_id=context.member_id)
    if chosen.paused_email == to.email:
        return "email_paused"
    if await _is_refused(context, to, since=chosen.resumed_at):
        await pause_email(context, email=to.email)
        return "email_paused"
    return None


async def _is_refused(context: Context, to: Addressee, *, since: datetime | None) -> bool:
    """Say whether the last mails in a row were refused because of the address."""
    last = await repository.list_last_mails(
        context.unit, member_id=context.member_id, since=since, limit=REFUSALS_BEFORE_PAUSE
    )
    if len(last) < REFUSALS_BEFORE_PAUSE:
        return False
    outcomes = await repository.find_outcomes(context.unit, last)
    refused = [
        one
        for one in outcomes.values()
        if one.email == to.email and one.status == "failed" and is_address_refused(one.error)
    ]
    return len(refused) == REFUSALS_BEFORE_PAUSE


async def _hand_to_whatsapp(context: Context, dues: Sequence[Due]) -> None:
    """Have each message sent by a job, for nothing that leaves the process is waited for here."""
    groups: dict[str, list[UUID]] = {}
    for due in dues:
        # What is critical goes by itself, what was held goes together, and the rest by thread.
        group = str(due.id) if due.is_critical else "" if due.is_gathered else due.thread
        groups.setdefault(group, []).append(due.id)
    for delivery_ids in groups.values():
        await repository.mark_sending(context.unit, delivery_ids, now=context.now)
        facts = {"member_id": str(context.member_id), "delivery_ids": [str(one) for one in delivery_ids]}
        # What was thought to be lost, and was not, is not sent by two jobs at once.
        workflow_id = f"whatsapp:{delivery_ids[0]}"
        await dispatch(context.unit, SEND_WHATSAPP, facts, workspace=context.workspace_id, workflow_id=workflow_id)
