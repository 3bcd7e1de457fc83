"""Operations on sessions."""

from uuid import UUID

from fastapi import Depends, Response

from fostr.domains.identity.accounts.schemas import Done
from fostr.domains.identity.factors.schemas import SecondFactorNeeded
from fostr.domains.identity.sessions import service
from fostr.domains.identity.sessions.cookies import clear_cookie, set_cookie
from fostr.domains.identity.sessions.errors import (
    InvalidCredentials,
    NotASession,
    RefreshThrottled,
    RefreshTokenExpired,
    RefreshTokenInvalid,
    RefreshTokenReplayed,
    SessionNotFound,
    SignInThrottled,
)
from fostr.domains.identity.sessions.leaving import leave
from fostr.domains.identity.sessions.schemas import Login, Refresh, Session, SessionsEnded, SignedIn, TokenPair
from fostr.kernel.http.errors import CrossSiteRequest, raises
from fostr.kernel.http.guards import Public, check_same_site
from fostr.kernel.http.guards import SignedIn as Caller
from fostr.kernel.http.paging import LimitedSlice, Page
from fostr.kernel.http.routing import Router
from fostr.kernel.http.scopes import Impersonating, KeyIsBound, SignedInPerson, SignedInToAdminister

router = Router(prefix="/auth", tags=["Authentication"])
sessions_router = Router(prefix="/auth/sessions", tags=["Sessions"])


@router.post(
    "/login",
    dependencies=[Depends(check_same_site)],
    responses=raises(InvalidCredentials, SignInThrottled, CrossSiteRequest),
)
async def login(context: Public, data: Login, response: Response) -> SignedIn | SecondFactorNeeded:
    """Sign in with e-mail address and password.

    Sets the session cookie for a browser, and answers with a pair of tokens for a program. An account with a second
    factor gets `mfa_required` and an `mfa_token` instead, for `/auth/login/second-factor`. After ten failures within a
    quarter of an hour the address has to wait.
    """
    opened = await service.sign_in(context, data=data)
    if isinstance(opened, SecondFactorNeeded):
        return opened
    set_cookie(response, opened.cookie, settings=context.settings)
    return SignedIn.of(opened)


@router.post(
    "/refresh",
    responses=raises(RefreshTokenInvalid, RefreshTokenExpired, RefreshTokenReplayed, RefreshThrottled),
)
async def refresh(context: Public, data: Refresh) -> TokenPair:
    """Exchange a refresh token for a new pair.

    Each refresh token is good for one exchange. One that comes a second time has been copied, so it ends its session.
    """
    return await service.refresh(context, refresh_token=data.refresh_token)


@router.post("/logout", responses=raises(NotASession))
async def logout(context: Caller, response: Response) -> Done:
    """End the session, on the server as well as in the browser.

    The cookie, the access tokens and the refresh token of this session stop working at once.
    """
    await leave(context)
    clear_cookie(response, settings=context.settings)
    return Done(ok=True)


@sessions_router.get("", responses=raises(KeyIsBound))
async def list(context: SignedInPerson, part: LimitedSlice) -> Page[Session]:  # noqa: A001 - endpoints are bare verbs
    """List the caller's sessions that are still good, the one used last first."""
    return await service.list_sessions(context, part=part)


@sessions_router.delete("", responses=raises(KeyIsBound, Impersonating))
async def end_others(context: SignedInToAdminister) -> SessionsEnded:
    """End every session of the caller but the one that asks.

    With a token, none asks, and all end. Personal access tokens and keys stay.
    """
    return SessionsEnded(ended=await service.end_other_sessions(context, reason="revoked"))


@sessions_router.delete("/{session_id}", status_code=204, responses=raises(SessionNotFound, KeyIsBound, Impersonating))
async def end(context: SignedInToAdminister, session_id: UUID) -> None:
    """End one of the caller's sessions, wherever it is."""
    await service.end_session(context, session_id=session_id)
