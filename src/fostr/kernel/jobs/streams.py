"""Jobs as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias
from uuid import UUID

from fostr.kernel import clock
from fostr.kernel.auth.lookup import Held, find_holders
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import FostrError
from fostr.kernel.http.streams import ServerEvent
from fostr.kernel.jobs.status import stream_job

if TYPE_CHECKING:
    from fostr.kernel.auth.lookup import Source
    from fostr.kernel.auth.principals import CredentialKind
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.jobs.status import JobEvent

STATUSES: Final = {"started": "running", "progress": "running", "retrying": "queued"}
"""The status of a job after an event whose kind is not a status itself."""

_SOURCES: Final[dict[CredentialKind, Source]] = {"session": "cookie", "jwt": "jwt", "pat": "token", "api_key": "token"}

Find: TypeAlias = Callable[[Context, UUID], Awaitable[object]]


async def follow_job(context: Context, job_id: UUID, *, find: Find, after: int | None) -> AsyncGenerator[JobEvent]:
    """Return the stream of what a job of the workspace reports, which ends with the caller's right to follow it.

    Args:
        context: the request; its unit of work is not kept.
        job_id: the job.
        find: refuses whoever may not follow the job. It is asked now, and again by the rights of each moment at which
            something is to be told.
        after: the last event that the caller has seen.
    """
    await find(context, job_id)
    may_follow = partial(_may_follow, context, job_id, find)
    return stream_job(context.runtime, job_id, workspace=context.workspace_id, after=after, may_follow=may_follow)


async def _may_follow(context: Context, job_id: UUID, find: Find, unit: Unit) -> bool:
    held = Held(_SOURCES[context.principal.kind], context.principal.credential_id)
    holder = (await find_holders(unit, [held], wanted=context.workspace_id)).get(held)
    if holder is None or holder.caller.access is None:
        return False
    caller = holder.caller
    now = replace(context, unit=unit, now=clock.now(), principal=caller.principal, access=caller.access)
    try:
        await find(now, job_id)
    except FostrError:
        return False
    return True


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
