"""What members are told of this domain: that their export has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.domains.activity.exports.events import COMPLETED, FAILED
from fostr.domains.notifications.public import Notice, NotificationType, named_as, register_notifications

if TYPE_CHECKING:
    from fostr.kernel.events.visibility import Seen


def _compose(seen: Seen) -> Notice:
    event, facts = seen.event, seen.event.after or {}
    if event.type == FAILED:
        return Notice("Your export of the activity feed failed", "Ask for it again; if it fails again, tell us.")
    rows = facts["rows"]
    return Notice(
        "Your export of the activity feed is ready",
        f"It holds {rows:,} {'activity' if rows == 1 else 'activities'}.",
        link=f"/api/v1/activity/export/jobs/{event.entity_id}/download",
    )


register_notifications(
    NotificationType(
        name="activity_export_finished",
        category="data",
        label="Activity export finished",
        description="An export of the activity feed that you asked for can be fetched, or has failed.",
        events=frozenset({COMPLETED, FAILED}),
        recipients=named_as("requested_by"),
        compose=_compose,
        tells_actor=True,
    )
)
