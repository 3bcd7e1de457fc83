"""The operation on the feed."""

from typing import Annotated

from fostr.domains.activity.feed import service
from fostr.domains.activity.feed.filters import ActivityFilterInvalid
from fostr.domains.activity.feed.schemas import ActivityFeed, FeedQuery
from fostr.domains.activity.feed.service import OffsetTooFar
from fostr.domains.activity.permissions import VIEW_ACTIVITY
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.queries import query_as
from fostr.kernel.http.routing import Router

router = Router(prefix="/activity", tags=["Activity Feed"])

Viewing = Annotated[Context, in_workspace(VIEW_ACTIVITY)]


@router.get("/feed", responses=raises(ActivityFilterInvalid, OffsetTooFar))
async def get(context: Viewing, asked: Annotated[FeedQuery, query_as(FeedQuery)]) -> ActivityFeed:
    """Get what happened in the workspace.

    The newest comes first. Every caller gets what they may see at this moment: of a record that has left their reach,
    nothing is there any more, and of a field that is hidden from them, no value, in whatever it happened before. The
    search looks through the descriptions as the caller gets them.

    Go on with `cursor`: what happens in between moves nothing. One request looks through a bounded number of
    activities; where few of them are the caller's to see, or match the search, it returns fewer than `limit`, with
    `has_more` and a cursor.
    """
    return await service.get_feed(context, asked)
