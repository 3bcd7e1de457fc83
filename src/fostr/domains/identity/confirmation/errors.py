"""How a confirmation is refused."""

from fostr.kernel.http.errors import Forbidden
from fostr.kernel.limits.limit import LimitReached


class ConfirmationWrong(Forbidden):
    """What was given as proof is not the person's."""

    code = "confirmation_wrong"
    detail = "This does not prove that it is you."


class ConfirmationThrottled(LimitReached):
    """Confirming failed too often."""

    code = "confirmation_throttled"
    detail = "Confirming failed too often; try again later."
