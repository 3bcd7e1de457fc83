"""Figures of what happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from fostr.domains.activity.feed.filters import ActivityFilterInvalid
from fostr.domains.activity.feed.reading import show_person
from fostr.domains.activity.stats.counting import Tally, count_visible
from fostr.domains.activity.stats.schemas import ActivityStats, CategoryCounts, DayCount, PersonCount
from fostr.domains.workspaces.public import list_shown_members
from fostr.kernel.access.cached import EpochCache

if TYPE_CHECKING:
    from datetime import date

    from fostr.kernel.http.context import Context

DAYS: Final = 30
WEEK: Final = 7
MOST_PEOPLE: Final = 10
COSTLY: Final = 500
"""Figures of more activities than this are remembered for a while."""
REMEMBERED_FOR: Final = timedelta(minutes=1)

_remembered: EpochCache[tuple[datetime, Tally]] = EpochCache(most=200)


async def get_stats(context: Context, *, time_zone: str) -> ActivityStats:
    """Return how much happened in the last 30 days, as far as the caller may see it.

    Raises:
        ActivityFilterInvalid: there is no such time zone.
    """
    zone = _zone(time_zone)
    counted_at, tally = await _count(context, zone)
    people = tally.actors.most_common(MOST_PEOPLE)
    named = [member_id for member_id, _ in people if member_id is not None]
    members = await list_shown_members(context.unit, member_ids=named) if named else {}
    figures = _Figures(tally, zone, counted_at.astimezone(zone).date())
    return ActivityStats(
        today=figures.since_day(figures.today),
        this_week=figures.since_day(figures.today - timedelta(days=figures.today.weekday())),
        last_7_days=figures.since_day(figures.today - timedelta(days=WEEK - 1)),
        last_30_days=figures.since_day(figures.first),
        by_category=CategoryCounts(**{name: tally.categories[name] for name in CategoryCounts.model_fields}),
        by_day=figures.days(),
        by_person=[
            PersonCount(person=None if one is None else show_person(members.get(one)), count=count)
            for one, count in people
        ],
        is_complete=tally.is_complete,
        counted_since=tally.since,
        generated_at=counted_at,
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        # A malformed name, an unknown one, one of a folder.
        raise ActivityFilterInvalid(f"There is no time zone {name!r}.", parameter="time_zone") from None


async def _count(context: Context, zone: ZoneInfo) -> tuple[datetime, Tally]:
    """Return what was counted and when: now, or a moment ago where it took some time."""
    access = context.access
    key = (access.workspace_id, access.member_id, access.principal.scope, access.principal.acting_as, zone.key)
    known = _remembered.find(key, epoch=access.rights_epoch)
    if known is not None and timedelta() <= context.now - known[0] < REMEMBERED_FOR:
        return known
    first = context.now.astimezone(zone).date() - timedelta(days=DAYS - 1)
    days = [first + timedelta(days=number) for number in range(DAYS)]
    tally = await count_visible(context, days=days, zone=zone)
    if tally.actors.total() > COSTLY:
        _remembered.keep(key, (context.now, tally), epoch=access.rights_epoch)
    return context.now, tally


@dataclass(frozen=True, slots=True)
class _Figures:
    """Figures of a tally, whose last day is today."""

    tally: Tally
    zone: ZoneInfo
    today: date

    @property
    def first(self) -> date:
        return self.today - timedelta(days=DAYS - 1)

    def is_counted(self, day: date) -> bool:
        """Say whether all of a day was counted."""
        return self.tally.is_complete or datetime.combine(day, time(), tzinfo=self.zone) > self.tally.since

    def since_day(self, first: date) -> int | None:
        """Return how much happened since the beginning of a day; None where that was not counted."""
        if not self.is_counted(first):
            return None
        return sum(count for day, count in self.tally.days.items() if day >= first)

    def days(self) -> list[DayCount]:
        each = [self.first + timedelta(days=number) for number in range(DAYS)]
        return [DayCount(date=day, count=self.tally.days[day] if self.is_counted(day) else None) for day in each]
