"""What of that which is due waits after all: for the end of quiet hours, or because its thread was told of just now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.domains.notifications.deliveries import repository
from fostr.domains.notifications.deliveries.planning import have_delivered
from fostr.domains.notifications.deliveries.rules import THREAD_PAUSE, Slot
from fostr.domains.notifications.quiet_hours.rules import quiet_until

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from fostr.domains.notifications.deliveries.repository import Due
    from fostr.kernel.http.context import Context


async def hold_back(context: Context, dues: Sequence[Due], *, until: datetime) -> list[Due]:
    """Return what of a member's may leave now, and have the rest wait; what is critical waits for nothing.

    When it was planned, quiet hours had not begun or were not chosen, and of a thread nothing had left: things that
    happen at the same moment are planned beside each other, by transactions that do not see one another.

    Args:
        context: the member's.
        dues: what is due; nobody else delivers to the member until the transaction ends.
        until: the moment by which it is due.
    """
    now = max(context.now, until)
    slots = await _hold_quiet(context, dues, now=now) or await _hold_threads(context, dues, now=now)
    for slot in set(slots.values()):
        await repository.move(context.unit, [one for one, wanted in slots.items() if wanted == slot], to=slot)
    await have_delivered(context.unit, [slot.due_at for slot in slots.values()], now=now)
    return [due for due in dues if due.id not in slots]


async def _hold_quiet(context: Context, dues: Sequence[Due], *, now: datetime) -> dict[UUID, Slot]:
    """Return what waits for the end of quiet hours: it comes late, or came before its member chose them."""
    choices = (await repository.find_choices(context.unit, member_ids=[context.member_id]))[context.member_id]
    held_until = None if choices.quiet is None else quiet_until(choices.quiet, now)
    if held_until is None:
        return {}
    return {due.id: Slot(held_until, is_gathered=True) for due in dues if not due.is_critical}


async def _hold_threads(context: Context, dues: Sequence[Due], *, now: datetime) -> dict[UUID, Slot]:
    left = await repository.find_left(context.unit, member_id=context.member_id, since=now - THREAD_PAUSE)
    return {
        due.id: Slot(left[due.channel, due.thread] + THREAD_PAUSE, is_gathered=False)
        for due in dues
        if not (due.is_critical or due.is_gathered) and (due.channel, due.thread) in left
    }
