"""End the session that asks for it."""

from fostr.domains.identity.impersonation.service import end_by_sign_out
from fostr.domains.identity.sessions.service import sign_out
from fostr.kernel.http.context import AccountContext


async def leave(context: AccountContext) -> None:
    """Sign out; somebody who acts in another's name leaves their name by that."""
    if context.principal.acting_as is not None and await end_by_sign_out(context):
        return
    await sign_out(context)
