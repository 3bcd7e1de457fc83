"""The operation on the figures of what happened."""

from typing import Annotated

from fostr.domains.activity.feed.filters import ActivityFilterInvalid
from fostr.domains.activity.permissions import VIEW_ACTIVITY
from fostr.domains.activity.stats import service
from fostr.domains.activity.stats.schemas import ActivityStats, TimeZone
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.routing import Router

router = Router(prefix="/activity", tags=["Activity Feed"])

Viewing = Annotated[Context, in_workspace(VIEW_ACTIVITY)]


@router.get("/stats", responses=raises(ActivityFilterInvalid))
async def get(context: Viewing, time_zone: TimeZone = "UTC") -> ActivityStats:
    """Get how much happened: today, this week, on each of the last 30 days, of which kind, by whom.

    What the caller may not see is not counted. Where much happened, the figures may be a minute old.
    """
    return await service.get_stats(context, time_zone=time_zone)
