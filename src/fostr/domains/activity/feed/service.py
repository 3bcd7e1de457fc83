"""The feed, part by part."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from fostr.domains.activity.feed import repository
from fostr.domains.activity.feed.filters import ActivityFilterInvalid, read_filter
from fostr.domains.activity.feed.folding import fold, goes_on
from fostr.domains.activity.feed.reading import look_through
from fostr.domains.activity.feed.schemas import ActivityFeed
from fostr.kernel.http.errors import Unprocessable

if TYPE_CHECKING:
    from fostr.domains.activity.feed.reading import Looked
    from fostr.domains.activity.feed.rules import Place
    from fostr.domains.activity.feed.schemas import Activity, FeedQuery
    from fostr.kernel.http.context import Context

MOST_PASSED: Final = 2000
"""Activities that one request passes over: the reader may not see them, did not search for them, or wants them folded
into others."""


class OffsetTooFar(Unprocessable):
    """There is too much to look through for that many to be skipped."""

    code = "offset_too_far"
    detail = "Too much would have to be looked through to skip that many; go on by `cursor`."


async def get_feed(context: Context, asked: FeedQuery) -> ActivityFeed:
    """Return a part of what happened, the newest first, as the caller may see it now.

    Raises:
        ActivityFilterInvalid: it cannot be asked for.
        OffsetTooFar: too much would have to be looked through.
    """
    wanted = await read_filter(context, asked)
    after = await _find_after(context, asked)
    part = _Part(asked)
    looked = look_through(context, wanted, after=after, first=asked.offset + asked.limit + 1)
    async with aclosing(looked) as found:
        async for one in found:
            if not part.take(one):
                break
    return part.feed()


async def _find_after(context: Context, asked: FeedQuery) -> Place | None:
    if asked.cursor is None:
        return None
    place = await repository.find_place(context.unit, asked.cursor)
    if place is None:
        raise ActivityFilterInvalid("The cursor is none of this feed.", parameter="cursor")
    return place


class _Part:
    """What was found of the part that was asked for."""

    def __init__(self, asked: FeedQuery) -> None:
        self._asked = asked
        self._items: list[Activity] = []
        self._seen = 0
        self._passed = 0
        self._last: Activity | None = None
        self._place: Place | None = None
        self._has_more = False

    def take(self, looked: Looked) -> bool:
        """Take what was looked at; say whether to go on."""
        if looked.activity is None or self._fold(looked.activity):
            self._passed += 1
            self._has_more = self._passed >= MOST_PASSED
        elif len(self._items) == self._asked.limit:
            self._has_more = True
            return False
        else:
            self._add(looked.activity)
        self._place = looked.place
        return not self._has_more

    def _add(self, activity: Activity) -> None:
        self._seen += 1
        self._last = activity
        if self._seen > self._asked.offset:
            self._items.append(activity)

    def _fold(self, activity: Activity) -> bool:
        """Make an activity a part of the last one, if it is to be; say whether it was."""
        if not self._asked.group or self._last is None or not goes_on(self._last, activity):
            return False
        self._last = fold(self._last, activity)
        if self._items:
            self._items[-1] = self._last
        return True

    def feed(self) -> ActivityFeed:
        """Return the part, and where the next one begins.

        Raises:
            OffsetTooFar: what was to be skipped was not passed.
        """
        if self._has_more and self._seen < self._asked.offset:
            raise OffsetTooFar
        is_known = not self._has_more and self._asked.cursor is None
        return ActivityFeed(
            items=self._items,
            total=self._seen if is_known else None,
            has_more=self._has_more,
            next_cursor=self._place.id if self._has_more and self._place is not None else None,
        )
