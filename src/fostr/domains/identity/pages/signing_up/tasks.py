"""Telling people of sign-ups with their address."""

from fostr.domains.identity.accounts import repository as accounts
from fostr.domains.identity.pages.signing_up.service import TELL, tell_of_sign_up
from fostr.kernel.jobs.context import JobContext
from fostr.kernel.jobs.registry import job


@job(TELL)
async def tell(context: JobContext) -> None:
    """Write to whoever has the account of an address, if it is open."""
    async with context.unit() as unit:
        person = await accounts.find_person_by_email(unit, email=context.input["email"])
        if person is not None:
            await tell_of_sign_up(unit, runtime=context.runtime, email=person.email, full_name=person.full_name)
