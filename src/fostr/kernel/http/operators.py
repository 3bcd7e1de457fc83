"""Guard of what only those may see who administer the whole server."""

from typing import Annotated

from fastapi import Depends

from fostr.kernel.http.context import AccountContext
from fostr.kernel.http.errors import NotFound
from fostr.kernel.http.guards import SignedIn


async def require_operator(context: SignedIn) -> AccountContext:
    """Guard of operations on the server as a whole: a superuser, in a session of their own.

    To everybody else who is signed in, there is no such thing; a token of a superuser's counts as somebody else, since
    what is shown here (links that were mailed to people) is more than any token should open.

    Raises:
        NotFound: the caller does not administer this server, or not in person.
    """
    principal = context.principal
    if not principal.is_superuser:
        raise NotFound
    if principal.acting_as is not None:
        raise NotFound
    if principal.kind not in {"session", "jwt"}:
        raise NotFound
    return context


Operator = Annotated[AccountContext, Depends(require_operator)]
"""A superuser who is signed in themselves."""
