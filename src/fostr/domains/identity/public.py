"""What other domains, and the command line, may use of identity."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from fostr.domains.identity.accounts import repository as accounts_repository
from fostr.domains.identity.accounts import service as accounts_service
from fostr.domains.identity.accounts.errors import EmailTaken
from fostr.domains.identity.accounts.schemas import NewPassword, User
from fostr.domains.identity.activation.errors import PasswordRequired
from fostr.domains.identity.activation.possession import take_possession
from fostr.domains.identity.activation.requesting import request_activation
from fostr.domains.identity.factors.schemas import SecondFactorNeeded
from fostr.domains.identity.links.addresses import reset_address
from fostr.domains.identity.links.errors import LinkInvalid, LinkThrottled
from fostr.domains.identity.links.service import open_link, use_link
from fostr.domains.identity.passwords.errors import PasswordTooWeak
from fostr.domains.identity.passwords.service import hash_new_password
from fostr.domains.identity.recovery import service as recovery_service
from fostr.domains.identity.recovery.rules import VALID_FOR as RESET_VALID_FOR
from fostr.domains.identity.sessions.cookies import set_cookie
from fostr.domains.identity.sessions.entering import end_all_sessions, let_in
from fostr.domains.identity.sessions.schemas import OpenedSession, SignedIn
from fostr.domains.identity.setup import service as setup_service
from fostr.kernel.crypto.passwords import Cost
from fostr.kernel.db.database import Database
from fostr.kernel.db.unit import Unit
from fostr.kernel.http.context import PublicContext
from fostr.kernel.runtime import Runtime
from fostr.settings import Settings

__all__ = [
    "EmailTaken",
    "LinkInvalid",
    "LinkThrottled",
    "NewPassword",
    "OpenedSession",
    "PasswordRequired",
    "PasswordResetLink",
    "PasswordTooWeak",
    "SecondFactorNeeded",
    "SignedIn",
    "User",
    "create_account",
    "create_user",
    "end_all_sessions",
    "ensure_setup_link",
    "find_user_by_email",
    "hash_new_password",
    "mint_password_reset",
    "open_link",
    "request_activation",
    "send_password_reset",
    "set_cookie",
    "set_first_password",
    "sign_in_user",
    "take_possession",
    "use_link",
]


@dataclass(frozen=True, slots=True)
class PasswordResetLink:
    """A link to set a new password, with its secret in it."""

    url: str = field(repr=False)
    expires_at: datetime


async def ensure_setup_link(database: Database, *, public_url: str) -> str | None:
    """Return the link by which the first administrator is made, or None when there is one.

    Called at each start. Each call makes a new link, good for 24 hours, and voids the one before; only its digest is
    kept.

    Args:
        database: where the accounts are.
        public_url: what the link begins with.
    """
    return await setup_service.ensure_setup_link(database, public_url=public_url)


async def create_user(
    unit: Unit,
    *,
    email: str,
    password: str,
    full_name: str = "",
    is_superuser: bool = False,
    cost: Cost = "default",
) -> User:
    """Make an account, in no workspace.

    Raises:
        PasswordTooWeak: the password breaks a rule.
        EmailTaken: there is an account with that address.
    """
    return await accounts_service.create_user(
        unit, email=email, password=password, full_name=full_name, is_superuser=is_superuser, cost=cost
    )


async def find_user_by_email(unit: Unit, *, email: str) -> User | None:
    """Return the account of an address, open or closed, or nothing.

    Whoever asks for somebody else must not be told the outcome: whether there is an account is nobody's business.
    """
    return await accounts_repository.find_user_by_email(unit, email=email)


async def create_account(
    unit: Unit, *, email: str, full_name: str = "", password: str | None = None, cost: Cost = "default"
) -> User:
    """Make an account, in no workspace; without a password, nobody can sign in before it is activated.

    Raises:
        PasswordTooWeak: the password breaks a rule.
        EmailTaken: there is an account with that address.
    """
    return await accounts_service.create_user(
        unit, email=email, password=password, full_name=full_name, is_superuser=False, cost=cost
    )


async def set_first_password(
    unit: Unit,
    *,
    user_id: UUID,
    password_hash: str,
    now: datetime,
    full_name: str = "",
    is_verified: bool = True,
) -> bool:
    """Give an account without a password its first one.

    Args:
        unit: the transaction that it is part of.
        user_id: the account.
        password_hash: of `hash_new_password`, made before the transaction began.
        now: the time of the request.
        full_name: what the person is called; empty: as before.
        is_verified: whether what they came by, such as a mailed link, has shown that the address is theirs.

    Returns:
        whether it had none; of any number at once, one hears so.
    """
    return await accounts_repository.set_first_password(
        unit, user_id=user_id, password_hash=password_hash, now=now, full_name=full_name, is_verified=is_verified
    )


async def sign_in_user(
    context: PublicContext, *, user_id: UUID, workspace_id: UUID | None = None
) -> OpenedSession | SecondFactorNeeded:
    """Let a person in who has shown who they are by a link, as signing in by password does.

    An account with a second factor is asked for it instead. An operation answers `SignedIn.of(opened)` after
    `set_cookie`, or what is needed as it is.

    Args:
        context: the request.
        user_id: an account that is open.
        workspace_id: the workspace to begin in; without one, the one that they were last in.
    """
    return await let_in(context, user_id=user_id, workspace_id=workspace_id)


async def mint_password_reset(
    unit: Unit,
    *,
    settings: Settings,
    user_id: UUID,
    created_by: UUID | None = None,
    lifetime: timedelta = RESET_VALID_FOR,
) -> PasswordResetLink:
    """Make a link to set a new password, good once, in place of the one before; for somebody who hands it on.

    Since it does not go to the person's address, using it does not show that the address is theirs.

    Args:
        unit: the transaction that it is part of.
        settings: say where this server is reached.
        user_id: the account.
        created_by: the person who has it made.
        lifetime: how long it is good for.
    """
    link = await recovery_service.mint_password_reset(
        unit, user_id=user_id, created_by=created_by, lifetime=lifetime, is_handed_on=True
    )
    return PasswordResetLink(url=reset_address(settings, token=link.token), expires_at=link.expires_at)


async def send_password_reset(
    unit: Unit, *, runtime: Runtime, user_id: UUID, created_by: UUID | None = None
) -> datetime | None:
    """Mail such a link once the unit has committed; return its end, or nothing when the account is closed or gone."""
    person = await accounts_repository.find_person(unit, user_id=user_id)
    if person is None:
        return None
    return await recovery_service.send_password_reset(unit, runtime=runtime, person=person, created_by=created_by)
