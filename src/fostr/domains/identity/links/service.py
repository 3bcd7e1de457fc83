"""What whoever follows a link can do with it."""

from uuid import UUID

from fostr.domains.identity.links.errors import LinkInvalid
from fostr.domains.identity.links.rules import LOOK_UPS
from fostr.kernel.auth.links import Link, claim_link, find_link
from fostr.kernel.http.context import PublicContext
from fostr.kernel.limits.limit import check_limit, give_back, network_of


async def open_link(context: PublicContext, *, token: str, purpose: str) -> Link:
    """Look at a link without using it up.

    Raises:
        LinkInvalid: there is no such link, or it cannot be used any more.
        LinkThrottled: too many wrong ones came from the address.
    """
    database, network = context.runtime.database, network_of(context.facts.address)
    await check_limit(database, LOOK_UPS, subject=network)
    # In a unit of its own: what follows may take long (a hash), and no connection is held meanwhile.
    async with database.unit() as unit:
        link = await find_link(unit, token, purpose=purpose)
    if link is None:
        raise LinkInvalid
    await give_back(database, LOOK_UPS, subject=network)
    return link


async def use_link(context: PublicContext, *, token: str, purpose: str) -> Link:
    """Use a link up, in the request's transaction; of any number at once, one does.

    Raises:
        LinkInvalid: it cannot be used any more.
    """
    link = await claim_link(context.unit, token, purpose=purpose)
    if link is None:
        raise LinkInvalid
    return link


def check_workspace(link: Link, *, workspace_id: UUID | None) -> None:
    """Refuse a link that is about another workspace than its address says.

    Raises:
        LinkInvalid: it is.
    """
    if link.workspace_id != workspace_id:
        raise LinkInvalid
