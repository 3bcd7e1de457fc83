"""Who may see events about views: shared ones whoever sees the recordset, personal ones their owner alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fostr.domains.records.seeing.registering import register_seeing
from fostr.domains.records.seeing.repository import list_views
from fostr.domains.records.seeing.sight import Sight, find_fact, look_at, states_of
from fostr.kernel.events.visibility import Seen

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

    from fostr.kernel.events.consumers import Event
    from fostr.kernel.http.context import Context

SHARED = "shared"


async def view_shared(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    """Return what readers may know of events about views that are shared now, or were when they were deleted."""
    return await _view(context, events, owner_id=None)


async def view_own(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    """Return what readers may know of events about views that are their own."""
    return await _view(context, events, owner_id=context.member_id)


async def _view(context: Context, events: Sequence[Event], *, owner_id: UUID | None) -> list[Seen | None]:
    sight = await look_at(context, events)
    rows = await list_views(context.unit, {event.entity_id for event in events})
    return [_see(sight, event, rows.get(event.entity_id), owner_id=owner_id) for event in events]


def _see(sight: Sight, event: Event, row: asyncpg.Record | None, *, owner_id: UUID | None) -> Seen | None:
    recordset_id = find_fact(event, "recordset_id")
    reached = sight.find_recordset(recordset_id)
    if reached is None and not (sight.sees_gone and recordset_id not in sight.recordsets):
        return None
    if row is not None and not _is_open(row["visibility"], row["owner_id"], owner_id):
        return None
    before, after = _open_state(event.before, owner_id), _open_state(event.after, owner_id)
    if before is None and after is None:
        return None
    return Seen(
        event=replace(event, before=before, after=after),
        name=(after or before or {}).get("name") if row is None else row["name"],
        scope_id=recordset_id,
        scope_name=None if reached is None else reached.recordset.name,
    )


def _open_state(state: dict[str, Any] | None, owner_id: UUID | None) -> dict[str, Any] | None:
    """Return what an event tells of a view as it was, unless it was somebody else's own then."""
    if state is None or not _is_open(state["visibility"], state["owner_id"], owner_id):
        return None
    return state


def _is_open(visibility: str, owner: UUID | str | None, owner_id: UUID | None) -> bool:
    return visibility == SHARED or (owner_id is not None and str(owner) == str(owner_id))


def _owners(event: Event) -> list[UUID]:
    return [UUID(state["owner_id"]) for state in states_of(event) if state["owner_id"] is not None]


register_seeing("view", view=view_shared, category="workspace", concerns=_owners, view_own=view_own)
