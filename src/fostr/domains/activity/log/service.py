"""Read the outbox for a caller: in order, from where they have come, and only what they may see."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from fostr.domains.activity.log.errors import EventsGone
from fostr.domains.activity.log.schemas import LATEST, EventActor, EventCause, EventItem, EventPage, EventTypeInfo
from fostr.domains.webhooks.public import list_sent_types
from fostr.kernel.events.asking import read_types
from fostr.kernel.events.catalogue import list_event_types
from fostr.kernel.events.log import BEGINNING, find_end, find_position, find_settled, read_log, scan_log
from fostr.kernel.events.visibility import category_of, see_events

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.domains.activity.log.schemas import EventQuery
    from fostr.kernel.events.consumers import Position
    from fostr.kernel.events.log import Part
    from fostr.kernel.events.visibility import Seen
    from fostr.kernel.http.context import Context

LOOKED_AT: Final = 4
"""Events that a request looks at, for each that is wanted, to find some that the caller may see."""
LEAST_LOOKED_AT: Final = 100
SCANNED: Final = 5000
"""Places of the log that a request goes over in search of the types that are wanted."""


async def list_events(context: Context, asked: EventQuery) -> EventPage:
    """Return a part of what happened, as far as the caller may see it.

    Raises:
        EventTypeUnknown: the filters name what does not exist.
        EventsGone: the event to go on from is not in the log.
    """
    types = read_types(asked.types, entity=asked.entity)
    if asked.after == LATEST:
        return EventPage(
            items=[],
            next=_shown(await find_end(context.unit, settled=await find_settled(context.unit))),
            has_more=False,
        )
    part = await _read(context, asked, after=await _find_start(context, asked.after), types=types)
    seen = await see_events(context, part.events)
    found = [place for place, one in enumerate(seen) if one is not None and _is_within(one, asked.recordset_id)]
    taken = found[: asked.limit]
    is_cut = len(found) > len(taken)
    return EventPage(
        items=[_item(one) for place in taken if (one := seen[place]) is not None],
        next=_shown(part.positions[taken[-1]] if is_cut else part.end),
        has_more=is_cut or part.has_more,
    )


async def _find_start(context: Context, after: UUID | str | None) -> Position:
    if after is None or isinstance(after, str):
        return BEGINNING
    position = await find_position(context.unit, after)
    if position is None:
        raise EventsGone
    return position


async def _read(context: Context, asked: EventQuery, *, after: Position, types: frozenset[str] | None) -> Part:
    limit = max(LEAST_LOOKED_AT, LOOKED_AT * asked.limit)
    settled = await find_settled(context.unit)
    if types is None:
        return await read_log(context.unit, after=after, settled=settled, limit=limit)
    return await scan_log(context.unit, after=after, settled=settled, budget=SCANNED, limit=limit, types=types)


def _is_within(seen: Seen, recordset_id: UUID | None) -> bool:
    return recordset_id is None or seen.scope_id == recordset_id


def _shown(position: Position) -> UUID | None:
    return None if position == BEGINNING else position.event_id


def _item(seen: Seen) -> EventItem:
    event = seen.event
    fields = ("id", "type", "version", "entity", "entity_id", "before", "after", "created_at")
    return EventItem(
        **{field: getattr(event, field) for field in fields},
        name=seen.name,
        scope_id=seen.scope_id,
        scope_name=seen.scope_name,
        record_id=seen.record_id,
        actor=EventActor(**{field: event.actor.get(field) for field in EventActor.model_fields}),
        cause=_cause(event.cause),
    )


def _cause(cause: dict[str, Any] | None) -> EventCause | None:
    return None if cause is None else EventCause(kind=cause["kind"], id=cause.get("id"), count=cause.get("count"))


@cache
def describe_types() -> list[EventTypeInfo]:
    """Return every type of event, as the program declares it."""
    sent = frozenset(list_sent_types())
    return [
        EventTypeInfo(
            name=one.name,
            version=one.version,
            entity=one.entity,
            category=category_of(one.entity),
            summary=one.summary,
            is_sent_to_webhooks=one.name in sent,
            payload_schema=None if one.schema is None else one.schema.model_json_schema(),
        )
        for one in list_event_types()
    ]
