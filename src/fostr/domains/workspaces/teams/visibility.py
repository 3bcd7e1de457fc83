"""Who may see events about teams: whoever may see teams, and who is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from fostr.domains.workspaces.permissions import VIEW_TEAMS
from fostr.domains.workspaces.teams.repository import list_names
from fostr.kernel.events.visibility import Seen, Visibility, facts_of, register_visibility

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.kernel.events.consumers import Event
    from fostr.kernel.http.context import Context


async def view_teams(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    """Return what a reader may know of events about teams."""
    if not context.access.has(VIEW_TEAMS):
        return [None] * len(events)
    return await _see_all(context, events)


async def view_own(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    """Return that readers themselves came into teams, or left them."""
    return await _see_all(context, events)


async def _see_all(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    names = await list_names(context.unit, team_ids={event.entity_id for event in events})
    return [_seen(event, names.get(event.entity_id)) for event in events]


def _seen(event: Event, name: str | None) -> Seen:
    name = name or facts_of(event).get("name")
    return Seen(event=event, name=name, scope_id=event.entity_id, scope_name=name)


def _concerned(event: Event) -> list[UUID]:
    member_id = facts_of(event).get("member_id")
    return [] if member_id is None else [UUID(member_id)]


register_visibility(Visibility("team", category="user", view=view_teams, concerns=_concerned, view_own=view_own))
