"""Read what is asked of the feed: kinds, people, teams, days, words."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final, get_args
from uuid import UUID

from fostr.domains.activity.feed.rules import Wanted
from fostr.domains.workspaces.public import VIEW_TEAMS, list_meant_members, list_teams_with_members
from fostr.kernel.events.visibility import Category
from fostr.kernel.http.errors import Unprocessable

if TYPE_CHECKING:
    from fostr.domains.activity.feed.schemas import ActivityFilter
    from fostr.kernel.http.context import Context

CATEGORIES: Final[tuple[str, ...]] = get_args(Category)
MOST_IDS: Final = 200


class ActivityFilterInvalid(Unprocessable):
    """The feed cannot be asked for this."""

    code = "activity_filter_invalid"
    detail = "The feed cannot be asked for this."


async def read_filter(context: Context, asked: ActivityFilter) -> Wanted:
    """Return which activities a caller asks for.

    Raises:
        ActivityFilterInvalid: a kind, a day, an id or a team is none.
    """
    return Wanted(
        categories=_categories(asked.types),
        actors=await _actors(context, asked),
        since=_start(asked.start_date),
        before=_end(asked.end_date),
        words=tuple((asked.search or "").casefold().split()),
    )


def _listed(text: str | None) -> list[str]:
    return [part for each in (text or "").split(",") if (part := each.strip())]


def _categories(types: str | None) -> tuple[str, ...] | None:
    listed = tuple(dict.fromkeys(_listed(types)))
    for one in listed:
        if one not in CATEGORIES:
            allowed = ", ".join(CATEGORIES)
            raise ActivityFilterInvalid(f"{one!r} is no kind of activity; there are {allowed}.", parameter="types")
    return listed or None


async def _actors(context: Context, asked: ActivityFilter) -> tuple[UUID, ...] | None:
    """Return the members whose activities are wanted: the people and those in the teams; of them, the caller alone."""
    people, teams = _ids(asked.user_ids, "user_ids"), _ids(asked.team_ids, "team_ids")
    named = bool(people or teams)
    meant = set(await list_meant_members(context.unit, ids=people)) if people else set[UUID]()
    if teams:
        meant.update(await _team_members(context, teams))
    if asked.scope == "mine":
        return (context.member_id,) if not named or context.member_id in meant else ()
    return tuple(sorted(meant)) if named else None


async def _team_members(context: Context, team_ids: list[UUID]) -> set[UUID]:
    may_ask = context.access.has(VIEW_TEAMS)
    found = await list_teams_with_members(context.unit, team_ids=team_ids) if may_ask else {}
    for team_id in team_ids:
        if team_id not in found:
            raise ActivityFilterInvalid(f"There is no team {team_id}.", parameter="team_ids")
    return {member_id for members in found.values() for member_id in members}


def _ids(text: str | None, parameter: str) -> list[UUID]:
    listed = _listed(text)
    if len(listed) > MOST_IDS:
        raise ActivityFilterInvalid(f"At most {MOST_IDS} ids can be asked for at once.", parameter=parameter)
    try:
        return [UUID(one) for one in dict.fromkeys(listed)]
    except ValueError:
        raise ActivityFilterInvalid("One of these is not an id.", parameter=parameter) from None


def _start(text: str | None) -> datetime | None:
    """Return the first moment that counts."""
    return _read(text, "start_date")[0] if text else None


def _end(text: str | None) -> datetime | None:
    """Return the first moment that is too late."""
    if not text:
        return None
    moment, length = _read(text, "end_date")
    try:
        return moment + length
    except OverflowError:
        return moment


def _read(text: str, parameter: str) -> tuple[datetime, timedelta]:
    """Return the beginning of a day, or a moment, and how long that is."""
    try:
        if (day := _find_day(text)) is not None:
            return datetime.combine(day, time(), tzinfo=UTC), timedelta(days=1)
        moment = datetime.fromisoformat(text)
        # One near the ends of the calendar has no counterpart in UTC.
        in_utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ActivityFilterInvalid(f"{text!r} is not a day or a moment of ISO 8601.", parameter=parameter) from None
    return in_utc, timedelta(microseconds=1)


def _find_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
