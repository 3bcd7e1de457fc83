"""Operations on personal access tokens."""

from uuid import UUID

from fostr.domains.identity.tokens import service
from fostr.domains.identity.tokens.errors import ExpiryPast, OutlivesItsMaker, TokenNotFound
from fostr.domains.identity.tokens.schemas import (
    NewPersonalAccessToken,
    PersonalAccessToken,
    PersonalAccessTokenCreate,
)
from fostr.kernel.http.errors import ScopeInsufficient, raises
from fostr.kernel.http.paging import LimitedSlice, Page
from fostr.kernel.http.routing import Router
from fostr.kernel.http.scopes import Impersonating, KeyIsBound, SignedInPerson, SignedInToAdminister

router = Router(prefix="/personal-access-tokens", tags=["Personal access tokens"])


@router.get("", responses=raises(KeyIsBound))
async def list(context: SignedInPerson, part: LimitedSlice) -> Page[PersonalAccessToken]:  # noqa: A001 - endpoints are bare verbs
    """List the caller's own tokens, the newest first.

    Their secrets are not kept, so nobody can see them again. Revoked ones are left out.
    """
    return await service.list_tokens(context, part=part)


@router.post(
    "",
    status_code=201,
    responses=raises(ScopeInsufficient, ExpiryPast, OutlivesItsMaker, KeyIsBound, Impersonating),
)
async def create(context: SignedInToAdminister, data: PersonalAccessTokenCreate) -> NewPersonalAccessToken:
    """Make a token.

    The answer holds the token itself, this once. It works in every workspace of the caller, and never does more than
    they may do at that moment: `read` looks, `write` also changes things, `admin` also administers.
    """
    return await service.create_token(context, data=data)


@router.delete(
    "/{token_id}",
    status_code=204,
    responses=raises(TokenNotFound, ScopeInsufficient, KeyIsBound, Impersonating),
)
async def revoke(context: SignedInToAdminister, token_id: UUID) -> None:
    """Revoke one of the caller's tokens; it stops working at once."""
    await service.revoke_token(context, token_id=token_id)
