"""How quiet hours are refused."""

from fostr.kernel.http.errors import Unprocessable


class TimeZoneUnknown(Unprocessable):
    """The IANA database has no such zone."""

    code = "time_zone_unknown"
    detail = "There is no such time zone. Zones have names like Europe/Berlin."


class QuietHoursEndless(Unprocessable):
    """They would never end."""

    code = "quiet_hours_endless"
    detail = "Quiet hours that begin anew when they end would hold notifications for ever. Leave some time between."
