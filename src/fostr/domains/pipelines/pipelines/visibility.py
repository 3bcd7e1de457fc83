"""Who may see events about pipelines: whoever may see pipelines, the recordset, and the field of its stages."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from fostr.domains.pipelines.modules import PIPELINES
from fostr.domains.pipelines.permissions import VIEW_PIPELINE
from fostr.domains.records.public import find_known_recordsets
from fostr.kernel.events.visibility import Seen, Visibility, facts_of, register_visibility
from fostr.kernel.modules import is_enabled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.domains.records.public import KnownRecordset
    from fostr.kernel.events.consumers import Event
    from fostr.kernel.http.context import Context


async def view_pipelines(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    """Return what a reader may know of events about pipelines."""
    access = context.access
    if not access.has(VIEW_PIPELINE) or not is_enabled(PIPELINES, access.switched_modules):
        return [None] * len(events)
    known = await find_known_recordsets(context, {_recordset_id(event) for event in events})
    return [_see(event, known.get(_recordset_id(event))) for event in events]


def _recordset_id(event: Event) -> UUID:
    return UUID(facts_of(event)["recordset_id"])


def _see(event: Event, recordset: KnownRecordset | None) -> Seen | None:
    facts = facts_of(event)
    if recordset is None or facts["stage_field"] not in recordset.fields:
        return None
    return Seen(event=event, name=facts["name"], scope_id=recordset.id, scope_name=recordset.name)


register_visibility(Visibility("pipeline", category="record", view=view_pipelines))
