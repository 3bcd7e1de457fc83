"""Who may see events about comments: whoever may see the record. What a deleted comment said is told to nobody."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fostr.domains.records.seeing.belonging import view_belonging
from fostr.domains.records.seeing.registering import register_seeing
from fostr.domains.records.seeing.repository import list_living_comments

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from fostr.kernel.events.consumers import Event
    from fostr.kernel.events.visibility import Seen
    from fostr.kernel.http.context import Context


async def view_comments(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    """Return what a reader may know of events about comments."""
    seen = await view_belonging(context, events)
    told = {one.event.entity_id for one in seen if one is not None}
    living: set[UUID] = await list_living_comments(context.unit, told) if told else set()
    return [one if one is None or one.event.entity_id in living else _without_text(one) for one in seen]


def _without_text(seen: Seen) -> Seen:
    event = seen.event
    return replace(seen, event=replace(event, before=_cut(event.before), after=_cut(event.after)))


def _cut(state: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if state is None else {name: value for name, value in state.items() if name != "text"}


register_seeing("comment", view=view_comments)
