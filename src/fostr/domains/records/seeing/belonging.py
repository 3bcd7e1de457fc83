"""Events about what belongs to a record: whoever may see the record may know of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from fostr.domains.records.seeing.sight import Sight, find_fact, look_at
from fostr.kernel.events.visibility import Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fostr.domains.records.recordsets.reach import Reached
    from fostr.kernel.events.consumers import Event
    from fostr.kernel.http.context import Context

MayKnow: TypeAlias = "Callable[[Reached, Event], bool]"


async def view_belonging(
    context: Context, events: Sequence[Event], *, may_know: MayKnow | None = None
) -> list[Seen | None]:
    """Return what a reader may know of events whose facts name the record to which their thing belongs.

    What belongs to a record in the trash is for who may take it out again, and what belonged to one that was deleted
    for good is for administrators.

    Args:
        context: the reader.
        events: about such things.
        may_know: asked once more of each event; where the recordset is gone, only owners may know, from whom nothing
            was ever hidden.
    """
    records = [found for event in events if (found := find_fact(event, "record_id")) is not None]
    sight = await look_at(context, events, records=records)
    return [_see(sight, event, may_know=may_know) for event in events]


def _see(sight: Sight, event: Event, *, may_know: MayKnow | None) -> Seen | None:
    record_id, recordset_id = find_fact(event, "record_id"), find_fact(event, "recordset_id")
    if record_id is None or recordset_id is None:
        return None
    reached, record = sight.recordsets.get(recordset_id), sight.records.get(record_id)
    is_gone = record is None or reached is None or reached.recordset.deleted
    if is_gone and not sight.sees_gone:
        return None
    if not is_gone and not sight.is_open(record_id):
        return None
    if may_know is not None and not _is_open(sight, reached, event, may_know=may_know):
        return None
    return Seen(
        event=event,
        name=sight.find_title(record_id),
        scope_id=recordset_id,
        scope_name=None if reached is None else reached.recordset.name,
        record_id=record_id,
    )


def _is_open(sight: Sight, reached: Reached | None, event: Event, *, may_know: MayKnow) -> bool:
    return sight.context.access.base_role == "owner" if reached is None else may_know(reached, event)
