"""Fold what somebody did to one thing again and again into one activity: a record that is filled in cell by cell."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from fostr.domains.activity.feed.schemas import CUT

if TYPE_CHECKING:
    from fostr.domains.activity.feed.schemas import Activity, ActivityChange

WITHIN: Final = timedelta(minutes=10)
"""Between one and the next."""


def goes_on(later: Activity, earlier: Activity) -> bool:
    """Say whether two activities that follow each other are the same person doing the same to the same thing."""
    return (
        _subject(later) == _subject(earlier)
        and later.actor is not None
        and later.count is None
        and earlier.count is None
        and later.started_at - earlier.timestamp <= WITHIN
    )


def _subject(activity: Activity) -> tuple[object, ...]:
    actor_id = None if activity.actor is None else activity.actor.id
    return (actor_id, activity.acting_as, activity.type, activity.entity_id)


def fold(later: Activity, earlier: Activity) -> Activity:
    """Return both as one: the later one, with what has changed since before the earlier one."""
    return later.model_copy(
        update={
            "times": later.times + earlier.times,
            "started_at": earlier.started_at,
            "changes": _join(later.changes, earlier.changes),
        }
    )


def _join(later: list[ActivityChange], earlier: list[ActivityChange]) -> list[ActivityChange]:
    changes = {change.field: change for change in earlier}
    for change in later:
        first = changes.get(change.field, change)
        changes[change.field] = change.model_copy(update={"before": first.before})
    # What is as it was in the beginning has not changed; of what is cut, nobody knows here.
    return [one for one in changes.values() if one.before != one.after or str(one.after).endswith(CUT)]
