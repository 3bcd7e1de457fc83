"""What follows from every event: a place in the feed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from fostr.domains.activity.feed import repository
from fostr.domains.workspaces.public import list_meant_members
from fostr.kernel.events.consumers import register_consumer
from fostr.kernel.events.visibility import category_of

if TYPE_CHECKING:
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.events.consumers import Event


async def keep_activity(unit: Unit, event: Event) -> None:
    """Put an event into the feed, if it belongs there."""
    category = category_of(event.entity)
    if category is not None:
        await repository.insert_activity(
            unit,
            event_id=event.id,
            category=category,
            actor_id=event.actor.get("member_id") or await _find_member(unit, event.actor.get("user_id")),
            happened_at=event.created_at,
        )


async def _find_member(unit: Unit, user_id: str | None) -> UUID | None:
    """Return the member of an account: events of accounts name no other actor."""
    meant = [] if user_id is None else await list_meant_members(unit, ids=[UUID(user_id)])
    return next(iter(meant), None)


register_consumer("activity", types=None, handler=keep_activity)
