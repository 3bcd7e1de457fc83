"""Operations on deliveries."""

from typing import Annotated
from uuid import UUID

from fostr.domains.notifications.deliveries import service
from fostr.domains.notifications.deliveries.schemas import Deliveries
from fostr.domains.notifications.errors import NotificationNotFound
from fostr.domains.notifications.permissions import VIEW_NOTIFICATIONS
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.routing import Router

router = Router(prefix="/notifications/{notification_id}/deliveries", tags=["Notifications"])

Reader = Annotated[Context, in_workspace(VIEW_NOTIFICATIONS)]


@router.get("", responses=raises(NotificationNotFound))
async def list(context: Reader, notification_id: UUID) -> Deliveries:  # noqa: A001 - endpoints are bare verbs
    """List what became of a notification of the caller's by mail and by WhatsApp.

    Empty for one that went to the inbox alone.
    """
    return await service.list_deliveries(context, notification_id)
