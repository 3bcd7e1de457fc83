"""What other domains may use of notifications: they register what members can be told."""

from collections.abc import Sequence
from uuid import UUID

from fostr.domains.notifications.preferences import service as preferences_service
from fostr.domains.notifications.registry import Channels, Notice, NotificationType, register_notifications
from fostr.kernel.db.unit import Unit

__all__ = ["Channels", "Notice", "NotificationType", "list_mailed", "register_notifications"]


async def list_mailed(unit: Unit, *, type: str, member_ids: Sequence[UUID]) -> list[UUID]:
    """Return which of some members want to be told of a type by mail, for a domain that writes the mail itself."""
    return await preferences_service.list_mailed(unit, type=type, member_ids=member_ids)
