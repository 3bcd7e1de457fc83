"""What of this domain can belong to a member."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.domains.notifications.email_delivery import repository as email_delivery
from fostr.domains.notifications.inbox import repository as inbox
from fostr.domains.notifications.preferences import repository as preferences
from fostr.domains.notifications.quiet_hours import repository as quiet_hours
from fostr.domains.notifications.registry import find_notification_type
from fostr.kernel.belongings import Belonging, BelongingKind, register_belongings

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.kernel.db.unit import Unit
    from fostr.kernel.http.context import Context


async def _list(unit: Unit, member_id: UUID, *, limit: int, offset: int) -> list[Belonging]:
    rows = await inbox.list_of_member(unit, member_id=member_id, limit=limit, offset=offset)
    return [Belonging(id=row["id"], name=_label(row["type"]), created_at=row["created_at"]) for row in rows]


def _label(type: str) -> str:
    # What a notification says was for its member alone, and may be about what the one who lists them may not see.
    kind = find_notification_type(type)
    return kind.label if kind else type


async def _forget(context: Context, member_id: UUID) -> None:
    await inbox.delete_of_member(context.unit, member_id=member_id)
    await preferences.delete_preferences(context.unit, member_id=member_id)
    await email_delivery.delete_of_member(context.unit, member_id=member_id)
    await quiet_hours.delete_of_member(context.unit, member_id=member_id)


register_belongings(
    BelongingKind(
        name="notification",
        label="Notifications, and how they come",
        columns=frozenset(
            {
                "notifications.member_id",
                "notification_preferences.member_id",
                "notification_email_delivery.member_id",
                "notification_quiet_hours.member_id",
                # These go with their notifications.
                "notification_deliveries.member_id",
            }
        ),
        count=inbox.count_of_member,
        list=_list,
        release=_forget,
    )
)
