"""What other domains may use of notifications: they register what members can be told."""

from collections.abc import Sequence
from uuid import UUID

from fostr.domains.notifications.email_delivery import repository as email_delivery
from fostr.domains.notifications.preferences import service as preferences_service
from fostr.domains.notifications.registry import (
    Channels,
    Notice,
    NotificationType,
    named_as,
    register_notifications,
)
from fostr.domains.notifications.unsubscribing.tokens import ending_addresses
from fostr.kernel.db.unit import Unit

__all__ = [
    "Channels",
    "Notice",
    "NotificationType",
    "ending_addresses",
    "list_mailed",
    "named_as",
    "register_notifications",
]


async def list_mailed(unit: Unit, *, type: str, member_ids: Sequence[UUID]) -> list[UUID]:
    """Return which of some members want to be told of a type by mail, for a domain that writes the mail itself.

    Those to whose address mail is paused are left out.
    """
    wanted = await preferences_service.list_mailed(unit, type=type, member_ids=member_ids)
    paused = await email_delivery.list_paused(unit, member_ids=wanted)
    return [one for one in wanted if one not in paused]
