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


class InvitationRequired(NotFound):
    """Nobody has an account with that address, so nobody can be added by it."""

    code = "invitation_required"
    detail = "Nobody has an account with this address; send an invitation instead."


class AlreadyMember(Conflict):
    """The person is a member already."""

    code = "already_member"
    detail = "This person is a member of the workspace already."


class RoleUnknown(Unprocessable):
    """The workspace has no such role."""

    code = "role_unknown"
    detail = "The workspace has no such role."


class MemberIsSelf(Conflict):
    """Nobody locks themselves out."""

    code = "member_is_self"
    detail = "This cannot be done to yourself; ask another administrator."


class MemberNotJoined(Conflict):
    """The person has not accepted their invitation yet."""

    code = "member_not_joined"
    detail = "This person has not accepted their invitation yet."
