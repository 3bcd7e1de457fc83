"""How operations on workspaces are refused."""

from fostr.kernel.http.errors import BadRequest, NotFound


class WorkspaceNotFound(NotFound):
    """There is no such workspace, or the caller is no member of it."""

    code = "workspace_not_found"
    detail = "There is no such workspace."


class SessionRequired(BadRequest):
    """The operation is about the caller's session, and they came with a token or a key."""

    code = "session_required"
    detail = "This works with a session only: sign in. With a token, name the workspace in X-Workspace-Id."
