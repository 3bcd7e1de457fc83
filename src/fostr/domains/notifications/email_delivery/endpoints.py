"""Operations on how the caller gets their mail."""

from typing import Annotated

from fostr.domains.notifications.email_delivery import service
from fostr.domains.notifications.email_delivery.schemas import EmailDelivery, EmailDeliveryUpdate
from fostr.domains.notifications.permissions import MANAGE_NOTIFICATIONS, VIEW_NOTIFICATIONS
from fostr.kernel.http.context import Context
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.routing import Router

router = Router(prefix="/notifications/email-delivery", tags=["Notifications"])

Reader = Annotated[Context, in_workspace(VIEW_NOTIFICATIONS)]
Keeper = Annotated[Context, in_workspace(MANAGE_NOTIFICATIONS)]


@router.get("")
async def get(context: Reader) -> EmailDelivery:
    """Return how the caller gets mail from this workspace: at once, or as a digest every half hour or hour."""
    return await service.get_email_delivery(context)


@router.put("")
async def update(context: Keeper, data: EmailDeliveryUpdate) -> EmailDelivery:
    """Choose how mail comes from this workspace.

    Digests leave at every full half hour, or hour. What waits to be sent follows the new choice. Critical
    notifications are mailed at once either way.
    """
    return await service.update_email_delivery(context, data)


@router.post("/resume")
async def resume(context: Keeper) -> EmailDelivery:
    """Have mail sent to the caller's address again.

    Mail is paused when a mail server has refused the address several times in a row. Nothing happens when it is not.
    """
    return await service.resume_email(context)
