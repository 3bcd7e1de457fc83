"""Who may see events about roles: whoever may see what each role allows, and of their own role everybody."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fostr.domains.workspaces.permissions import VIEW_MEMBERS, VIEW_ROLES
from fostr.domains.workspaces.roles.rules import role_id
from fostr.kernel.events.visibility import Seen, Visibility, facts_of, register_visibility

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.kernel.events.consumers import Event
    from fostr.kernel.http.context import Context


async def view_roles(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    """Return what a reader may know of events about roles."""
    return [_see(context, event) for event in events]


def _see(context: Context, event: Event) -> Seen | None:
    access = context.access
    is_own = event.entity_id == role_id(access.workspace_id, access.role)
    if not access.has(VIEW_ROLES) and not is_own:
        return None
    if not access.has(VIEW_MEMBERS) or not access.has(VIEW_ROLES):
        event = replace(event, before=_without_holders(event.before), after=_without_holders(event.after))
    facts = facts_of(event)
    name = facts.get("name") or facts.get("key")
    return Seen(event=event, name=name, scope_id=event.entity_id, scope_name=name)


def _without_holders(state: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if state is None else {key: value for key, value in state.items() if key != "member_ids"}


async def view_own(_: Context, events: Sequence[Event]) -> list[Seen | None]:
    """Return to those who got another role together with others that they did; who the others are, it does not say."""
    return [
        Seen(event=replace(event, before=_without_holders(event.before), after=_without_holders(event.after)))
        for event in events
    ]


def _concerned(event: Event) -> list[UUID]:
    return [UUID(one) for one in (event.after or {}).get("member_ids", ())]


register_visibility(Visibility("role", category="user", view=view_roles, concerns=_concerned, view_own=view_own))
