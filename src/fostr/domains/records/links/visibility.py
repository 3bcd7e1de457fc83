"""Who may see events about relationships: whoever may see the records at both ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.domains.records.seeing.registering import register_seeing
from fostr.domains.records.seeing.sight import Sight, find_fact, look_at
from fostr.kernel.events.visibility import Seen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.kernel.events.consumers import Event
    from fostr.kernel.http.context import Context

_ENDS = ("record_id", "related_record_id")


async def view_relationships(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    """Return what a reader may know of events about relationships."""
    ends = {found for event in events for name in _ENDS if (found := find_fact(event, name)) is not None}
    sight = await look_at(context, events, named=("recordset_id", "related_recordset_id"), records=ends)
    return [_see(sight, event) for event in events]


def _see(sight: Sight, event: Event) -> Seen | None:
    ends = [find_fact(event, name) for name in _ENDS]
    for end in ends:
        if end is None:
            return None
        is_gone = end not in sight.records
        if not (sight.sees_gone if is_gone else sight.is_open(end)):
            return None
    recordset_id, record_id = find_fact(event, "recordset_id"), ends[0]
    reached = None if recordset_id is None else sight.recordsets.get(recordset_id)
    return Seen(
        event=event,
        name=None if record_id is None else sight.find_title(record_id),
        scope_id=recordset_id,
        scope_name=None if reached is None else reached.recordset.name,
        record_id=record_id,
    )


register_seeing("relationship", view=view_relationships)
