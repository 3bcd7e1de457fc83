"""Record that a job that somebody asked for has failed for the last time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from fostr.kernel.events.outbox import Actor, Cause, record

if TYPE_CHECKING:
    from fostr.kernel.jobs.context import JobContext


async def record_failure(context: JobContext, *, type: str, entity: str, after: dict[str, Any]) -> None:
    """Record it, in the name of who asked.

    Args:
        context: of the job that is dispatched after the failure.
        type: of the event.
        entity: the kind of job; its id is that of the one that failed.
        after: the facts.
    """
    job_id = UUID(context.input["job_id"])
    async with context.unit() as unit:
        await record(
            unit,
            type=type,
            entity=entity,
            entity_id=job_id,
            after=after,
            cause=Cause(kind="job", id=job_id),
            actor=Actor(member_id=context.created_by, kind="job", acting_as=context.acting_as),
        )
