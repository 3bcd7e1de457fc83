"""Jobs as server-sent events."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from fostr.kernel.http.streams import ServerEvent

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from fostr.kernel.jobs.status import JobEvent

STATUSES: Final = {"started": "running", "progress": "running", "retrying": "queued"}
"""The status of a job after an event whose kind is not a status itself."""


async def job_events(events: AsyncGenerator[JobEvent]) -> AsyncGenerator[ServerEvent]:
    """Yield what a job reports as events of a stream; each event's id is its place in the job's log."""
    async with aclosing(events):
        async for event in events:
            data = {"status": STATUSES.get(event.kind, event.kind), "at": event.created_at, **event.data}
            yield ServerEvent(data=data, event=event.kind, id=str(event.seq))


def parse_position(last_event_id: str | None) -> int | None:
    """Return the place in the log that a client has reached; what is no number of ours begins at the beginning."""
    if last_event_id is None or not last_event_id.isdecimal() or len(last_event_id) > 9:
        return None
    return int(last_event_id)
