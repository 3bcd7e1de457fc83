"""What members are told about their deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.domains.notifications.deliveries.events import EMAIL_PAUSED
from fostr.domains.notifications.registry import (
    Channels,
    Notice,
    NotificationType,
    named_as,
    register_notifications,
)

if TYPE_CHECKING:
    from fostr.kernel.events.visibility import Seen


def _compose(seen: Seen) -> Notice | None:
    email = (seen.event.after or {})["email"]
    return Notice(
        title=f"Mail to {email} is paused",
        body="A mail server refused the address several times in a row. Check it, and switch mail on again.",
    )


register_notifications(
    NotificationType(
        name="email_paused",
        category="security",
        label="Mail is paused",
        description="When no more mail is sent to your address, because a mail server refuses it.",
        events=frozenset({EMAIL_PAUSED}),
        recipients=named_as("member_id"),
        compose=_compose,
        tells_actor=True,
        defaults=Channels(in_app=True, email=False, whatsapp=False),
    )
)
