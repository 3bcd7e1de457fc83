"""Who may see events about impersonations: whoever may see who of the installation acted in the name of members.

The member in whose name somebody acts is told of it, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from fostr.domains.identity.impersonation.events import ENDED
from fostr.domains.identity.permissions import VIEW_IMPERSONATIONS
from fostr.kernel.events.visibility import Seen, Visibility, register_visibility

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.kernel.events.consumers import Event
    from fostr.kernel.http.context import Context


async def view_impersonations(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    """Return events about impersonations, each with the name of who acted."""
    if not context.access.has(VIEW_IMPERSONATIONS):
        return [None] * len(events)
    return await view_own(context, events)


async def view_own(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    """Return the same to the members in whose name somebody acts."""
    del context
    return [_seen(event) for event in events]


def _seen(event: Event) -> Seen:
    name = (event.after or {}).get("acting_name")
    # Who asks and begins is that person themselves, who is no member; others may end it.
    is_own = event.type != ENDED or event.actor.get("acting_as") is not None
    return Seen(event=event, name=name, done_by=name if is_own else None)


def _whose_name(event: Event) -> list[UUID]:
    return [UUID((event.after or {})["member_id"])]


register_visibility(
    Visibility("impersonation", category="user", view=view_impersonations, concerns=_whose_name, view_own=view_own)
)
