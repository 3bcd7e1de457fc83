"""Who may see events about accounts: the person, and administrators of the workspaces that they are in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.kernel.events.visibility import Seen, Visibility, register_visibility

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from fostr.kernel.events.consumers import Event
    from fostr.kernel.http.context import Context


async def view_accounts(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    """Return events about accounts to administrators."""
    return [_seen(event) if context.access.is_administrator else None for event in events]


async def view_own(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    """Return events about the reader's own account; to nobody who acts in their name, out of whose reach it is."""
    principal = context.principal
    is_person = principal.acting_as is None
    return [_seen(event) if is_person and event.entity_id == principal.user_id else None for event in events]


def _seen(event: Event) -> Seen:
    return Seen(event=event, name=(event.after or {}).get("email"))


def _person(event: Event) -> list[UUID]:
    return [event.entity_id]


register_visibility(Visibility("account", category="user", view=view_accounts, concerns=_person, view_own=view_own))
