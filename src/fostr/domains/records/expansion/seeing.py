"""What a reader may know of each record that a bulk write touched, as if each had been written alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.expansion.service import RecordChange, expand_event, is_bulk
from fostr.domains.records.records.visibility import view_records
from fostr.kernel.events.catalogue import get_event_type
from fostr.kernel.events.consumers import Event
from fostr.kernel.events.visibility import Seen, expand_seen, see_events

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from uuid import UUID

    from fostr.kernel.http.context import Context

SEEN_AT_ONCE: Final = 500

_TYPES: Final = {
    "create": "record.created",
    "update": "record.updated",
    "delete": "record.deleted",
    "restore": "record.restored",
}
_NOT_EXPANDED: Final = frozenset({"records.purged", "recordset.resynced"})
"""Types that count records of which nothing is told one by one: they are gone, or did not change for people."""


def expand_bulk(context: Context, event: Event, after: UUID | None) -> AsyncGenerator[Seen] | None:
    """Return what yields the changes of the records that an event stands for; None where it stands for itself."""
    if not is_bulk(event) or event.type in _NOT_EXPANDED:
        return None
    return _expand(context, event, after)


async def see_changes(context: Context, event: Event, *, after: UUID | None = None) -> AsyncGenerator[Seen]:
    """Yield what a reader may know of each record that a bulk event's write touched.

    Each is an event `record.created`, `record.updated`, `record.deleted` or `record.restored`, with the id of the
    entry in the record's history that tells of the same; only of records that the reader may see. An event of another
    kind yields nothing.

    Args:
        context: the reader.
        event: about a recordset.
        after: one of those events, by its id, behind which to go on.
    """
    if expand_bulk(context, event, None) is None:
        return
    async for seen in expand_seen(context, event, after=after):
        if seen.event.entity == "record":
            yield seen


async def _expand(context: Context, event: Event, after: UUID | None) -> AsyncGenerator[Seen]:
    [whole] = await see_events(context, [event])
    if whole is None:
        return
    part: list[Event] = []
    async for change in expand_event(context.unit, event, after=after):
        part.append(_as_event(change, event))
        if len(part) == SEEN_AT_ONCE:
            for seen in await _see(context, part, event):
                yield seen
            part = []
    for seen in await _see(context, part, event) if part else ():
        yield seen
    if event.type == "recordset.field_retyped" and (after is None or after < event.id):
        # It tells of the field as well, which no change of a record does. Its id is later than theirs.
        yield whole


async def _see(context: Context, part: Sequence[Event], event: Event) -> list[Seen]:
    return [seen for seen in await view_records(context, part, since=event.id) if seen is not None]


def _as_event(change: RecordChange, event: Event) -> Event:
    """Return what happened to one record, as the event would tell it that is written for one record alone."""
    cause = {name: value for name, value in (event.cause or {}).items() if name != "count"}
    is_new, is_gone = change.operation in {"create", "restore"}, change.operation == "delete"
    name, place = _TYPES[change.operation], {"recordset_id": str(change.recordset_id)}
    before: dict[str, Any] = {**place, "version": change.version - 1, **(change.before or {})}
    return Event(
        id=change.id,
        workspace_id=event.workspace_id,
        type=name,
        version=get_event_type(name).version,
        entity="record",
        entity_id=change.record_id,
        actor=event.actor,
        before=None if is_new else before,
        after=None if is_gone else {**place, "version": change.version, **change.after},
        cause=cause,
        created_at=event.created_at,
    )
