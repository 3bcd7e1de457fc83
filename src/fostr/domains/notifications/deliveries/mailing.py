"""Write the mails that tell a member what is due: one by one, by thread, or as a digest."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fostr.domains.notifications.deliveries.selecting import served_link
from fostr.domains.notifications.registry import CATEGORY_LABELS
from fostr.domains.notifications.unsubscribing.tokens import EVERYTHING, ending_addresses
from fostr.kernel.mail.outbox import send_mail
from fostr.kernel.mail.templates import MailTemplate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from fostr.domains.notifications.deliveries.repository import Addressee
    from fostr.domains.notifications.deliveries.selecting import Told
    from fostr.kernel.http.context import Context

_FOLDER: Final = Path(__file__).with_name("mails")
ALONE: Final = MailTemplate(name="notification", subject="{{ title }}", folder=_FOLDER)
DIGEST: Final = MailTemplate(name="notification_digest", subject="{{ title }}", folder=_FOLDER)

URGENT: Final = "Needs your attention"
_URGENT_CATEGORIES: Final = frozenset({"assigned_actions", "mentions"})
MOST_SHOWN: Final = 50
"""Notifications in one mail; of more, the mail says how many."""


@dataclass(frozen=True, slots=True)
class Written:
    """A mail that stands in the outbox, and the deliveries that it carries."""

    mail_id: UUID
    delivery_ids: list[UUID]


async def write_mails(context: Context, told: Sequence[Told], *, to: Addressee) -> list[Written]:
    """Write what a member is told into the outbox of mail, in the transaction of the context.

    Args:
        context: the member's.
        told: the oldest first.
        to: their account.
    """
    alone = [[one] for one in told if one.due.is_critical]
    by_thread = _by_thread([one for one in told if not (one.due.is_critical or one.due.is_gathered)])
    gathered = [one for one in told if one.due.is_gathered and not one.due.is_critical]
    written = [await _write_alone(context, group, to=to) for group in (*alone, *by_thread)]
    return [*written, await _write_digest(context, gathered, to=to)] if gathered else written


def _by_thread(told: Sequence[Told]) -> list[list[Told]]:
    groups: dict[str, list[Told]] = {}
    for one in told:
        groups.setdefault(one.due.thread, []).append(one)
    return list(groups.values())


async def _write_alone(context: Context, told: Sequence[Told], *, to: Addressee) -> Written:
    newest, others = told[-1], len(told) - 1
    types = list(dict.fromkeys(one.kind.name for one in told))
    values = {
        "title": f"{newest.notice.title} (and {others} more)" if others else newest.notice.title,
        "items": [_item(context, one) for one in reversed(told[-MOST_SHOWN:])],
        "unshown": max(0, len(told) - MOST_SHOWN),
        "workspace": to.workspace_name,
        "home": f"{context.settings.public_url}{to.home}",
        "kind": newest.kind.label if len(types) == 1 else None,
        "is_critical": newest.due.is_critical,
    }
    return await _send(context, ALONE, values, told=told, to=to, types=types)


async def _write_digest(context: Context, told: Sequence[Told], *, to: Addressee) -> Written:
    count = len(told)
    title = told[0].notice.title if count == 1 else f"{count} notifications from {to.workspace_name}"
    values = {
        "title": title,
        "count": count,
        "sections": _sections(context, told),
        "unshown": max(0, count - MOST_SHOWN),
        "workspace": to.workspace_name,
        "home": f"{context.settings.public_url}{to.home}",
    }
    return await _send(context, DIGEST, values, told=told, to=to, types=EVERYTHING)


def _sections(context: Context, told: Sequence[Told]) -> list[dict[str, Any]]:
    """Return what a digest shows, by category and thread; what needs the member first, then the newest first."""
    newest_first = list(reversed(told))
    # Where each thread first comes up is where all of it stands.
    places: dict[tuple[int, str], int] = {}
    for place, one in enumerate(newest_first):
        places.setdefault((_section(one), one.due.thread), place)
    ordered = sorted(newest_first, key=lambda one: (_section(one), places[_section(one), one.due.thread]))
    return [
        {
            "label": URGENT if section < 0 else list(CATEGORY_LABELS.values())[section],
            "is_urgent": section < 0,
            "threads": [
                [_item(context, one) for one in thread] for _, thread in groupby(group, lambda one: one.due.thread)
            ],
        }
        for section, group in groupby(ordered[:MOST_SHOWN], _section)
    ]


def _section(told: Told) -> int:
    """Return the place of a section: -1 for what needs the member, else that of the category."""
    if told.kind.category in _URGENT_CATEGORIES:
        return -1
    return list(CATEGORY_LABELS).index(told.kind.category)


def _item(context: Context, told: Told) -> dict[str, Any]:
    link = served_link([told])
    return {
        "title": told.notice.title,
        "body": told.notice.body,
        "url": None if link is None else f"{context.settings.public_url}{link}",
        "by": told.due.done_by,
        "at": f"{told.due.told_at:%Y-%m-%d %H:%M} UTC",
    }


async def _send(
    context: Context,
    template: MailTemplate,
    values: dict[str, Any],
    *,
    told: Sequence[Told],
    to: Addressee,
    types: Sequence[str],
) -> Written:
    # What is critical cannot be put off, so there is nothing to click; whoever wants it elsewhere says so signed in.
    ending = None
    if not values.get("is_critical", False):
        ending = ending_addresses(
            context.runtime,
            workspace_id=context.workspace_id,
            member_id=context.member_id,
            types=types,
            now=context.now,
        )
    mail_id = await send_mail(
        context.unit,
        runtime=context.runtime,
        to=to.email,
        name=to.full_name,
        template=template,
        values={**values, "unsubscribe": ending and ending.page},
        workspace=context.workspace_id,
        unsubscribe_url=ending and ending.post,
    )
    return Written(mail_id, [one.due.id for one in told])
