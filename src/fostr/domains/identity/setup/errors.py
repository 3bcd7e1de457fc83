"""How the setting up is refused."""

from fostr.kernel.http.errors import Forbidden
from fostr.kernel.limits.limit import LimitReached


class SetupLinkInvalid(Forbidden):
    """The link is malformed, used, replaced or over, or there is an administrator already."""

    code = "setup_link_invalid"
    detail = (
        "The link is not valid any more. While there is no administrator, each start of the server prints a new one."
    )


class SetupThrottled(LimitReached):
    """Too many links from one address were wrong."""

    code = "setup_throttled"
    detail = "Too many wrong links came from your address; try again later."
