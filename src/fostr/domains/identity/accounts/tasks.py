"""Events of accounts, recorded where the person is a member."""

from uuid import UUID

from fostr.domains.identity.accounts import repository
from fostr.domains.identity.accounts.announcing import RECORD
from fostr.kernel.events.outbox import Actor, Cause, record
from fostr.kernel.jobs.context import JobContext
from fostr.kernel.jobs.registry import job


@job(RECORD)
async def record_account_event(context: JobContext) -> None:
    """Record an event in the job's workspace, once however often the job runs."""
    user_id, cause = UUID(context.input["user_id"]), Cause(kind="job", id=context.id)
    async with context.unit() as unit:
        if await repository.has_event_of(unit, user_id=user_id, cause_id=str(context.id)):
            return
        await record(
            unit,
            type=context.input["type"],
            entity="account",
            entity_id=user_id,
            after=context.input["after"],
            actor=Actor(user_id=UUID(context.input["by"]), kind="session"),
            cause=cause,
        )
