"""Who may see what members choose about their deliveries: each their own, and nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.domains.notifications.deliveries.events import SETTINGS
from fostr.kernel.events.visibility import Seen, Visibility, register_visibility

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from fostr.kernel.events.consumers import Event
    from fostr.kernel.http.context import Context


async def _view(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    return [Seen(event) if event.entity_id == context.member_id else None for event in events]


def _concerned(event: Event) -> list[UUID]:
    return [event.entity_id]


register_visibility(Visibility(SETTINGS, category=None, view=_view, concerns=_concerned))
