"""Who may see what happens to webhooks: those who manage them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.domains.webhooks.permissions import MANAGE_WEBHOOKS
from fostr.kernel.events.visibility import Seen, Visibility, facts_of, register_visibility

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.kernel.events.consumers import Event
    from fostr.kernel.http.context import Context


async def _see(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    may_see = context.access.has(MANAGE_WEBHOOKS)
    return [_tell(event) if may_see else None for event in events]


def _tell(event: Event) -> Seen:
    name = facts_of(event).get("name")
    return Seen(event, name=name, scope_id=event.entity_id, scope_name=name)


register_visibility(Visibility(entity="webhook", category="integration", view=_see))
