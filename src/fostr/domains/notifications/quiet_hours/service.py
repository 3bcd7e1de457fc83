"""What members choose about when nothing arrives."""

from __future__ import annotations

from datetime import time
from functools import cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, available_timezones

from fostr.domains.notifications.deliveries.events import QUIET_HOURS_UPDATED, SETTINGS
from fostr.domains.notifications.deliveries.planning import plan_anew
from fostr.domains.notifications.quiet_hours import repository
from fostr.domains.notifications.quiet_hours.errors import QuietHoursEndless, TimeZoneUnknown
from fostr.domains.notifications.quiet_hours.rules import QuietHours as Hours
from fostr.domains.notifications.quiet_hours.rules import quiet_until, read_hours
from fostr.domains.notifications.quiet_hours.schemas import QuietHours
from fostr.kernel.events.outbox import record

if TYPE_CHECKING:
    from fostr.domains.notifications.quiet_hours.schemas import QuietHoursUpdate
    from fostr.kernel.http.context import Context

PROPOSED: Final = Hours(start=time(22), end=time(7), zone=ZoneInfo("UTC"))
"""What is shown, switched off, to who chose nothing."""


async def get_quiet_hours(context: Context) -> QuietHours:
    """Return the caller's quiet hours in this workspace."""
    row = await repository.find_quiet_hours(context.unit, member_id=context.member_id)
    if row is None:
        return _shown(context, PROPOSED, is_enabled=False)
    return _shown(context, read_hours(row), is_enabled=row["is_enabled"])


async def update_quiet_hours(context: Context, data: QuietHoursUpdate) -> QuietHours:
    """Choose quiet hours; they hold for what waits to be sent, too.

    Raises:
        TimeZoneUnknown: the IANA database has no such zone.
        QuietHoursEndless: they would never end.
    """
    hours = _read(data)
    await repository.save_quiet_hours(
        context.unit, member_id=context.member_id, is_enabled=data.is_enabled, hours=hours, now=context.now
    )
    shown = _shown(context, hours, is_enabled=data.is_enabled)
    facts = {**shown.model_dump(exclude={"quiet_until"}), "member_id": str(context.member_id)}
    await record(context, type=QUIET_HOURS_UPDATED, entity=SETTINGS, entity_id=context.member_id, after=facts)
    await plan_anew(context.unit, member_id=context.member_id, now=context.now)
    return shown


def _read(data: QuietHoursUpdate) -> Hours:
    if data.time_zone not in _zones():
        raise TimeZoneUnknown
    hours = Hours(
        start=time.fromisoformat(data.start),
        end=time.fromisoformat(data.end),
        zone=ZoneInfo(data.time_zone),
        days=frozenset(data.days),
    )
    if hours.are_endless:
        raise QuietHoursEndless
    return hours


@cache
def _zones() -> frozenset[str]:
    """Return the names of all zones: some systems keep other files beside them that can be loaded as well."""
    return frozenset(available_timezones())


def _shown(context: Context, hours: Hours, *, is_enabled: bool) -> QuietHours:
    return QuietHours(
        is_enabled=is_enabled,
        start=hours.start.isoformat("minutes"),
        end=hours.end.isoformat("minutes"),
        time_zone=hours.zone.key,
        days=sorted(hours.days),
        quiet_until=quiet_until(hours, context.now) if is_enabled else None,
    )
