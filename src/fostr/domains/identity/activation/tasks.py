"""Mailing activation links."""

from uuid import UUID

from fostr.domains.identity.accounts import repository as accounts
from fostr.domains.identity.activation.requesting import SEND
from fostr.domains.identity.activation.service import send_activation
from fostr.kernel.jobs.context import JobContext
from fostr.kernel.jobs.registry import job


@job(SEND)
async def send(context: JobContext) -> None:
    """Mail a link, if there is an account that needs one."""
    given = context.input
    wanted = UUID(given["workspace_id"]) if given["workspace_id"] else None
    async with context.unit() as unit:
        person = (
            await accounts.find_person(unit, user_id=UUID(given["user_id"]))
            if "user_id" in given
            else await accounts.find_person_by_email(unit, email=given["email"])
        )
        if person is not None:
            await send_activation(unit, runtime=context.runtime, person=person, wanted=wanted)
