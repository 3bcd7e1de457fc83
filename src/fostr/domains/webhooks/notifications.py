"""What this domain lets members be notified of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from fostr.domains.notifications.public import Notice, NotificationType, register_notifications
from fostr.domains.webhooks.events import WEBHOOK_DISABLED
from fostr.domains.workspaces import public as workspaces

if TYPE_CHECKING:
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.events.consumers import Event
    from fostr.kernel.events.visibility import Seen

_REASONS: Final = {
    "failing": "Its receiver has not taken anything for days. What it missed can be sent again once it is back.",
    "gone": "Its receiver answered that it is gone for good (410). Change its address, and switch it on.",
    "owner_left": "The member with whose rights it was delivered has left. Somebody can take it over.",
    "owner_may_not": "The member with whose rights it was delivered may no longer manage webhooks.",
    "secret_lost": "Its secret was sealed by a key that the server no longer has. Give it a new one, and switch it on.",
    "handed_over": "It was handed over to another member, who has to look at it and switch it on.",
}


async def _concerned(unit: Unit, event: Event) -> list[UUID]:
    facts = event.after or {}
    if facts.get("disabled_reason") is None:
        return []
    return list(dict.fromkeys([UUID(facts["owner_id"]), *await workspaces.list_administrators(unit)]))


def _compose(seen: Seen) -> Notice | None:
    facts = seen.event.after or {}
    return Notice(
        title=f"The webhook {facts['name']} was switched off",
        body=_REASONS.get(facts["disabled_reason"], ""),
        link=f"/webhooks/{seen.event.entity_id}",
        thread=f"webhook:{seen.event.entity_id}",
    )


register_notifications(
    NotificationType(
        name="webhook_disabled",
        category="data",
        label="Webhook switched off",
        description="A webhook was switched off because its receiver fails, or its owner may not send any more.",
        events=frozenset({WEBHOOK_DISABLED}),
        recipients=_concerned,
        compose=_compose,
        is_critical=True,
    )
)
