"""Operations on the log of what happened."""

from typing import Annotated

from fostr.domains.activity.log import service
from fostr.domains.activity.log.errors import EventsGone
from fostr.domains.activity.log.schemas import EventPage, EventQuery, EventTypes
from fostr.domains.activity.permissions import VIEW_ACTIVITY
from fostr.kernel.events.asking import EventTypeUnknown
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.queries import query_as
from fostr.kernel.http.routing import Router

router = Router(prefix="/events", tags=["Events"])

Viewing = Annotated[Context, in_workspace(VIEW_ACTIVITY)]


@router.get("", responses=raises(EventTypeUnknown, EventsGone))
async def list(context: Viewing, asked: Annotated[EventQuery, query_as(EventQuery)]) -> EventPage:  # noqa: A001 - endpoints are bare verbs
    """Read what happened, the oldest first, from the last event that one has.

    This is how a program catches up: it keeps `next`, and asks with it as `after` for as long as `has_more` says so,
    and again whenever it likes. It misses nothing in between, and is given nothing twice. The events are those that
    webhooks send and streams tell of, with the same ids.

    Every caller gets what they may see at this moment. Events that are not theirs to see are passed over without a
    word, within a bounded part of the log, so a page may be short or even empty and still have `has_more`. A bulk write
    is one event, whose cause counts the things. An event is told as soon as no open transaction can still write one
    before it.
    """
    return await service.list_events(context, asked)


@router.get("/types")
async def types(context: Viewing) -> EventTypes:
    """List the types of events, each with the JSON schema of what it tells."""
    del context
    return EventTypes(items=service.describe_types())
