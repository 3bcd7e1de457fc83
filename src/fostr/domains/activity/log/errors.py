"""Refusals of this resource."""

from fostr.kernel.http.errors import FostrError


class EventsGone(FostrError):
    """The event to go on from is not in the log."""

    status = 410
    code = "events_gone"
    detail = (
        "That event is not in the log, or not any more, so what followed it cannot be told in full. Fetch what you "
        "show anew, and go on from `after=latest`; or read what is left of the log, without `after`."
    )
