"""How links are refused."""

from fostr.kernel.http.errors import Forbidden
from fostr.kernel.limits.limit import LimitReached


class LinkInvalid(Forbidden):
    """The link is malformed, used, replaced by a newer one, or over; it is not said which."""

    code = "link_invalid"
    detail = "The link is not valid any more. Ask for a new one."


class LinkThrottled(LimitReached):
    """Too many links from one address were wrong."""

    code = "link_throttled"
    detail = "Too many wrong links came from your address; try again later."
