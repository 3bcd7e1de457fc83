"""Operations on personal access tokens."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from fostr.domains.identity.tokens import service
from fostr.domains.identity.tokens.errors import ExpiryPast, OutlivesItsMaker, TokenNotFound, TokenReplaced
from fostr.domains.identity.tokens.schemas import (
    NewPersonalAccessToken,
    PersonalAccessToken,
    PersonalAccessTokenCreate,
    PersonalAccessTokenRotation,
)
from fostr.kernel.http.errors import ScopeInsufficient, raises
from fostr.kernel.http.paging import LimitedSlice, Page
from fostr.kernel.http.routing import Router
from fostr.kernel.http.scopes import (
    AdministeringRecently,
    Impersonating,
    KeyIsBound,
    RecentSignInRequired,
    SignedInPerson,
    SignedInToAdminister,
)

router = Router(prefix="/personal-access-tokens", tags=["Personal access tokens"])

AT_ONCE: Final = PersonalAccessTokenRotation()


@router.get("", responses=raises(KeyIsBound))
async def list(context: SignedInPerson, part: LimitedSlice) -> Page[PersonalAccessToken]:  # noqa: A001 - endpoints are bare verbs
    """List the caller's own tokens, the newest first.

    Their secrets are not kept, so nobody can see them again. Revoked ones are left out.
    """
    return await service.list_tokens(context, part=part)


@router.post(
    "",
    status_code=201,
    responses=raises(ScopeInsufficient, ExpiryPast, OutlivesItsMaker, KeyIsBound, Impersonating, RecentSignInRequired),
)
async def create(context: AdministeringRecently, data: PersonalAccessTokenCreate) -> NewPersonalAccessToken:
    """Make a token.

    The answer holds the token itself, this once. It works in every workspace of the caller, and never does more than
    they may do at that moment: `read` looks, `write` also changes things, `admin` also administers. With a session it
    takes a recent sign-in; a token of scope `admin` may make others, no larger and no longer lived than itself.
    """
    return await service.create_token(context, data=data)


@router.post(
    "/{token_id}/rotate",
    responses=raises(
        TokenNotFound,
        TokenReplaced,
        ScopeInsufficient,
        ExpiryPast,
        OutlivesItsMaker,
        KeyIsBound,
        Impersonating,
        RecentSignInRequired,
    ),
)
async def rotate(
    context: AdministeringRecently, token_id: UUID, data: PersonalAccessTokenRotation = AT_ONCE
) -> NewPersonalAccessToken:
    """Replace one of the caller's tokens by a new one with the same settings.

    The old one is revoked; with `overlap_seconds` it goes on working that long. The answer holds the new token itself,
    this once.
    """
    return await service.rotate_token(context, token_id=token_id, overlap=timedelta(seconds=data.overlap_seconds))


@router.delete(
    "/{token_id}",
    status_code=204,
    responses=raises(TokenNotFound, ScopeInsufficient, KeyIsBound, Impersonating),
)
async def revoke(context: SignedInToAdminister, token_id: UUID) -> None:
    """Revoke one of the caller's tokens; it stops working at once."""
    await service.revoke_token(context, token_id=token_id)
