"""How passwords are set, and what follows from it."""

from pathlib import Path
from typing import Final, Literal

import structlog

from fostr.domains.identity.accounts import announcing, repository
from fostr.domains.identity.accounts.errors import CurrentPasswordWrong
from fostr.domains.identity.accounts.events import PASSWORD_CHANGED
from fostr.domains.identity.accounts.repository import Person
from fostr.domains.identity.accounts.schemas import PasswordChange
from fostr.domains.identity.links.addresses import forgotten_address
from fostr.domains.identity.passwords.rules import PASSWORD_CHANGES, check_password
from fostr.domains.identity.sessions import service as sessions
from fostr.kernel.auth.links import void_links
from fostr.kernel.crypto.passwords import Cost, hash_password, verify_password
from fostr.kernel.http.context import AccountContext, PublicContext
from fostr.kernel.limits.limit import check_limit, forget
from fostr.kernel.mail.outbox import send_mail
from fostr.kernel.mail.templates import MailTemplate

log = structlog.get_logger(__name__)

RESET_PURPOSE: Final = "password_reset"
"""What links are for that set a new password."""

CHANGED: Final = MailTemplate(
    name="password_changed", subject="Your password was changed", folder=Path(__file__).with_name("mails")
)


async def hash_new_password(password: str, *, email: str, full_name: str, cost: Cost) -> str:
    """Check a password against the rules and hash it; to be done before the first statement of a transaction.

    Raises:
        PasswordTooWeak: it may not be set.
    """
    check_password(password, email=email, full_name=full_name)
    return await hash_password(password, cost=cost)


async def change_password(context: AccountContext, *, data: PasswordChange) -> None:
    """Set a new password, and end every other session: whoever knew the old one is out."""
    user_id, cost, database = context.principal.user_id, context.settings.password_hash_cost, context.runtime.database
    await check_limit(database, PASSWORD_CHANGES, subject=str(user_id))
    # In a unit of its own: hashing takes long, and no connection is held meanwhile.
    async with database.unit() as unit:
        stored = await repository.find_password_hash(unit, user_id=user_id)
    if not await verify_password(data.current_password.get_secret_value(), stored=stored, cost=cost):
        raise CurrentPasswordWrong
    new = data.new_password.get_secret_value()
    email, full_name = context.principal.email, context.principal.full_name
    password_hash = await hash_new_password(new, email=email, full_name=full_name, cost=cost)
    await repository.set_password_hash(context.unit, user_id=user_id, password_hash=password_hash)
    await sessions.end_other_sessions(context, reason="password_changed")
    person = Person(id=user_id, email=email, full_name=full_name, has_password=True, is_verified=False)
    await follow_up(context, person=person, how="change")
    await forget(database, PASSWORD_CHANGES, subject=str(user_id))


async def follow_up(context: PublicContext, *, person: Person, how: Literal["change", "reset"]) -> None:
    """Do what follows from a new password: open links to set one are void, and the person is told of it."""
    await void_links(context.unit, purpose=RESET_PURPOSE, user_id=person.id)
    await announcing.announce(
        context.unit, type=PASSWORD_CHANGED, user_id=person.id, after={"email": person.email, "how": how}
    )
    await send_mail(
        context.unit,
        runtime=context.runtime,
        to=person.email,
        name=person.full_name,
        template=CHANGED,
        values={"email": person.email, "link": forgotten_address(context.settings)},
    )
    log.info("password_changed", user_id=str(person.id), how=how)
