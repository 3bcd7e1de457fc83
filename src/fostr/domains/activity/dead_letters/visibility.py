"""Who may see what happens to dead letters: administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.domains.activity.dead_letters.events import ENTITY
from fostr.kernel.events.visibility import Seen, Visibility, facts_of, register_visibility

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.kernel.events.consumers import Event
    from fostr.kernel.http.context import Context


async def _view(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    may_see = context.access.is_administrator
    return [Seen(event, name=facts_of(event).get("type")) if may_see else None for event in events]


register_visibility(Visibility(ENTITY, category="workspace", view=_view))
