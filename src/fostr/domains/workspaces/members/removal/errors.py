"""How deleting an account is refused."""

from fostr.kernel.http.errors import Conflict


class MemberElsewhere(Conflict):
    """The person belongs to other workspaces, too; `workspace_count` says how many there are."""

    code = "member_elsewhere"
    detail = "This person is in other workspaces, too; they can be removed from this one only."


class MemberIsSuperuser(Conflict):
    """The person administers the installation."""

    code = "member_is_superuser"
    detail = "This person administers the installation; their account cannot be deleted from a workspace."
