"""Who may see events about notifications: each member their own, and nobody else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from fostr.domains.notifications.events import ENTITY, PREFERENCES
from fostr.kernel.events.visibility import Seen, Visibility, register_visibility

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.kernel.events.consumers import Event
    from fostr.kernel.http.context import Context


async def _view(context: Context, events: Sequence[Event]) -> list[Seen | None]:
    return [_see(event, str(context.member_id)) for event in events]


def _see(event: Event, member_id: str) -> Seen | None:
    facts = event.after or {}
    if facts.get("member_id") == member_id:
        return Seen(event)
    if member_id in facts.get("member_ids", ()):
        # Who else was told is nobody's business.
        return Seen(replace(event, after={**facts, "member_ids": [member_id]}))
    return None


def _concerned(event: Event) -> list[UUID]:
    facts = event.after or {}
    return [UUID(one) for one in (facts.get("member_id"), *facts.get("member_ids", ())) if one is not None]


register_visibility(
    Visibility(ENTITY, category=None, view=_view, concerns=_concerned),
    Visibility(PREFERENCES, category=None, view=_view, concerns=_concerned),
)
