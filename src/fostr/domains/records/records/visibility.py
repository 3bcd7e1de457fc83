"""Who may see events about records: whoever may see the record now, and of its values those that they may know."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fostr.domains.records.seeing.facts import tell_record
from fostr.domains.records.seeing.registering import register_seeing
from fostr.domains.records.seeing.sight import Sight, find_fact, find_told, look_at
from fostr.kernel.events.visibility import Seen

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from fostr.domains.records.recordsets.reach import Reached
    from fostr.kernel.events.consumers import Event
    from fostr.kernel.http.context import Context


async def view_records(context: Context, events: Sequence[Event], *, since: UUID | None = None) -> list[Seen | None]:
    """Return what a reader may know of events about records.

    Of a record in the trash, those who saw it may know what happened to it; what is in it, only who may take it out
    again. What was deleted for good, alone or with its recordset, is for administrators, as is what lies in a recordset
    in the trash.

    Args:
        context: the reader.
        events: about records.
        since: the event that they were expanded from, if they were.
    """
    sight = await look_at(context, events, records=[event.entity_id for event in events])
    return [_see(sight, event, since=since or event.id) for event in events]


def _see(sight: Sight, event: Event, *, since: UUID) -> Seen | None:
    recordset_id = find_fact(event, "recordset_id")
    reached = None if recordset_id is None else sight.recordsets.get(recordset_id)
    record = sight.records.get(event.entity_id)
    is_gone = record is None or reached is None or reached.recordset.deleted
    if is_gone and not sight.sees_gone:
        return None
    if not is_gone and sight.find_record(event.entity_id) is None:
        return None
    before, after = (
        None if state is None else tell_record(sight, reached, state, record=record, since=since)
        for state in (event.before, event.after)
    )
    told = replace(event, before=before, after=after)
    return Seen(
        event=told,
        # What is gone for good has no other name than the one that the event tells.
        name=sight.find_title(event.entity_id) if record is not None else find_told(told, "title"),
        scope_id=recordset_id,
        scope_name=None if reached is None else reached.recordset.name,
        record_id=event.entity_id,
        labels={} if reached is None else _label(reached, told),
    )


def _label(reached: Reached, event: Event) -> dict[str, str]:
    """Return the names of the fields whose values an event tells, where it tells of a change."""
    if event.before is None or event.after is None:
        return {}
    keys = {key for state in (event.before, event.after) for key in state.get("field_values") or ()}
    return {f"field_values.{key}": reached.recordset.by_key[key].name for key in keys & reached.recordset.by_key.keys()}


register_seeing("record", view=view_records)
