"""Operations on the caller's quiet hours."""

from typing import Annotated

from fostr.domains.notifications.permissions import MANAGE_NOTIFICATIONS, VIEW_NOTIFICATIONS
from fostr.domains.notifications.quiet_hours import service
from fostr.domains.notifications.quiet_hours.errors import QuietHoursEndless, TimeZoneUnknown
from fostr.domains.notifications.quiet_hours.schemas import QuietHours, QuietHoursUpdate
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.routing import Router

router = Router(prefix="/notifications/quiet-hours", tags=["Notifications"])

Reader = Annotated[Context, in_workspace(VIEW_NOTIFICATIONS)]
Keeper = Annotated[Context, in_workspace(MANAGE_NOTIFICATIONS)]


@router.get("")
async def get(context: Reader) -> QuietHours:
    """Return the caller's quiet hours in this workspace.

    Who has chosen none is shown some that are switched off.
    """
    return await service.get_quiet_hours(context)


@router.put("", responses=raises(TimeZoneUnknown, QuietHoursEndless))
async def update(context: Keeper, data: QuietHoursUpdate) -> QuietHours:
    """Choose quiet hours.

    What comes in them, by mail or WhatsApp, is held and sent as one digest when they end; nothing is dropped. Critical
    notifications arrive all the same. The clock on the wall decides, on days when it is put forward or back, too.
    """
    return await service.update_quiet_hours(context, data)
