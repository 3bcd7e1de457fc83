"""The operation that tells what happens as it happens."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from fostr.domains.notifications.stream import service
from fostr.domains.notifications.stream.entering import InFollowedWorkspace
from fostr.kernel.events.asking import EventTypeUnknown
from fostr.kernel.events.followers import StreamsUnavailable, TooManyStreams
from fostr.kernel.http.errors import raises
from fostr.kernel.http.live import LiveStream
from fostr.kernel.http.routing import Router
from fostr.kernel.http.streams import LastEventId

router = Router(prefix="/notifications", tags=["Notifications"])


@router.get(
    "/stream", response_class=LiveStream, responses=raises(EventTypeUnknown, TooManyStreams, StreamsUnavailable)
)
async def stream(
    listening: InFollowedWorkspace,
    types: Annotated[
        str | None,
        Query(
            max_length=2000,
            description="Only workspace events of these types and groups (`record.*`), separated by commas.",
        ),
    ] = None,
    recordset_id: Annotated[
        UUID | None, Query(description="Only workspace events about this recordset and what lies in it.")
    ] = None,
    after: Annotated[
        str | None,
        Query(max_length=100, description="Like `Last-Event-ID`, for clients that cannot set the header."),
    ] = None,
    last_event_id: LastEventId = None,
) -> LiveStream:
    """Follow what happens in the workspace.

    Server-sent events: `notification` is something that the caller is told, as the inbox shows it; `workspace_event`
    says what changed, with an `event_type` such as `members_updated`, as far as the caller may know of it. A browser
    opens it with its cookie: `new EventSource("/api/v1/notifications/stream")`.

    The first event is `ready`. Every id is a place to go on from, by `Last-Event-ID`: nothing is lost, and nothing told
    twice. Whoever comes back after a day or 1,000 events is sent `reset`: fetch what you show again. When the caller
    may no longer listen, or the credential ends, `closed` says why, within a second. A client that does not read is
    disconnected, and goes on where it was.
    """
    last = last_event_id or after
    follower = await service.open_stream(listening, types=types, recordset_id=recordset_id, last_event_id=last)
    return LiveStream(listening.context.runtime, follower)
