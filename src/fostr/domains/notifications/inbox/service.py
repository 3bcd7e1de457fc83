"""What members read of what they were told, and what they put away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fostr.domains.notifications.errors import NotificationNotFound
from fostr.domains.notifications.events import NOTIFICATION_DELETED, NOTIFICATION_READ, NOTIFICATION_UNREAD
from fostr.domains.notifications.inbox import repository
from fostr.domains.notifications.inbox.repository import Wanted
from fostr.domains.notifications.inbox.schemas import Notification, NotificationActor, NotificationPage, Thread
from fostr.domains.notifications.registry import find_notification_type, list_notification_types
from fostr.kernel.events.outbox import record
from fostr.kernel.events.visibility import see_events

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    import asyncpg

    from fostr.domains.notifications.inbox.schemas import MarkRead
    from fostr.domains.notifications.registry import Category
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.http.context import Context
    from fostr.kernel.http.paging import Slice

WITHHELD_TITLE: Final = "You may no longer see what this was about"


def choose(
    context: Context, *, unread_only: bool, type: str | None, category: Category | None, thread: str | None
) -> Wanted:
    """Return which of the caller's notifications are asked for. Of an unknown type there are none."""
    types: list[str] | None = None
    if type is not None or category is not None:
        in_category = [one.name for one in list_notification_types() if category in (None, one.category)]
        types = in_category if type is None else [one for one in in_category if one == type]
    return Wanted(member_id=context.member_id, unread_only=unread_only, types=types, thread=thread)


async def list_notifications(context: Context, wanted: Wanted, *, by_thread: bool, part: Slice) -> NotificationPage:
    """Return a part of the caller's inbox; with `by_thread`, the newest of each thread."""
    find = repository.list_newest_of_threads if by_thread else repository.list_notifications
    rows = await find(context.unit, wanted, limit=part.limit, offset=part.offset)
    total = await repository.count_notifications(context.unit, wanted, by_thread=by_thread)
    unread = await count_unread(context)
    items = await withhold(context, [to_notification(row) for row in rows])
    page = part.page(items, total=total)
    return NotificationPage(items=page.items, total=page.total, has_more=page.has_more, unread_count=unread)


async def count_unread(context: Context) -> int:
    """Return how many notifications the caller has not read."""
    return await repository.count_unread(context.unit, member_id=context.member_id)


async def list_for_members(
    unit: Unit, *, event_id: UUID, type: str, member_ids: Sequence[UUID]
) -> dict[UUID, Notification]:
    """Return what some members were told of an event by a type, by member.

    Those who have switched it off in the product, or have deleted it since, are left out. The words are those of the
    moment when it was told: what is shown later passes through `withhold` first.
    """
    rows = await repository.list_for_members(unit, event_id=event_id, type=type, member_ids=list(member_ids))
    return {row["member_id"]: to_notification(row) for row in rows}


async def withhold(context: Context, notifications: Sequence[Notification]) -> list[Notification]:
    """Return notifications as their reader may see them now: without words where they may no longer know of the event.

    What was pruned from the outbox cannot be asked about, and stays as it was told.
    """
    event_ids = list({one.event_id for one in notifications})
    events = list((await repository.list_events(context.unit, event_ids)).values()) if event_ids else []
    seen = await see_events(context, events)
    hidden = {event.id for event, answer in zip(events, seen, strict=True) if answer is None}
    return [_without_words(one) if one.event_id in hidden else one for one in notifications]


async def mark_read(context: Context, data: MarkRead) -> int:
    """Mark one notification, a thread or all as read; return how many were unread.

    Raises:
        NotificationNotFound: the one is not in the caller's inbox.
    """
    if data.notification_id is not None:
        await _check_own(context, data.notification_id)
    count = await repository.mark_read(
        context.unit,
        member_id=context.member_id,
        now=context.now,
        notification_id=data.notification_id,
        thread=data.thread,
        before=data.before,
    )
    if count:
        await _tell(context, NOTIFICATION_READ, count=count, notification_id=data.notification_id)
    return count


async def mark_unread(context: Context, notification_id: UUID) -> int:
    """Take back that a notification was read; return 0 where it was unread all along.

    Raises:
        NotificationNotFound: it is not in the caller's inbox.
    """
    await _check_own(context, notification_id)
    count = await repository.mark_unread(context.unit, member_id=context.member_id, notification_id=notification_id)
    if count:
        await _tell(context, NOTIFICATION_UNREAD, count=count, notification_id=notification_id)
    return count


async def delete_notification(context: Context, notification_id: UUID) -> None:
    """Take a notification out of the caller's inbox.

    Raises:
        NotificationNotFound: it is not in it.
    """
    deleted = await repository.delete_notification(
        context.unit, member_id=context.member_id, notification_id=notification_id, now=context.now
    )
    if not deleted:
        raise NotificationNotFound
    await _tell(context, NOTIFICATION_DELETED, count=1, notification_id=notification_id)


async def _check_own(context: Context, notification_id: UUID) -> None:
    own = await repository.has_notification(context.unit, member_id=context.member_id, notification_id=notification_id)
    if not own:
        raise NotificationNotFound


async def _tell(context: Context, what: str, *, count: int, notification_id: UUID | None) -> None:
    facts = {
        "member_id": str(context.member_id),
        "count": count,
        "notification_id": None if notification_id is None else str(notification_id),
    }
    # Without one notification, the event is about the inbox, which has no id but its member's.
    await record(context, type=what, entity="notification", entity_id=notification_id or context.member_id, after=facts)


def to_notification(row: asyncpg.Record) -> Notification:
    """Return a row as it is shown."""
    known = find_notification_type(row["type"])
    actor_id = row["actor_id"]
    return Notification(
        id=row["id"],
        type=row["type"],
        category=known.category if known else None,
        title=row["title"],
        body=row["body"],
        link=row["link"],
        thread=row["thread"],
        in_thread=(
            None if row["thread_total"] is None else Thread(total=row["thread_total"], unread=row["thread_unread"])
        ),
        is_critical=row["is_critical"],
        is_read=row["read_at"] is not None,
        is_withheld=False,
        actor=(
            None
            if actor_id is None
            else NotificationActor(id=actor_id, full_name=row["actor_name"], avatar_url=row["actor_avatar_url"])
        ),
        event_id=row["event_id"],
        event_type=row["event_type"],
        entity=row["entity"],
        entity_id=row["entity_id"],
        scope_id=row["scope_id"],
        record_id=row["record_id"],
        created_at=row["created_at"],
        read_at=row["read_at"],
    )


def _without_words(notification: Notification) -> Notification:
    hidden = ("link", "actor", "entity_id", "scope_id", "record_id")
    return notification.model_copy(
        update={"title": WITHHELD_TITLE, "body": "", "is_withheld": True, **dict.fromkeys(hidden)}
    )
