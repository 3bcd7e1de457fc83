"""Operations on activation."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from fostr.domains.identity.accounts.schemas import Done
from fostr.domains.identity.activation import service
from fostr.domains.identity.activation.errors import ActivationThrottled, PasswordRequired
from fostr.domains.identity.activation.schemas import Activation, ActivationCompletion, ActivationRequest
from fostr.domains.identity.factors.schemas import SecondFactorNeeded
from fostr.domains.identity.links.errors import LinkInvalid, LinkThrottled
from fostr.domains.identity.passwords.errors import PasswordTooWeak
from fostr.domains.identity.sessions.cookies import set_cookie
from fostr.domains.identity.sessions.schemas import SignedIn
from fostr.kernel.http.errors import CrossSiteRequest, raises
from fostr.kernel.http.guards import Public, check_same_site
from fostr.kernel.http.routing import Router

router = Router(prefix="/auth/activation", tags=["Authentication"])

Token = Annotated[str, Query(max_length=200, description="What stands behind `token=` in the mailed link.")]
InLink = Annotated[UUID | None, Query(description="The workspace that stands in the link; none where none is.")]


@router.get("/validate", responses=raises(LinkInvalid, LinkThrottled))
async def validate(context: Public, token: Token, workspace_id: InLink = None) -> Activation:
    """Show what an activation link activates, without using it up.

    The token is the proof; nobody has to be signed in. The link of an account that is in no workspace yet names none.
    """
    return await service.show_activation(context, token=token, workspace_id=workspace_id)


@router.post(
    "/complete",
    dependencies=[Depends(check_same_site)],
    responses=raises(LinkInvalid, LinkThrottled, PasswordRequired, PasswordTooWeak, CrossSiteRequest),
)
async def complete(context: Public, data: ActivationCompletion, response: Response) -> SignedIn | SecondFactorNeeded:
    """Activate an account: confirm its address, and choose its password.

    An account that was made for somebody needs a password; one that they made themselves has it, and keeps it unless a
    new one is given, which ends all its sessions. Then the person is signed in as by `/auth/login`. The link works
    once.
    """
    opened = await service.complete_activation(context, data=data)
    if isinstance(opened, SecondFactorNeeded):
        return opened
    set_cookie(response, opened.cookie, settings=context.settings)
    return SignedIn.of(opened)


@router.post("/resend", responses=raises(ActivationThrottled))
async def resend(context: Public, data: ActivationRequest) -> Done:
    """Send a new activation link, which voids the one before.

    The answer is the same whether or not there is such an account, and whether or not it needs activating.
    """
    await service.resend(context, data=data)
    return Done(ok=True)
