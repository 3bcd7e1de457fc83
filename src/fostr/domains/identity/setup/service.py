"""How a new installation gets its first administrator."""

import structlog

from fostr.domains.identity.accounts import service as accounts
from fostr.domains.identity.sessions.schemas import OpenedSession
from fostr.domains.identity.setup import repository
from fostr.domains.identity.setup.errors import SetupLinkInvalid
from fostr.domains.identity.setup.rules import ATTEMPTS, PREFIX, VALID_FOR
from fostr.domains.identity.setup.schemas import Setup
from fostr.domains.workspaces.public import Workspace
from fostr.kernel import clock
from fostr.kernel.crypto.tokens import check_token, digest_token, mint_token
from fostr.kernel.db.database import Database
from fostr.kernel.http.context import PublicContext
from fostr.kernel.limits.limit import check_limit, give_back, network_of

log = structlog.get_logger(__name__)


async def ensure_setup_link(database: Database, *, public_url: str) -> str | None:
    async with database.unit() as unit:
        if await repository.has_administrator(unit):
            await repository.delete_links(unit)
            return None
        token, now = mint_token(PREFIX), clock.now()
        await repository.replace_link(unit, digest=digest_token(token), now=now, expires_at=now + VALID_FOR)
    # In the fragment, which no browser sends: the token stands in no server's log and in no Referer.
    return f"{public_url}/setup#token={token}"


async def set_up(context: PublicContext, *, data: Setup) -> tuple[OpenedSession, Workspace]:
    """Make the first administrator with a workspace, and sign them in."""
    database, network = context.runtime.database, network_of(context.facts.address)
    await check_limit(database, ATTEMPTS, subject=network)
    if not check_token(data.token, prefix=PREFIX):
        raise SetupLinkInvalid
    if not await repository.use_link(context.unit, digest=digest_token(data.token), now=context.now):
        raise SetupLinkInvalid
    if await repository.has_administrator(context.unit):
        raise SetupLinkInvalid
    made = await accounts.create_with_workspace(context, data=data, is_superuser=True)
    await give_back(database, ATTEMPTS, subject=network)
    log.info("set_up", user_id=str(made[0].user.id))
    return made
