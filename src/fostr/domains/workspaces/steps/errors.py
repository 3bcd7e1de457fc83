"""How running steps is refused."""

from fostr.kernel.http.errors import Unavailable


class StepsUnderWay(Unavailable):
    """Somebody else brings the workspace up to date, or did until a moment ago."""

    code = "steps_under_way"
    detail = "The workspace is being brought up to date already; try again in a while."
