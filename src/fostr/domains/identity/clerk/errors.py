"""How a sign-in by Clerk is refused."""

from fostr.kernel.http.errors import Unauthorized, Unavailable
from fostr.kernel.limits.limit import LimitReached


class ClerkNotConfigured(Unavailable):
    """The operator has set no secret for it."""

    code = "clerk_not_configured"
    detail = "Signing in by Clerk is not set up on this server (FOSTR_CLERK_SECRET)."


class ClerkSecretWrong(Unauthorized):
    """The header is missing, or not the secret."""

    code = "clerk_secret_wrong"
    detail = "X-Clerk-Secret is missing or wrong."


class ClerkThrottled(LimitReached):
    """Too many secrets from one address were wrong."""

    code = "clerk_throttled"
    detail = "Too many wrong secrets came from your address; try again later."
