"""How operations on teams are refused."""

from fostr.kernel.http.errors import NotFound


class TeamNotFound(NotFound):
    """There is no such team in this workspace."""

    code = "team_not_found"
    detail = "There is no such team in this workspace."
