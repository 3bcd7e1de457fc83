"""Operations on accounts."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from fostr.domains.identity.accounts import service
from fostr.domains.identity.accounts.errors import (
    CurrentPasswordWrong,
    EmailTaken,
    PasswordChangeThrottled,
    RegistrationThrottled,
)
from fostr.domains.identity.accounts.schemas import (
    Developer,
    Done,
    PasswordChange,
    Profile,
    Registration,
    SignUp,
    User,
    UserUpdate,
)
from fostr.domains.identity.passwords import service as passwords
from fostr.domains.identity.passwords.errors import PasswordTooWeak
from fostr.domains.identity.sessions.cookies import set_cookie
from fostr.domains.identity.sessions.schemas import SignedUp
from fostr.kernel.http.concurrency import ExpectedVersion, IfMatchInvalid
from fostr.kernel.http.errors import CrossSiteRequest, NotFound, ScopeInsufficient, StaleUpdate, raises
from fostr.kernel.http.guards import Public, SignedIn, check_same_site
from fostr.kernel.http.routing import Router
from fostr.kernel.http.scopes import Impersonating, KeyIsBound, SignedInToAdminister, SignedInToWrite

router = Router(prefix="/auth", tags=["Authentication"])
developers_router = Router(prefix="/developers", tags=["Developers"])

InWorkspace = Annotated[UUID | None, Query(description="Also show the caller as a member of this workspace.")]


@router.post("/register", status_code=201, responses=raises(EmailTaken, PasswordTooWeak, RegistrationThrottled))
async def register(context: Public, data: Registration) -> User:
    """Make an account.

    It is in no workspace yet, and nobody is signed in. `/auth/signup` does all of that in one go. A mail asks the
    person to confirm the address; signing in does not wait for that.
    """
    return await service.register(context, data=data)


@router.post(
    "/signup",
    status_code=201,
    dependencies=[Depends(check_same_site)],
    responses=raises(EmailTaken, PasswordTooWeak, RegistrationThrottled, CrossSiteRequest),
)
async def sign_up(context: Public, data: SignUp, response: Response) -> SignedUp:
    """Make an account with a workspace of its own, and sign in.

    The person is the workspace's owner. Sets the session cookie, and answers with tokens and workspace. A mail asks
    them to confirm the address; nothing waits for that.
    """
    opened, workspace = await service.sign_up(context, data=data)
    set_cookie(response, opened.cookie, settings=context.settings)
    return SignedUp.of(opened, workspace=workspace)


@router.get("/me", responses=raises(NotFound))
async def get(context: SignedIn, workspace_id: InWorkspace = None) -> Profile:
    """Show the caller's account, and who they are in a workspace."""
    return await service.get_profile(context, workspace_id=workspace_id)


@router.patch(
    "/me", responses=raises(NotFound, StaleUpdate, IfMatchInvalid, ScopeInsufficient, KeyIsBound, Impersonating)
)
async def update(
    context: SignedInToWrite,
    data: UserUpdate,
    expected_version: ExpectedVersion,
    workspace_id: InWorkspace = None,
) -> Profile:
    """Change the caller's account.

    Their workspaces show the change a moment later; the one that is named shows it at once.
    """
    return await service.update_profile(
        context, data=data, workspace_id=workspace_id, expected_version=expected_version
    )


@router.post(
    "/me/password",
    responses=raises(
        CurrentPasswordWrong,
        PasswordTooWeak,
        PasswordChangeThrottled,
        ScopeInsufficient,
        KeyIsBound,
        Impersonating,
    ),
)
async def change_password(context: SignedInToAdminister, data: PasswordChange) -> Done:
    """Change the caller's password.

    Every other session of theirs ends, and a mail tells them of it. Personal access tokens stay; they are revoked one
    by one.
    """
    await passwords.change_password(context, data=data)
    return Done(ok=True)


@developers_router.get("/me")
async def describe(context: SignedIn) -> Developer:
    """Say who a credential stands for, of what kind it is, and what it may be used for."""
    return await service.describe_developer(context)
