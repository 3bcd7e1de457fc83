"""Statements that put notifications into inboxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fostr.kernel.ids import new_ids

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from fostr.domains.notifications.registry import Notice, NotificationType
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.events.visibility import Seen


@dataclass(frozen=True, slots=True)
class Told:
    """What one member is told.

    Attributes:
        member_id: who.
        notice: the words.
        seen: the event, as far as they may know of it.
        in_app: whether it stands in their inbox.
    """

    member_id: UUID
    notice: Notice
    seen: Seen
    in_app: bool


async def insert_notifications(
    unit: Unit, told: Sequence[Told], *, kind: NotificationType, actor_id: UUID | None, now: datetime
) -> dict[UUID, UUID]:
    """Insert what members are told of an event by a type; return the new ones' ids by member.

    Who was told before is not told again.
    """
    rows = await unit.rows(
        """
        insert into notifications
            (workspace_id, id, member_id, event_id, event_type, type, title, body, link, thread, is_critical, in_app,
             actor_id, entity, entity_id, scope_id, record_id, created_at)
        select :workspace, t.id, t.member_id, t.event_id, t.event_type, :type, t.title, t.body, t.link,
               coalesce(t.thread, t.id::text), :is_critical, t.in_app, :actor_id, t.entity, t.entity_id, t.scope_id,
               t.record_id, :now
        from unnest(
            :ids::uuid[], :member_ids::uuid[], :event_ids::uuid[], :event_types::text[], :titles::text[],
            :bodies::text[], :links::text[], :threads::text[], :in_app::boolean[], :entities::text[],
            :entity_ids::uuid[], :scope_ids::uuid[], :record_ids::uuid[]
        ) as t (id, member_id, event_id, event_type, title, body, link, thread, in_app, entity, entity_id, scope_id,
                record_id)
        on conflict (workspace_id, event_id, type, member_id) do nothing
        returning id, member_id
        """,
        type=kind.name,
        is_critical=kind.is_critical,
        actor_id=actor_id,
        now=now,
        ids=new_ids(len(told)),
        member_ids=[one.member_id for one in told],
        event_ids=[one.seen.event.id for one in told],
        event_types=[one.seen.event.type for one in told],
        titles=[one.notice.title for one in told],
        bodies=[one.notice.body for one in told],
        links=[one.notice.link for one in told],
        threads=[one.notice.thread for one in told],
        in_app=[one.in_app for one in told],
        entities=[one.seen.event.entity for one in told],
        entity_ids=[one.seen.event.entity_id for one in told],
        scope_ids=[one.seen.scope_id for one in told],
        record_ids=[one.seen.record_id for one in told],
    )
    return {row["member_id"]: row["id"] for row in rows}
