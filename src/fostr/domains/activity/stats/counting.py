"""Count what a caller may see: in the database for who sees everything, one by one for everybody else."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Final
from uuid import UUID

from fostr.domains.activity.feed.reading import AT_ONCE
from fostr.domains.activity.feed.repository import list_activities
from fostr.domains.activity.feed.rules import Place, Wanted
from fostr.domains.activity.stats import repository
from fostr.kernel.access.catalogue import ALWAYS_EVERYTHING
from fostr.kernel.events.log import to_event
from fostr.kernel.events.visibility import see_events
from fostr.kernel.modules import list_modules

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from fostr.kernel.access.access import Access
    from fostr.kernel.http.context import Context

MOST_LOOKED_AT: Final = 3000


@dataclass(slots=True)
class Tally:
    """What was counted.

    Attributes:
        since: from when on.
        is_complete: whether that is as far as was asked.
    """

    since: datetime
    is_complete: bool = True
    days: Counter[date] = field(default_factory=Counter[date])
    categories: Counter[str] = field(default_factory=Counter[str])
    actors: Counter[UUID | None] = field(default_factory=Counter[UUID | None])

    def add(self, day: date, category: str, actor_id: UUID | None, count: int = 1) -> None:
        """Count some activities."""
        self.days[day] += count
        self.categories[category] += count
        self.actors[actor_id] += count


async def count_visible(context: Context, *, days: Sequence[date], zone: ZoneInfo) -> Tally:
    """Return what a caller may see of what happened on some days that follow each other, and since."""
    begins = [datetime.combine(day, time(), tzinfo=zone) for day in days]
    found = await repository.count_up_to(context.unit, since=begins[0], most=MOST_LOOKED_AT + 1)
    if found > MOST_LOOKED_AT and _sees_everything(context.access):
        return await _count_all(context, days, begins)
    return await _look_at_each(context, since=begins[0], zone=zone)


def _sees_everything(access: Access) -> bool:
    """Say whether nothing limits a caller: neither what was taken from their role nor a module that is switched off."""
    if any(module.is_enabled and module.name in access.switched_modules for module in list_modules()):
        return False
    return access.base_role == ALWAYS_EVERYTHING or (access.is_administrator and not access.overrides)


async def _count_all(context: Context, days: Sequence[date], begins: Sequence[datetime]) -> Tally:
    tally = Tally(begins[0])
    for row in await repository.count_activities(context.unit, begins=begins):
        number: int = row["number"]
        tally.add(days[number - 1], row["category"], row["actor_id"], row["count"])
    return tally


async def _look_at_each(context: Context, *, since: datetime, zone: ZoneInfo) -> Tally:
    tally = Tally(since)
    after: Place | None = None
    for _ in range(MOST_LOOKED_AT // AT_ONCE):
        rows = await list_activities(context.unit, Wanted(since=since), after=after, limit=AT_ONCE)
        seen = await see_events(context, [to_event(context.unit, row) for row in rows])
        for row, one in zip(rows, seen, strict=True):
            if one is not None:
                tally.add(row["happened_at"].astimezone(zone).date(), row["category"], row["actor_id"])
        if len(rows) < AT_ONCE:
            return tally
        after = Place(rows[-1]["happened_at"], rows[-1]["id"])
    if after is not None:
        tally.since, tally.is_complete = after.happened_at, False
    return tally
