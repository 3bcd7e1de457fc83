"""How sending members a reset link is refused."""

from fostr.kernel.http.errors import Conflict
from fostr.kernel.limits.limit import LimitReached


class AccountBeyondWorkspace(Conflict):
    """The account is more than the workspace's: it opens other workspaces, or the installation."""

    code = "account_beyond_workspace"
    detail = "This account opens more than this workspace, so nobody here is handed a link to it; have it mailed."


class MemberResetThrottled(LimitReached):
    """Too many reset links were asked for."""

    code = "member_reset_throttled"
    detail = "Too many links to set a new password were asked for; try again later."
