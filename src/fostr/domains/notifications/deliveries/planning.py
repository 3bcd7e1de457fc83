"""Plan what leaves the product: in the transaction that tells members, before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from fostr.domains.notifications.deliveries import repository
from fostr.domains.notifications.deliveries.rules import CHANNELS, Choices, Latest, choose_slot
from fostr.kernel import clock
from fostr.kernel.ids import new_id
from fostr.kernel.jobs.dispatch import dispatch

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from fostr.domains.notifications.deliveries.rules import Channel, Slot
    from fostr.kernel.db.unit import Unit

DELIVER: Final = "notifications.deliver"


@dataclass(frozen=True, slots=True)
class Planned:
    """A notification that is to leave the product.

    Attributes:
        notification_id: its row.
        member_id: whom it is for.
        type: the name of its type.
        is_critical: whether it passes through digest and quiet hours.
        email: whether it goes out by mail.
        whatsapp: whether it goes out by WhatsApp.
    """

    notification_id: UUID
    member_id: UUID
    type: str
    is_critical: bool
    email: bool
    whatsapp: bool

    @property
    def channels(self) -> list[Channel]:
        """The ways on which it leaves."""
        wanted: dict[Channel, bool] = {"email": self.email, "whatsapp": self.whatsapp}
        return [channel for channel in CHANNELS if wanted[channel]]


async def plan_deliveries(unit: Unit, *, planned: Sequence[Planned]) -> None:
    """Note when notifications leave the product, and on which ways, and have that happen.

    It becomes part of the caller's transaction, and takes a constant number of statements whatever their number. What
    is planned already is left as it is, so an event that is handed over twice is sent once.

    Args:
        unit: bound to the workspace; the rows of the notifications are in it already.
        planned: what the members want to have sent; those without a channel are left out.
    """
    wanted: list[tuple[Planned, Channel]] = [(one, channel) for one in planned for channel in one.channels]
    if not wanted:
        return
    now = clock.now()
    members = list({one.member_id for one, _ in wanted})
    choices = await repository.find_choices(unit, member_ids=members)
    threads = await repository.find_threads(unit, notification_ids=list({one.notification_id for one, _ in wanted}))
    latest = await repository.list_latest(unit, member_ids=members, now=now)
    rows: list[dict[str, object]] = []
    for one, channel in wanted:
        key = (one.member_id, channel, threads[one.notification_id])
        slot = choose_slot(
            choices.get(one.member_id, Choices()),
            channel,
            is_critical=one.is_critical,
            latest=latest.get(key),
            now=now,
        )
        if not (one.is_critical or slot.is_gathered):
            latest[key] = Latest(slot.due_at, is_waiting=True)
        rows.append(_row(one, channel, thread=key[2], slot=slot, now=now))
    await have_delivered(unit, await repository.insert_deliveries(unit, rows), now=now)


async def plan_anew(unit: Unit, *, member_id: UUID, now: datetime) -> None:
    """Have what waits for a member follow what they have chosen just now; what is critical waits for nothing.

    What was gathered goes out together, whatever they chose, and not as many mails at once.
    """
    choices = (await repository.find_choices(unit, member_ids=[member_id])).get(member_id, Choices())
    moments: list[datetime] = []
    for channel in CHANNELS:
        slot = choose_slot(choices, channel, is_critical=False, latest=None, now=now)
        if await repository.move_waiting(unit, member_id=member_id, channel=channel, slot=slot):
            moments.append(slot.due_at)
    await have_delivered(unit, moments, now=now)


async def have_delivered(unit: Unit, moments: Iterable[datetime], *, now: datetime) -> None:
    """Dispatch what delivers at some moments, once for each."""
    distinct = set(moments)
    if any(moment <= now for moment in distinct):
        await _dispatch(unit, now, now=now)
    for moment in sorted(moment for moment in distinct if moment > now):
        if await repository.claim_moment(unit, due_at=moment):
            await _dispatch(unit, moment, now=now)


async def _dispatch(unit: Unit, due_at: datetime, *, now: datetime) -> None:
    await dispatch(unit, DELIVER, {"due_at": due_at.isoformat()}, workspace=unit.workspace, delay=due_at - now)


def _row(one: Planned, channel: Channel, *, thread: str, slot: Slot, now: datetime) -> dict[str, object]:
    return {
        "id": new_id(),
        "notification_id": one.notification_id,
        "member_id": one.member_id,
        "channel": channel,
        "thread": thread,
        "is_critical": one.is_critical,
        "is_gathered": slot.is_gathered,
        "due_at": slot.due_at,
        "created_at": now,
    }
