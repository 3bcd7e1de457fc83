"""Who may see what happens to exports of the feed: administrators, and whoever asked for them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from fostr.domains.activity.exports.events import ENTITY
from fostr.kernel.events.visibility import Seen, Visibility, register_visibility

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.kernel.events.consumers import Event
    from fostr.kernel.http.context import Context


async def _view(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    return [Seen(event) if context.access.is_administrator else None for event in events]


async def _view_own(_: Context, events: Sequence[Event]) -> list[Seen | None]:
    return [Seen(event) for event in events]


def _concerns(event: Event) -> list[UUID]:
    requested_by = (event.after or {}).get("requested_by")
    return [] if requested_by is None else [UUID(requested_by)]


register_visibility(Visibility(ENTITY, category="workspace", view=_view, concerns=_concerns, view_own=_view_own))
