"""What other domains, and the command line, may use of identity."""

from fostr.domains.identity.accounts import service as accounts_service
from fostr.domains.identity.accounts.schemas import User
from fostr.domains.identity.setup import service as setup_service
from fostr.kernel.crypto.passwords import Cost
from fostr.kernel.db.database import Database
from fostr.kernel.db.unit import Unit

__all__ = ["User", "create_user", "ensure_setup_link"]


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
