"""What can be done about a forgotten password."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import structlog

from fostr.domains.identity.accounts import repository as accounts
from fostr.domains.identity.accounts.repository import Person
from fostr.domains.identity.activation.rules import PURPOSE as ACTIVATION_PURPOSE
from fostr.domains.identity.links.addresses import reset_address
from fostr.domains.identity.links.errors import LinkInvalid
from fostr.domains.identity.links.service import open_link, use_link
from fostr.domains.identity.passwords.service import RESET_PURPOSE, follow_up, hash_new_password
from fostr.domains.identity.recovery.rules import PER_ACCOUNT, PER_ACCOUNT_AND_ADDRESS, PER_ADDRESS, VALID_FOR
from fostr.domains.identity.recovery.schemas import PasswordReset, PasswordResetRequest
from fostr.domains.identity.recovery.takeover import shut_out_others
from fostr.domains.identity.sessions import rules as session_rules
from fostr.kernel.auth.links import MintedLink, mint_link, void_links
from fostr.kernel.db.unit import Unit
from fostr.kernel.http.context import PublicContext
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.limits.limit import check_limit, forget, network_of
from fostr.kernel.mail.outbox import send_mail
from fostr.kernel.mail.templates import MailTemplate
from fostr.kernel.runtime import Runtime

log = structlog.get_logger(__name__)

SEND: Final = "identity.send_password_reset"
RESET: Final = MailTemplate(
    name="password_reset", subject="Set a new password", folder=Path(__file__).with_name("mails")
)


async def request_password_reset(context: PublicContext, *, data: PasswordResetRequest) -> None:
    """Have a link mailed if there is such an account; a job looks it up, and the request does the same if not."""
    database, network = context.runtime.database, network_of(context.facts.address)
    await check_limit(database, PER_ADDRESS, subject=network)
    await check_limit(database, PER_ACCOUNT_AND_ADDRESS, subject=f"{data.email} {network}")
    await check_limit(database, PER_ACCOUNT, subject=data.email)
    await dispatch(context.unit, SEND, {"email": data.email}, workspace=None)


async def mint_password_reset(
    unit: Unit,
    *,
    user_id: UUID,
    created_by: UUID | None = None,
    lifetime: timedelta = VALID_FOR,
    is_handed_on: bool = False,
) -> MintedLink:
    """Make a link to set a new password, in place of the one before; one that is handed on proves no address."""
    return await mint_link(
        unit,
        purpose=RESET_PURPOSE,
        user_id=user_id,
        lifetime=lifetime,
        data={"is_handed_on": is_handed_on},
        created_by=created_by,
    )


async def send_password_reset(
    unit: Unit, *, runtime: Runtime, person: Person, created_by: UUID | None = None
) -> datetime:
    """Make such a link and mail it; return its end."""
    link = await mint_password_reset(unit, user_id=person.id, created_by=created_by)
    await send_mail(
        unit,
        runtime=runtime,
        to=person.email,
        name=person.full_name,
        template=RESET,
        values={
            "email": person.email,
            "minutes": int(VALID_FOR.total_seconds()) // 60,
            "link": reset_address(runtime.settings, token=link.token),
        },
    )
    log.info("password_reset_sent", user_id=str(person.id))
    return link.expires_at


async def reset_password(context: PublicContext, *, data: PasswordReset) -> None:
    """Set a new password by a link, which proves the address too when it was mailed; everybody is signed out."""
    link = await open_link(context, token=data.token, purpose=RESET_PURPOSE)
    async with context.runtime.database.unit() as unit:
        person = await accounts.find_person(unit, user_id=link.user_id)
    if person is None:
        raise LinkInvalid
    password_hash = await hash_new_password(
        data.new_password.get_secret_value(),
        email=person.email,
        full_name=person.full_name,
        cost=context.settings.password_hash_cost,
    )
    await use_link(context, token=data.token, purpose=RESET_PURPOSE)
    if link.data.get("is_handed_on"):
        await accounts.set_password_hash(context.unit, user_id=person.id, password_hash=password_hash)
    else:
        await accounts.verify_user(
            context.unit, user_id=person.id, password_hash=password_hash, full_name="", now=context.now
        )
    await void_links(context.unit, purpose=ACTIVATION_PURPOSE, user_id=person.id)
    await shut_out_others(context, person=person, reason="password_reset")
    await follow_up(context, person=person, how="reset")
    # Whoever guesses at the account from many places keeps its owner out for a while; this is the owner's way in.
    await forget(context.runtime.database, session_rules.PER_ACCOUNT, subject=person.email)
