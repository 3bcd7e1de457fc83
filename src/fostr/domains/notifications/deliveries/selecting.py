"""What of that which is due is still to be told, by what its reader wants and may know now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from fostr.domains.notifications.inbox.repository import list_events
from fostr.domains.notifications.preferences.repository import list_preferences
from fostr.domains.notifications.preferences.rules import chosen, effective, recommended
from fostr.domains.notifications.registry import list_available_types
from fostr.kernel.events.visibility import see_events

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    from fostr.domains.notifications.deliveries.repository import Due
    from fostr.domains.notifications.preferences.rules import Choice
    from fostr.domains.notifications.registry import Notice, NotificationType
    from fostr.kernel.events.visibility import Seen
    from fostr.kernel.http.context import Context

API: Final = "/api/"


@dataclass(frozen=True, slots=True)
class Told:
    """Something that a member is told on its way: in the words that they may read now."""

    due: Due
    kind: NotificationType
    notice: Notice


@dataclass(frozen=True, slots=True)
class Selection:
    """What is told, and for the rest, by delivery, the code of why it is not."""

    told: list[Told] = field(default_factory=list["Told"])
    left_out: dict[UUID, str] = field(default_factory=dict["UUID", str])


def served_link(told: Sequence[Told]) -> str | None:
    """Return the one place where the server shows everything that is told, or nothing.

    The links of most notices are routes of a console, which takes them from the inbox. Out of a mail they would lead
    nowhere: the server answers those below its API alone.
    """
    links = {one.notice.link for one in told}
    link = next(iter(links)) if len(links) == 1 else None
    return link if link is not None and link.startswith(API) else None


async def select(context: Context, dues: Sequence[Due]) -> Selection:
    """Return what a member is told of what is due for them, with a constant number of statements.

    Args:
        context: the member's.
        dues: in any order; it is kept.
    """
    kinds = list_available_types(context.access.switched_modules)
    choices = await _find_choices(context, {due.type for due in dues} & kinds.keys(), kinds)
    seen = await _see(context, {due.event_id for due in dues})
    selection = Selection()
    for due in dues:
        outcome = _decide(due, kinds.get(due.type), choices.get(due.type), seen.get(due.event_id))
        if isinstance(outcome, Told):
            selection.told.append(outcome)
        else:
            selection.left_out[due.id] = outcome
    return selection


def _decide(due: Due, kind: NotificationType | None, choice: Choice | None, seen: Seen | None) -> Told | str:
    """Return what is told of something due, or else the code of why it is not told."""
    if kind is None:
        return "type_gone"
    if due.is_put_away and not due.is_critical:
        return "already_read"
    if choice is None or not (choice.email if due.channel == "email" else choice.whatsapp):
        return "switched_off"
    notice = None if seen is None else kind.write(seen)
    return "not_visible" if notice is None else Told(due, kind, notice)


async def _find_choices(
    context: Context, names: Iterable[str], kinds: Mapping[str, NotificationType]
) -> dict[str, Choice | None]:
    types = sorted(names)
    rows = await list_preferences(context.unit, member_ids=[context.member_id], types=types)
    own = {row["type"]: chosen(row) for row in rows}
    return {
        name: effective(own.get(name, recommended(kinds[name])), is_critical=kinds[name].is_critical) for name in types
    }


async def _see(context: Context, event_ids: Iterable[UUID]) -> dict[UUID, Seen | None]:
    """Return events as the member may know them; one that the outbox has forgotten cannot be asked about."""
    events = list((await list_events(context.unit, sorted(event_ids))).values())
    answers = await see_events(context, events)
    return {event.id: answer for event, answer in zip(events, answers, strict=True)}
