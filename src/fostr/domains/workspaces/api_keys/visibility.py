"""Who may see events about API keys: whoever manages them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.domains.workspaces.permissions import MANAGE_API_KEYS
from fostr.kernel.events.visibility import Seen, Visibility, facts_of, register_visibility

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.kernel.events.consumers import Event
    from fostr.kernel.http.context import Context


async def view_keys(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    """Return events about API keys to who manages them."""
    if not context.access.has(MANAGE_API_KEYS):
        return [None] * len(events)
    return [_seen(event) for event in events]


def _seen(event: Event) -> Seen:
    name = facts_of(event).get("name")
    return Seen(event=event, name=name, scope_id=event.entity_id, scope_name=name)


register_visibility(Visibility("api_key", category="workspace", view=view_keys))
