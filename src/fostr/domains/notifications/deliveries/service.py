"""What members see of their deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.domains.notifications.deliveries import repository
from fostr.domains.notifications.deliveries.schemas import NotificationDelivery
from fostr.domains.notifications.errors import NotificationNotFound
from fostr.domains.notifications.inbox.repository import has_notification

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg

    from fostr.domains.notifications.deliveries.repository import MailOutcome
    from fostr.domains.notifications.deliveries.schemas import Deliveries, Status
    from fostr.kernel.http.context import Context


async def list_deliveries(context: Context, notification_id: UUID) -> Deliveries:
    """Return what became of a notification of the caller's outside of the product.

    Raises:
        NotificationNotFound: they have no such notification.
    """
    unit, member_id = context.unit, context.member_id
    rows = await repository.list_deliveries(unit, notification_id=notification_id, member_id=member_id)
    if not rows and not await has_notification(unit, member_id=member_id, notification_id=notification_id):
        raise NotificationNotFound
    outcomes = await repository.find_outcomes(unit, [row["mail_id"] for row in rows if row["mail_id"] is not None])
    return [_delivery(row, outcomes.get(row["mail_id"])) for row in rows]


def _delivery(row: asyncpg.Record, outcome: MailOutcome | None) -> NotificationDelivery:
    status, reason = _find_status(row, outcome)
    return NotificationDelivery(
        channel=row["channel"],
        status=status,
        reason=reason,
        in_digest=row["is_gathered"],
        due_at=row["due_at"],
        ended_at=None if status in {"pending", "sending"} else row["ended_at"],
    )


def _find_status(row: asyncpg.Record, outcome: MailOutcome | None) -> tuple[Status, str | None]:
    """Return how far a delivery is; mail goes on from here through the outbox, as long as that knows of it."""
    match outcome.status if outcome is not None and row["status"] == "sent" else None:
        case "queued":
            return "sending", None
        case "kept":
            return "pending", "mail_not_configured"
        case "failed":
            return "failed", "mail_refused"
        case _:
            return row["status"], row["reason"]
