"""Read the log for a webhook: what its owner may see of it becomes messages, enqueued in the order of the log.

The place up to which it was read is kept with what was enqueued, in one transaction. An event that stands for many
things is read part by part, over as many transactions as it takes; nothing of it is kept in memory or enqueued before
its turn.

An event of which nobody can say what it tells, by a fault of ours, is put by, for people to see; it must not hold up
all that follow it.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import asyncpg
import structlog

from fostr.domains.webhooks.deliveries.matching import is_divided, read_types, wants
from fostr.domains.webhooks.deliveries.repository import deliveries, lanes
from fostr.domains.webhooks.deliveries.rules import PROBE_EVERY
from fostr.domains.webhooks.messages import compose_body
from fostr.kernel.events.log import BEGINNING, find_end, find_event, find_position, find_settled, read_log
from fostr.kernel.events.visibility import Seen, expand_seen, see_events
from fostr.kernel.ids import new_ids

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from fostr.domains.webhooks.deliveries.repository.lanes import Lane
    from fostr.domains.webhooks.webhooks.repository import StoredWebhook
    from fostr.kernel.events.consumers import Event
    from fostr.kernel.http.context import Context

log = structlog.get_logger(__name__)

NOT_ITS_FAULT: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
"""What goes wrong with the database, or takes too long, says nothing about an event: the job is tried again."""

UNREADABLE: Final = "an event cannot be told by webhooks"

EVENTS_AT_ONCE: Final = 100
PARTS_AT_ONCE: Final = 500
"""Parts of events that stand for many things, which one transaction looks at."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What was read of the log.

    Attributes:
        count: messages that were enqueued.
        more: whether more may follow at once.
    """

    count: int = 0
    more: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A message that is to be enqueued: what it says, of what, made of which event."""

    event: Event
    seen: Seen
    body: str


@dataclass(slots=True)
class _Walk:
    """What was found so far, where the walk stands, and how many parts of events it may still look at."""

    event_id: UUID
    message_id: UUID | None
    room: int
    found: list[Found] = field(default_factory=list["Found"])
    unreadable: list[Event] = field(default_factory=list["Event"])

    def put_by(self, event: Event) -> None:
        """Go on behind an event of which nothing can be told."""
        self.unreadable.append(event)
        self.event_id, self.message_id = event.id, None


async def read_on(context: Context, webhook: StoredWebhook, lane: Lane, *, is_probe: bool = False) -> Stretch:
    """Enqueue what comes next in the log.

    Args:
        context: the webhook's owner, in the transaction of which it becomes part.
        webhook: for which it is read.
        lane: how far it has read.
        is_probe: whether one message is all that is wanted, and the next only after a while.
    """
    unit, limit = context.unit, 1 if is_probe else EVENTS_AT_ONCE
    if lane.event_id is None:
        return Stretch()
    place = await find_position(unit, lane.event_id) or BEGINNING
    settled, types = await find_settled(unit), read_types(tuple(webhook.event_types))
    end = await find_end(unit, settled=settled)
    part = await read_log(unit, after=place, settled=settled, limit=limit, types=types)
    walk = _Walk(lane.event_id, lane.message_id, room=1 if is_probe else PARTS_AT_ONCE)
    more = not await _walk(context, webhook, walk, part.events) or part.has_more
    if not more:
        walk.event_id = max(end, part.end).event_id
    probe_at = context.now + PROBE_EVERY if is_probe and walk.found else None
    await _keep(context, webhook, lane, walk, probe_at)
    return Stretch(count=len(walk.found), more=more)


async def _walk(context: Context, webhook: StoredWebhook, walk: _Walk, events: Sequence[Event]) -> bool:
    """Look at events in their order; say whether all of them were looked at to their end."""
    whole: list[Event] = []
    for event in events:
        if not is_divided(webhook, event):
            whole.append(event)
            continue
        await _see(context, webhook, walk, whole)
        whole = []
        if not await _divide(context, webhook, walk, event):
            return False
    await _see(context, webhook, walk, whole)
    return True


async def _see(context: Context, webhook: StoredWebhook, walk: _Walk, events: Sequence[Event]) -> None:
    if not events:
        return
    try:
        seen = await see_events(context, events)
        told = [_tell(webhook, *pair) for pair in zip(events, seen, strict=True)]
    except NOT_ITS_FAULT:
        raise
    except Exception:
        if len(events) == 1:
            log.exception(UNREADABLE, event_id=str(events[0].id), type=events[0].type)
            walk.put_by(events[0])
            return
        for event in events:
            await _see(context, webhook, walk, [event])
        return
    walk.found += [one for one in told if one is not None]
    walk.event_id, walk.message_id = events[-1].id, None


def _tell(webhook: StoredWebhook, event: Event, seen: Seen | None) -> Found | None:
    """Return the message by which a webhook is told what its owner may see of an event; none where it is not."""
    if seen is None or not wants(webhook, seen):
        return None
    return Found(event, seen, compose_body(seen, payload=webhook.payload).decode())


async def _divide(context: Context, webhook: StoredWebhook, walk: _Walk, event: Event) -> bool:
    """Look at the parts of an event; say whether at all of them."""
    try:
        return await _see_parts(context, webhook, walk, event)
    except NOT_ITS_FAULT:
        raise
    except Exception:
        log.exception(UNREADABLE, event_id=str(event.id), type=event.type)
        walk.put_by(event)
        return True


async def _see_parts(context: Context, webhook: StoredWebhook, walk: _Walk, event: Event) -> bool:
    async with aclosing(expand_seen(context, event, after=walk.message_id)) as parts:
        async for seen in parts:
            if walk.room == 0:
                return False
            walk.room -= 1
            walk.message_id = seen.event.id
            told = _tell(webhook, event, seen)
            walk.found += [] if told is None else [told]
    walk.event_id, walk.message_id = event.id, None
    return True


async def _keep(context: Context, webhook: StoredWebhook, lane: Lane, walk: _Walk, probe_at: datetime | None) -> None:
    if walk.unreadable:
        await deliveries.insert_unreadable(context.unit, webhook.id, walk.unreadable, now=context.now)
    if walk.found:
        rows = _compose(walk, first_seq=lane.last_seq + 1)
        epoch = context.access.rights_epoch
        await deliveries.insert_deliveries(context.unit, webhook.id, rows, rights_epoch=epoch, now=context.now)
    elif (walk.event_id, walk.message_id, probe_at) == (lane.event_id, lane.message_id, lane.probe_at):
        return
    await lanes.save_place(
        context.unit,
        webhook.id,
        event_id=walk.event_id,
        message_id=walk.message_id,
        last_seq=lane.last_seq + len(walk.found),
        probe_at=probe_at,
    )


def _compose(walk: _Walk, *, first_seq: int) -> list[dict[str, Any]]:
    return [
        {
            "id": delivery_id,
            "message_id": found.seen.event.id,
            "event_id": found.event.id,
            "type": found.seen.event.type,
            "body": found.body,
            "seq": seq,
        }
        for seq, (delivery_id, found) in enumerate(
            zip(new_ids(len(walk.found)), walk.found, strict=True), start=first_seq
        )
    ]


async def find_seen(context: Context, event_id: UUID, message_id: UUID) -> Seen | None:
    """Return what a member may see now of what a message tells of, or nothing, where that cannot be said either.

    Args:
        context: the member.
        event_id: the event that the message was made of.
        message_id: that of the event, or of a part of it.
    """
    event = await find_event(context.unit, event_id)
    if event is None:
        return None
    try:
        return await _see_again(context, event, message_id)
    except NOT_ITS_FAULT:
        raise
    except Exception:
        log.exception(UNREADABLE, event_id=str(event_id), type=event.type)
        return None


async def _see_again(context: Context, event: Event, message_id: UUID) -> Seen | None:
    if message_id == event.id:
        [seen] = await see_events(context, [event])
        return seen
    # The parts come in the order of their ids: the one is next behind the place just before it.
    async with aclosing(expand_seen(context, event, after=UUID(int=message_id.int - 1))) as parts:
        async for seen in parts:
            return seen if seen.event.id == message_id else None
    return None
