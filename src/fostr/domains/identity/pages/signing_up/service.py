"""How an account is asked for by somebody who is not told whether there was one."""

from pathlib import Path
from typing import Final

from fostr.domains.identity.accounts import service as accounts
from fostr.domains.identity.accounts.errors import EmailTaken
from fostr.domains.identity.accounts.rules import REGISTRATIONS
from fostr.domains.identity.accounts.schemas import SignUp
from fostr.domains.identity.activation.requesting import request_activation
from fostr.domains.identity.links.addresses import forgotten_address
from fostr.domains.identity.pages.signing_up.rules import LETTERS
from fostr.domains.workspaces import public as workspaces
from fostr.kernel.db.unit import Unit
from fostr.kernel.events.outbox import Actor, Cause
from fostr.kernel.http.context import PublicContext
from fostr.kernel.jobs.dispatch import dispatch
from fostr.kernel.limits.limit import LimitReached, check_limit, network_of
from fostr.kernel.mail.outbox import send_mail
from fostr.kernel.mail.templates import MailTemplate
from fostr.kernel.runtime import Runtime

TELL: Final = "identity.tell_of_sign_up"
KNOWN: Final = MailTemplate(
    name="account_known", subject="You have an account already", folder=Path(__file__).with_name("mails")
)


async def ask_for_account(context: PublicContext, *, data: SignUp) -> None:
    """Make an account and its workspace; where the address has one, its owner is told, and nobody else.

    Nobody is signed in by it: a session would tell that the address was new.
    """
    unit = context.unit
    await check_limit(context.runtime.database, REGISTRATIONS, subject=network_of(context.facts.address))
    try:
        user = await accounts.create_user(
            unit,
            email=data.email,
            password=data.password.get_secret_value(),
            full_name=data.full_name,
            is_superuser=False,
            cost=context.settings.password_hash_cost,
        )
    except EmailTaken:
        await dispatch(unit, TELL, {"email": data.email}, workspace=None)
        return
    workspace = await workspaces.provision_workspace(
        unit,
        name=data.company_name,
        owner_user_id=user.id,
        actor=Actor(user_id=user.id, kind="session"),
        cause=Cause(kind="request", id=context.facts.request_id),
    )
    await request_activation(unit, user_id=user.id, workspace_id=workspace.id)


async def tell_of_sign_up(unit: Unit, *, runtime: Runtime, email: str, full_name: str) -> bool:
    """Write to the owner of an account that somebody tried to make it anew, unless that happens all the time."""
    try:
        await check_limit(runtime.database, LETTERS, subject=email)
    except LimitReached:
        return False
    await send_mail(
        unit,
        runtime=runtime,
        to=email,
        name=full_name,
        template=KNOWN,
        values={
            "email": email,
            "link": f"{runtime.settings.public_url}/sign-in",
            "forgotten": forgotten_address(runtime.settings),
        },
    )
    return True
