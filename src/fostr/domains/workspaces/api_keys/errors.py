"""How operations on API keys are refused."""

from fostr.kernel.http.errors import Conflict, NotFound, Unprocessable


class ApiKeyNotFound(NotFound):
    """There is no such key in this workspace."""

    code = "api_key_not_found"
    detail = "There is no such API key in this workspace."


class ApiKeyRevoked(Conflict):
    """The key was revoked, which is final."""

    code = "api_key_revoked"
    detail = "The key is revoked, and stays so; make a new one."


class ApiKeyReplaced(Conflict):
    """The key was rotated, and works for a while yet."""

    code = "api_key_replaced"
    detail = "The key was rotated already; rotate its successor."


class ExpiryPast(Unprocessable):
    """The key would have ended before it began."""

    code = "expiry_in_the_past"
    detail = "The expiry must lie in the future."
