"""Operations on the caller's inbox."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from fostr.domains.notifications.errors import NotificationNotFound
from fostr.domains.notifications.inbox import service
from fostr.domains.notifications.inbox.schemas import (
    Grouping,
    MarkRead,
    MarkUnread,
    NotificationPage,
    ThreadName,
    UnreadCount,
    Updated,
)
from fostr.domains.notifications.permissions import MANAGE_NOTIFICATIONS, VIEW_NOTIFICATIONS
from fostr.domains.notifications.registry import Category
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.paging import Slice, limited
from fostr.kernel.http.routing import Router

router = Router(prefix="/notifications", tags=["Notifications"])

Reader = Annotated[Context, in_workspace(VIEW_NOTIFICATIONS)]
Keeper = Annotated[Context, in_workspace(MANAGE_NOTIFICATIONS)]


@router.get("/list")
async def list(  # noqa: A001 - endpoints are bare verbs
    context: Reader,
    part: Annotated[Slice, limited(size=50, most=200)],
    *,
    unread_only: Annotated[bool, Query(description="Leave out what was read.")] = False,
    type: Annotated[str | None, Query(max_length=100, description="Only of this type.")] = None,
    category: Annotated[Category | None, Query(description="Only of types in this category.")] = None,
    thread: Annotated[ThreadName | None, Query(description="Only of this thread.")] = None,
    group: Annotated[
        Grouping | None, Query(description="`thread`: only the newest of each thread, with how many it holds.")
    ] = None,
) -> NotificationPage:
    """List what the caller was told in this workspace, the newest first.

    What the caller may no longer know of is listed without its words. With `group=thread`, `total` counts threads.
    """
    wanted = service.choose(context, unread_only=unread_only, type=type, category=category, thread=thread)
    return await service.list_notifications(context, wanted, by_thread=group == "thread", part=part)


@router.get("/unread-count")
async def count(context: Reader) -> UnreadCount:
    """Count the caller's unread notifications."""
    return UnreadCount(count=await service.count_unread(context))


@router.post("/mark-read", responses=raises(NotificationNotFound))
async def mark_read(context: Keeper, data: MarkRead | None = None) -> Updated:
    """Mark notifications as read: one, a thread, or all, as without a body.

    Answers how many were unread. With `before`, what arrived since the caller looked stays unread.
    """
    return Updated(updated=await service.mark_read(context, data or MarkRead()))


@router.post("/mark-unread", responses=raises(NotificationNotFound))
async def mark_unread(context: Keeper, data: MarkUnread) -> Updated:
    """Mark a notification as unread again."""
    return Updated(updated=await service.mark_unread(context, data.notification_id))


@router.delete("/{notification_id}", status_code=204, responses=raises(NotificationNotFound))
async def delete(context: Keeper, notification_id: UUID) -> None:
    """Take a notification out of the caller's inbox for good."""
    await service.delete_notification(context, notification_id)
