"""How impersonation is refused."""

from fostr.kernel.http.errors import Conflict, Forbidden, NotFound
from fostr.kernel.limits.limit import LimitReached


class ImpersonationNotFound(NotFound):
    """There is no such impersonation in the workspace."""

    code = "impersonation_not_found"
    detail = "There is no such impersonation in this workspace."


class ImpersonationEnded(Conflict):
    """It is over already."""

    code = "impersonation_ended"
    detail = "This impersonation is over already."


class NotImpersonable(Forbidden):
    """Nobody acts in the name of an administrator of the installation, or in their own."""

    code = "not_impersonable"
    detail = "Nobody acts in the name of somebody who administers this server, or in their own."


class ImpersonationThrottled(LimitReached):
    """Too many impersonations were asked for."""

    code = "impersonation_throttled"
    detail = "Too many impersonations were asked for; try again later."
