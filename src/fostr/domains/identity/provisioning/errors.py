"""How provisioning is refused."""

from fostr.kernel.http.errors import Forbidden
from fostr.kernel.limits.limit import LimitReached


class SuperuserRequired(Forbidden):
    """Only who administers the installation may do this."""

    code = "superuser_required"
    detail = "Only an administrator of this server may do this."


class OwnerClosed(Forbidden):
    """The account of the address that was to own the workspace is closed."""

    code = "owner_closed"
    detail = "The account of this address is closed."


class FollowingThrottled(LimitReached):
    """Too many ids were wrong."""

    code = "following_throttled"
    detail = "Too many unknown jobs were asked for; try again later."
