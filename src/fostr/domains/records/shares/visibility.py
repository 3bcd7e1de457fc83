"""Who may see events about share links: whoever may publish views of the recordset, and sees the view."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fostr.domains.records.seeing.registering import register_seeing
from fostr.domains.records.seeing.repository import list_views
from fostr.domains.records.seeing.sight import Sight, find_fact, look_at, parse_id
from fostr.kernel.events.visibility import Seen, facts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

    from fostr.domains.records.recordsets.reach import Reached
    from fostr.kernel.events.consumers import Event
    from fostr.kernel.http.context import Context


async def view_links(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    """Return what readers may know of events about the links of shared views."""
    return await _view(context, events, owner_id=None)


async def view_own(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    """Return what readers may know of events about the links of their personal views."""
    return await _view(context, events, owner_id=context.member_id)


async def _view(context: Context, events: Sequence[Event], *, owner_id: UUID | None) -> list[Seen | None]:
    sight = await look_at(context, events)
    views = await list_views(context.unit, {found for event in events if (found := find_fact(event, "view_id"))})
    return [_see(sight, event, views, owner_id=owner_id) for event in events]


def _see(sight: Sight, event: Event, views: dict[UUID, asyncpg.Record], *, owner_id: UUID | None) -> Seen | None:
    recordset_id, view_id = find_fact(event, "recordset_id"), find_fact(event, "view_id")
    reached = sight.find_recordset(recordset_id, "publish")
    if reached is None or view_id is None:
        return None
    view = views.get(view_id)
    if view is None:
        # The view is gone, and with it who might know of it.
        if not sight.sees_gone:
            return None
    elif view["visibility"] != "shared" and (owner_id is None or view["owner_id"] != owner_id):
        return None
    state = facts_of(event)
    return Seen(
        event=replace(event, before=_tell(reached, event.before), after=_tell(reached, event.after)),
        name=state.get("name"),
        scope_id=recordset_id,
        scope_name=reached.recordset.name,
    )


def _tell(reached: Reached, state: dict[str, Any] | None) -> dict[str, Any] | None:
    if state is None:
        return None
    known = reached.recordset.by_key.keys() - reached.mask.hidden
    return {**state, "fields": [key for key in state["fields"] if key in known]}


def _maker(event: Event) -> list[UUID]:
    member_id = parse_id(event.actor.get("member_id"))
    return [] if member_id is None else [member_id]


register_seeing("share_link", view=view_links, category="workspace", concerns=_maker, view_own=view_own)
