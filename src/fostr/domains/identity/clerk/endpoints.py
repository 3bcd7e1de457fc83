"""Operations for front ends that sign people in by Clerk."""

from typing import Annotated

from fastapi import Header

from fostr.domains.identity.clerk import service
from fostr.domains.identity.clerk.errors import ClerkNotConfigured, ClerkSecretWrong, ClerkThrottled
from fostr.domains.identity.clerk.schemas import ClerkSession, ClerkStranger, ClerkUser
from fostr.domains.identity.factors.schemas import SecondFactorNeeded
from fostr.kernel.http.errors import raises
from fostr.kernel.http.guards import Public
from fostr.kernel.http.routing import Router

router = Router(prefix="/auth/clerk", tags=["Authentication"])

Secret = Annotated[str, Header(alias="X-Clerk-Secret", description="The secret that this server shares with it.")]


@router.post("/check-user", responses=raises(ClerkNotConfigured, ClerkSecretWrong, ClerkThrottled))
async def check(
    context: Public, data: ClerkUser, x_clerk_secret: Secret = ""
) -> ClerkSession | SecondFactorNeeded | ClerkStranger:
    """Sign in somebody whom Clerk has signed in, if they have an account here.

    Called by the server of a front end, which has checked Clerk's token and knows the secret. No account is made: for
    somebody without one the answer is `exists: false`. An account with a second factor gets `mfa_required`, as from
    `/auth/login`. A password that was set before anybody had proved the address is dropped. No cookie is set.
    """
    return await service.check_user(context, secret=x_clerk_secret, data=data)
