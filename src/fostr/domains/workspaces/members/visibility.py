"""Who may see events about members: whoever may see who is in the workspace, and what only some may do, those.

Each member sees what happened to themselves. Of somebody whose account was deleted for good, or whose invitation was
withdrawn, nobody is told any more who it was: no list of members tells that either.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from fostr.domains.workspaces import events as names
from fostr.domains.workspaces.members.repository import list_known
from fostr.domains.workspaces.permissions import INVITE_MEMBERS, REMOVE_MEMBERS, RESET_PASSWORDS, VIEW_MEMBERS
from fostr.kernel.events.visibility import Seen, Visibility, register_visibility

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.kernel.events.consumers import Event
    from fostr.kernel.http.context import Context

_NEEDED: Final = {
    **dict.fromkeys(
        (
            names.MEMBER_ADDED,
            names.MEMBER_INVITED,
            names.MEMBER_UPDATED,
            names.MEMBER_DEACTIVATED,
            names.MEMBER_REACTIVATED,
            names.MEMBER_REMOVED,
            names.MEMBER_DELETED,
        ),
        VIEW_MEMBERS,
    ),
    names.MEMBER_INVITATION_SENT: INVITE_MEMBERS,
    names.MEMBER_PASSWORD_RESET_SENT: RESET_PASSWORDS,
}
"""The permission that each type needs; all others tell what belonged to somebody, which is for who hands it over."""

_FOR_NOBODY_ELSE: Final = frozenset({names.MEMBER_TOURS_CHANGED})
"""Types that only the member may know of: nothing else shows others through which tours they have been."""
_FOR_WHO_SENT: Final = frozenset({names.MEMBER_INVITATION_SENT, names.MEMBER_PASSWORD_RESET_SENT})

PERSONAL: Final = ("user_id", "email", "full_name", "display_name", "title", "avatar_url")


async def view_members(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    """Return what a reader may know of events about members."""
    allowed = [
        event.type not in _FOR_NOBODY_ELSE and context.access.has(_NEEDED.get(event.type, REMOVE_MEMBERS))
        for event in events
    ]
    return await _see(context, events, allowed)


async def view_own(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    """Return what happened to readers themselves, or was handed over to them."""
    allowed = [event.type not in _FOR_WHO_SENT and context.member_id in concerned(event) for event in events]
    return await _see(context, events, allowed)


def concerned(event: Event) -> list[UUID]:
    """Return the member whom an event is about, and the one to whom something was handed over by it."""
    receiver = (event.after or {}).get("to_member_id")
    return [event.entity_id] if receiver is None else [event.entity_id, UUID(receiver)]


async def _see(context: Context, events: Sequence[Event], allowed: Sequence[bool]) -> list[Seen | None]:
    ids = {event.entity_id for event, is_allowed in zip(events, allowed, strict=True) if is_allowed}
    known = await list_known(context.unit, member_ids=ids) if ids else {}
    return [
        _tell(event, name=known.get(event.entity_id)) if is_allowed else None
        for event, is_allowed in zip(events, allowed, strict=True)
    ]


def _tell(event: Event, *, name: str | None) -> Seen:
    if name is None:
        event = replace(event, before=_anonymous(event.before), after=_anonymous(event.after))
    return Seen(event=event, name=name, scope_id=event.entity_id, scope_name=name)


def _anonymous(state: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if state is None else {key: value for key, value in state.items() if key not in PERSONAL}


register_visibility(Visibility("member", category="user", view=view_members, concerns=concerned, view_own=view_own))
