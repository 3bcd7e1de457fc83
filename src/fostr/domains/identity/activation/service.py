"""What can be done with activation links."""

from pathlib import Path
from typing import Final
from uuid import UUID

import structlog

from fostr.domains.identity.accounts import announcing
from fostr.domains.identity.accounts import repository as accounts
from fostr.domains.identity.accounts.events import ACTIVATED
from fostr.domains.identity.accounts.repository import Person
from fostr.domains.identity.activation import repository
from fostr.domains.identity.activation.errors import PasswordRequired
from fostr.domains.identity.activation.requesting import request_activation_of
from fostr.domains.identity.activation.rules import (
    PER_ACCOUNT,
    PER_ACCOUNT_AND_ADDRESS,
    PER_ADDRESS,
    PURPOSE,
    VALID_FOR,
)
from fostr.domains.identity.activation.schemas import (
    ActivatedUser,
    Activation,
    ActivationCompletion,
    ActivationRequest,
    ActivationWorkspace,
)
from fostr.domains.identity.factors.schemas import SecondFactorNeeded
from fostr.domains.identity.links.addresses import activation_address
from fostr.domains.identity.links.errors import LinkInvalid
from fostr.domains.identity.links.service import check_workspace, open_link, use_link
from fostr.domains.identity.passwords.service import hash_new_password
from fostr.domains.identity.recovery.takeover import shut_out_others
from fostr.domains.identity.sessions.entering import let_in
from fostr.domains.identity.sessions.schemas import OpenedSession
from fostr.kernel.auth.links import mint_link, void_links
from fostr.kernel.db.unit import Unit
from fostr.kernel.http.context import PublicContext
from fostr.kernel.limits.limit import check_limit, network_of
from fostr.kernel.mail.outbox import send_mail
from fostr.kernel.mail.templates import MailTemplate
from fostr.kernel.runtime import Runtime

log = structlog.get_logger(__name__)

ACTIVATION: Final = MailTemplate(
    name="activation",
    subject="{{ 'Choose your password' if sets_password else 'Confirm your address' }}",
    folder=Path(__file__).with_name("mails"),
)


async def show_activation(context: PublicContext, *, token: str, workspace_id: UUID | None) -> Activation:
    link = await open_link(context, token=token, purpose=PURPOSE)
    check_workspace(link, workspace_id=workspace_id)
    person = await accounts.find_person(context.unit, user_id=link.user_id)
    if person is None:
        raise LinkInvalid
    return Activation(
        user=ActivatedUser(id=person.id, email=person.email, full_name=person.full_name),
        workspace=await _workspace_of(context.unit, person=person, workspace_id=link.workspace_id),
        password_required=not person.has_password,
        expires_at=link.expires_at,
    )


async def _workspace_of(unit: Unit, *, person: Person, workspace_id: UUID | None) -> ActivationWorkspace | None:
    if workspace_id is None:
        return None
    found = await repository.find_workspace(unit, user_id=person.id, wanted=workspace_id)
    return found if found is not None and found.id == workspace_id else None


async def complete_activation(
    context: PublicContext, *, data: ActivationCompletion
) -> OpenedSession | SecondFactorNeeded:
    """Confirm the address, set the password when one is given, and let the person in."""
    link = await open_link(context, token=data.token, purpose=PURPOSE)
    check_workspace(link, workspace_id=data.workspace_id)
    person = await _find_person(context, user_id=link.user_id)
    password_hash = await _hash_password(context, person=person, data=data)
    await use_link(context, token=data.token, purpose=PURPOSE)
    if password_hash is not None and person.has_password:
        await shut_out_others(context, person=person, reason="activated")
    await accounts.verify_user(
        context.unit, user_id=person.id, password_hash=password_hash, full_name=data.full_name, now=context.now
    )
    await void_links(context.unit, purpose=PURPOSE, user_id=person.id)
    await announcing.announce(
        context.unit, type=ACTIVATED, user_id=person.id, after={"email": person.email, "how": "activation"}
    )
    log.info("account_activated", user_id=str(person.id))
    return await let_in(context, user_id=person.id, workspace_id=link.workspace_id)


async def _find_person(context: PublicContext, *, user_id: UUID) -> Person:
    async with context.runtime.database.unit() as unit:
        person = await accounts.find_person(unit, user_id=user_id)
    if person is None:
        raise LinkInvalid
    return person


async def _hash_password(context: PublicContext, *, person: Person, data: ActivationCompletion) -> str | None:
    if data.password is None:
        if not person.has_password:
            raise PasswordRequired
        return None
    return await hash_new_password(
        data.password.get_secret_value(),
        email=person.email,
        full_name=data.full_name or person.full_name,
        cost=context.settings.password_hash_cost,
    )


async def resend(context: PublicContext, *, data: ActivationRequest) -> None:
    """Have a new link mailed if there is an account that needs one; the same is done if there is none."""
    database, network = context.runtime.database, network_of(context.facts.address)
    await check_limit(database, PER_ADDRESS, subject=network)
    await check_limit(database, PER_ACCOUNT_AND_ADDRESS, subject=f"{data.email} {network}")
    await check_limit(database, PER_ACCOUNT, subject=data.email)
    await request_activation_of(context.unit, email=data.email, workspace_id=data.workspace_id)


async def send_activation(unit: Unit, *, runtime: Runtime, person: Person, wanted: UUID | None) -> bool:
    """Mint a link and mail it, unless the account needs none; say whether it was mailed."""
    if person.is_verified and person.has_password:
        return False
    workspace = await repository.find_workspace(unit, user_id=person.id, wanted=wanted)
    workspace_id = workspace.id if workspace else None
    # A link of another workspace would go on working beside this one.
    await void_links(unit, purpose=PURPOSE, user_id=person.id)
    link = await mint_link(unit, purpose=PURPOSE, user_id=person.id, workspace_id=workspace_id, lifetime=VALID_FOR)
    await send_mail(
        unit,
        runtime=runtime,
        to=person.email,
        name=person.full_name,
        template=ACTIVATION,
        values={
            "email": person.email,
            "sets_password": not person.has_password,
            "days": VALID_FOR.days,
            "link": activation_address(runtime.settings, token=link.token, workspace_id=workspace_id),
        },
    )
    log.info("activation_sent", user_id=str(person.id))
    return True
