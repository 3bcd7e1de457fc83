"""What members can be told of impersonations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.domains.identity.impersonation.events import STARTED
from fostr.domains.notifications.public import Notice, NotificationType, named_as, register_notifications

if TYPE_CHECKING:
    from fostr.kernel.events.visibility import Seen


def _acted_for(seen: Seen) -> Notice:
    facts = seen.event.after or {}
    return Notice(
        title=f"{facts.get('acting_name') or 'An administrator'} acts in your name",
        body=f"The reason given: {facts['reason']}" if facts.get("reason") else "",
        thread=f"impersonation:{seen.event.entity_id}",
    )


register_notifications(
    NotificationType(
        name="impersonation_started",
        category="security",
        label="Somebody acts in your name",
        description="An administrator began to act in your name, to help you.",
        events=frozenset({STARTED}),
        recipients=named_as("member_id"),
        compose=_acted_for,
        is_critical=True,
        tells_actor=True,
    )
)
