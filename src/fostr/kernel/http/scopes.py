"""What a credential needs for an operation on its owner's account, and for what cannot be undone.

In a workspace, the permission that an operation requires says which scope it takes. An account knows no permissions,
so its operations say it themselves.
"""

from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import Depends

from fostr.kernel.auth.principals import Scope
from fostr.kernel.http.context import AccountContext
from fostr.kernel.http.errors import Forbidden, Impersonating, ScopeInsufficient
from fostr.kernel.http.guards import SignedIn

CONFIRM_AT: Final = "/api/v1/auth/confirm"


class KeyIsBound(Forbidden):
    """An API key was used outside of its workspace."""

    code = "api_key_is_bound"
    detail = "An API key works inside its workspace only; this concerns the account behind it."


class RecentSignInRequired(Forbidden):
    """The session is good, and its person has not shown who they are for a while."""

    code = "recent_sign_in_required"
    detail = "Confirm that it is you, by POST /api/v1/auth/confirm or by signing in again; then repeat this."


class PersonRequired(Forbidden):
    """A token or a key asked for what takes a person who has just signed in."""

    code = "person_required"
    detail = "This takes a person who has just signed in; a token or a key cannot do it."


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
        Impersonating: an administrator acts in the name of the person; that goes for a workspace, not for the account.
    """
    if context.principal.acting_as is not None:
        raise Impersonating
    if context.principal.scope < Scope.WRITE:
        raise ScopeInsufficient
    return context


async def require_administration(context: Annotated[AccountContext, Depends(require_write)]) -> AccountContext:
    """Guard of operations on the caller's credentials.

    Raises:
        ScopeInsufficient: the credential is not of scope `admin`.
    """
    if context.principal.scope < Scope.ADMIN:
        raise ScopeInsufficient
    return context


SignedInPerson = Annotated[AccountContext, Depends(require_person)]
"""Anybody who is signed in, other than by a key that is bound to one workspace."""

SignedInToWrite = Annotated[AccountContext, Depends(require_write)]
"""Anybody who is signed in as themselves, by a credential that may change things."""

SignedInToAdminister = Annotated[AccountContext, Depends(require_administration)]
"""Anybody who is signed in as themselves, by a credential that may make others."""


def check_in_person(context: AccountContext) -> None:
    """Refuse whoever does not come with a session of their own.

    Raises:
        Impersonating: an administrator acts in the name of the person.
        PersonRequired: the credential is a token or a key.
    """
    if context.principal.acting_as is not None:
        raise Impersonating
    if context.principal.kind not in {"session", "jwt"}:
        raise PersonRequired


async def require_in_person(context: SignedIn) -> AccountContext:
    """Guard of operations that a person does in a session of their own; it refuses like `check_in_person`."""
    check_in_person(context)
    return context


def check_recent(context: AccountContext, *, tokens: bool = False) -> None:
    """Refuse whoever is not there in person, and just now.

    Args:
        context: the request.
        tokens: whether a personal access token or an API key will do as well. It does where the operation's scope is
            `admin` and automation is usual: such a credential was itself made after a recent sign-in.

    Raises:
        Impersonating: an administrator acts in the name of the person.
        PersonRequired: the credential is a token or a key.
        RecentSignInRequired: the session's person signed in, or confirmed, longer ago than the settings allow.
    """
    if tokens and context.principal.kind in {"pat", "api_key"}:
        return
    check_in_person(context)
    since = context.principal.authenticated_at
    minutes = context.settings.recent_sign_in_minutes
    if since is None or context.now - since > timedelta(minutes=minutes):
        raise RecentSignInRequired(confirm_at=CONFIRM_AT, within_minutes=minutes)


async def require_recent(context: SignedIn) -> AccountContext:
    """Guard of operations on an account that cannot be undone: a session whose person has just shown who they are.

    Raises:
        Impersonating: an administrator acts in the name of the person.
        PersonRequired: the credential is a token or a key.
        RecentSignInRequired: the sign-in is too long ago.
    """
    check_recent(context)
    return context


def recently(guard: Any, *, tokens: bool = False) -> Any:
    """Return a guard that asks for a recent sign-in after another guard has let the caller pass.

    As in `Annotated[Context, recently(in_workspace(DELETE_WORKSPACE))]`. It refuses like `check_recent`, and last: a
    stranger still gets 404.

    Args:
        guard: the guard to go first, as `in_workspace` and its like return it; or `Depends` of one.
        tokens: see `check_recent`.
    """

    async def check(context: Annotated[Any, guard]) -> Any:
        check_recent(context, tokens=tokens)
        return context

    return Depends(check)


SignedInInPerson = Annotated[AccountContext, Depends(require_in_person)]
"""Anybody in a session of their own, however long ago they signed in."""

SignedInRecently = Annotated[AccountContext, Depends(require_recent)]
"""Anybody who has just signed in, or confirmed who they are, and is there in person."""

AdministeringRecently = Annotated[AccountContext, recently(Depends(require_administration), tokens=True)]
"""Like `SignedInToAdminister`; and if they come with a session, they have just signed in."""
