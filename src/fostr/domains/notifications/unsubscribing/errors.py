"""How unsubscribing is refused."""

from fostr.kernel.http.errors import BadRequest
from fostr.kernel.limits.limit import LimitReached


class UnsubscribeLinkInvalid(BadRequest):
    """The link was not made here, was altered, or is over; it is not said which."""

    code = "unsubscribe_link_invalid"
    detail = "This link is not valid any more. Newer mail has a newer one, and the settings of notifications need none."


class UnsubscribeThrottled(LimitReached):
    """Too many links from one address were wrong."""

    code = "unsubscribe_throttled"
    detail = "Too many wrong links came from your address; try again later."
