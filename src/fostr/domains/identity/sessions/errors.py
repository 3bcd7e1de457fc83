"""How operations on sessions are refused."""

from fostr.kernel.http.errors import BadRequest, NotFound, Unauthorized
from fostr.kernel.limits.limit import LimitReached


class InvalidCredentials(Unauthorized):
    """The address and the password do not belong together; it is not said which is wrong."""

    code = "invalid_credentials"
    detail = "E-mail address or password is wrong."


class SignInThrottled(LimitReached):
    """Too many attempts to sign in failed."""

    code = "sign_in_throttled"
    detail = "Too many failed attempts to sign in; try again later."


class RefreshThrottled(LimitReached):
    """Too many refresh tokens were refused."""

    code = "refresh_throttled"
    detail = "Too many refresh tokens from your address were refused; try again later."


class RefreshTokenInvalid(Unauthorized):
    """The token is malformed or unknown, or its session has ended."""

    code = "refresh_token_invalid"
    detail = "The refresh token is not valid; sign in again."


class RefreshTokenExpired(Unauthorized):
    """The token was not used in time."""

    code = "refresh_token_expired"
    detail = "The refresh token has expired; sign in again."


class RefreshTokenReplayed(Unauthorized):
    """The token was used before. Somebody has a copy, so the session was ended."""

    code = "refresh_token_replayed"
    detail = "The refresh token was used before, so its session was ended; sign in again."


class SessionNotFound(NotFound):
    """The caller has no such session."""

    code = "session_not_found"
    detail = "You have no such session."


class NotASession(BadRequest):
    """A token or a key cannot sign out."""

    code = "not_a_session"
    detail = "You came with a token or a key, which has no session to end; revoke it instead."
