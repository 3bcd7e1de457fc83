"""What follows from every event: a place in the feed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.domains.activity.feed import repository
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
            actor_id=event.actor.get("member_id"),
            happened_at=event.created_at,
        )


register_consumer("activity", types=None, handler=keep_activity)
