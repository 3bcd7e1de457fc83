"""What a credential needs for an operation on its owner's account.

In a workspace, the permission that an operation requires says which scope it takes. An account knows no permissions,
so its operations say it themselves.
"""

from typing import Annotated

from fastapi import Depends

from fostr.kernel.auth.principals import Scope
from fostr.kernel.http.context import AccountContext
from fostr.kernel.http.errors import Forbidden, ScopeInsufficient
from fostr.kernel.http.guards import SignedIn


class KeyIsBound(Forbidden):
    """An API key was used outside of its workspace."""

    code = "api_key_is_bound"
    detail = "An API key works inside its workspace only; this concerns the account behind it."


class Impersonating(Forbidden):
    """Somebody else acts in the name of the person."""

    code = "impersonating"
    detail = "This is for the person alone, not for somebody who acts in their name."


async def require_person(context: SignedIn) -> AccountContext:
    """Guard of operations that show what is the person's alone.

    Raises:
        KeyIsBound: the credential is an API key.
    """
    if context.principal.kind == "api_key":
        raise KeyIsBound
    return context


async def require_write(context: Annotated[AccountContext, Depends(require_person)]) -> AccountContext:
    """Guard of operations that change the caller's account.

    Raises:
        ScopeInsufficient: the credential is for reading only.
    """
    if context.principal.scope < Scope.WRITE:
        raise ScopeInsufficient
    return context


async def require_administration(context: Annotated[AccountContext, Depends(require_write)]) -> AccountContext:
    """Guard of operations on the caller's credentials.

    Raises:
        ScopeInsufficient: the credential is not of scope `admin`.
        Impersonating: an administrator acts in the name of the person.
    """
    if context.principal.scope < Scope.ADMIN:
        raise ScopeInsufficient
    if context.principal.acting_as is not None:
        raise Impersonating
    return context


SignedInPerson = Annotated[AccountContext, Depends(require_person)]
"""Anybody who is signed in, other than by a key that is bound to one workspace."""

SignedInToWrite = Annotated[AccountContext, Depends(require_write)]
"""Anybody who is signed in, by a credential that may change things."""

SignedInToAdminister = Annotated[AccountContext, Depends(require_administration)]
"""Anybody who is signed in as themselves, by a credential that may make others."""
