"""How operations on teams are refused."""

from fostr.kernel.http.errors import Conflict, Forbidden, NotFound, Unprocessable


class TeamNotFound(NotFound):
    """There is no such team in this workspace."""

    code = "team_not_found"
    detail = "There is no such team in this workspace."


class TeamMemberNotFound(NotFound):
    """The team has no such member."""

    code = "team_member_not_found"
    detail = "This member is not in the team."


class TeamNameTaken(Conflict):
    """Another team has that name."""

    code = "team_name_taken"
    detail = "Another team has this name; capitals make no difference."


class AlreadyInTeam(Conflict):
    """The member is in the team already."""

    code = "already_in_team"
    detail = "This member is in the team already."


class TeamCycle(Conflict):
    """A team would stand above itself."""

    code = "team_cycle"
    detail = "A team cannot stand below itself or below one of its own teams."


class ParentTeamUnknown(Unprocessable):
    """The team that was named as the parent does not exist."""

    code = "parent_team_unknown"
    detail = "There is no such team to stand below."


class NotTeamLead(Forbidden):
    """The caller neither manages teams nor leads this one."""

    code = "not_team_lead"
    detail = "Only its leads and administrators may change who is in a team."
