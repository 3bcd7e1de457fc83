"""Mailing links to set a new password."""

from fostr.domains.identity.accounts import repository as accounts
from fostr.domains.identity.recovery.service import SEND, send_password_reset
from fostr.kernel.jobs.context import JobContext
from fostr.kernel.jobs.registry import job


@job(SEND)
async def send(context: JobContext) -> None:
    """Mail a link, if there is such an account."""
    async with context.unit() as unit:
        person = await accounts.find_person_by_email(unit, email=context.input["email"])
        if person is not None:
            await send_password_reset(unit, runtime=context.runtime, person=person)
