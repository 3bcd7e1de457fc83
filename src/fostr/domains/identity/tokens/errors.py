"""How operations on personal access tokens are refused."""

from fostr.kernel.http.errors import Conflict, Forbidden, NotFound, Unprocessable


class TokenNotFound(NotFound):
    """The caller has no such token."""

    code = "token_not_found"
    detail = "You have no such token."


class TokenReplaced(Conflict):
    """The token was rotated, and works for a while yet."""

    code = "token_replaced"
    detail = "The token was rotated already; rotate its successor."


class ExpiryPast(Unprocessable):
    """The token would have ended before it began."""

    code = "expiry_in_the_past"
    detail = "The expiry must lie in the future."


class OutlivesItsMaker(Forbidden):
    """A token would have made one that lasts longer than itself."""

    code = "token_outlives_its_maker"
    detail = "A token cannot make one that works longer than itself."
