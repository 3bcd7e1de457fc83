"""How operations on members are refused."""

from fostr.kernel.http.errors import Conflict, NotFound, Unprocessable


class MemberNotFound(NotFound):
    """There is no such member in this workspace."""

    code = "member_not_found"
    detail = "There is no such member in this workspace."


class PersonNotFound(NotFound):
    """There is no such account."""

    code = "person_not_found"
    detail = "There is no such account."


class AlreadyMember(Conflict):
    """The person is a member already."""

    code = "already_member"
    detail = "This person is a member of the workspace already."


class RoleUnknown(Unprocessable):
    """The workspace has no such role."""

    code = "role_unknown"
    detail = "The workspace has no such role."
