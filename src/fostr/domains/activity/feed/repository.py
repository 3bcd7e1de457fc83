"""Statements on the feed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fostr.domains.activity.feed.rules import Place
from fostr.kernel.db.sql import Fragment, join_and

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from fostr.domains.activity.feed.rules import Wanted
    from fostr.kernel.db.unit import Unit

_NEWEST: Final = "order by a.happened_at desc, a.id desc limit :limit"
_COLUMNS: Final = "a.id, a.category, a.actor_id, a.happened_at"


async def insert_activity(
    unit: Unit, *, event_id: UUID, category: str, actor_id: UUID | str | None, happened_at: datetime
) -> None:
    """Put an event into the feed, unless it is in it."""
    await unit.run(
        """
        insert into activities (workspace_id, id, category, actor_id, happened_at)
        values (:workspace, :id, :category, :actor_id, :happened_at)
        on conflict (workspace_id, id) do nothing
        """,
        id=event_id,
        category=category,
        actor_id=actor_id,
        happened_at=happened_at,
    )


async def delete_activities(unit: Unit, ids: Sequence[UUID]) -> None:
    """Take out of the feed what is gone from the log."""
    await unit.run("delete from activities a where a.workspace_id = :workspace and a.id = any(:ids)", ids=list(ids))


async def find_place(unit: Unit, activity_id: UUID) -> Place | None:
    """Return the place behind an activity."""
    happened_at = await unit.value(
        "select a.happened_at from activities a where a.workspace_id = :workspace and a.id = :id", id=activity_id
    )
    return None if happened_at is None else Place(happened_at, activity_id)


async def list_activities(unit: Unit, wanted: Wanted, *, after: Place | None, limit: int) -> list[asyncpg.Record]:
    """Return the activities behind a place, the newest first, with their events.

    Each is read from the end of an index, whatever is wanted: of several people or kinds, the newest of each are found
    and then the newest of those.
    """
    found = _found(wanted, after)
    return await unit.rows(
        f"""
        with f as materialized ({found.text})
        select f.category, f.actor_id, f.happened_at, e.id, e.type, e.version, e.entity, e.entity_id, e.actor,
               e.before, e.after, e.cause, e.created_at
        from f join events e on e.workspace_id = :workspace and e.id = f.id
        order by f.happened_at desc, f.id desc
        """,
        limit=limit,
        **found.params,
    )


def _found(wanted: Wanted, after: Place | None) -> Fragment:
    conditions = [Fragment("a.workspace_id = :workspace", {}), *_period(wanted, after)]
    each: str | None = None
    if wanted.actors is not None:
        each = "unnest(:actors::uuid[]) as w (actor_id)"
        conditions.append(Fragment("a.actor_id = w.actor_id", {"actors": list(wanted.actors)}))
    if wanted.categories is not None:
        params = {"categories": list(wanted.categories)}
        if each is None:
            each = "unnest(:categories::text[]) as w (category)"
            conditions.append(Fragment("a.category = w.category", params))
        else:
            conditions.append(Fragment("a.category = any(:categories::text[])", params))
    where = join_and(conditions)
    text = f"select {_COLUMNS} from activities a where {where.text} {_NEWEST}"
    if each is not None:
        text = f"select {_COLUMNS} from {each} cross join lateral ({text}) a {_NEWEST}"
    return Fragment(text, where.params)


def _period(wanted: Wanted, after: Place | None) -> list[Fragment]:
    conditions: list[Fragment] = []
    if wanted.since is not None:
        conditions.append(Fragment("a.happened_at >= :since", {"since": wanted.since}))
    if wanted.before is not None:
        conditions.append(Fragment("a.happened_at < :before", {"before": wanted.before}))
    if after is not None:
        params: dict[str, Any] = {"after_time": after.happened_at, "after_id": after.id}
        conditions.append(Fragment("(a.happened_at, a.id) < (:after_time::timestamptz, :after_id::uuid)", params))
    return conditions


async def find_oldest(unit: Unit) -> datetime | None:
    """Return when the first activity of the workspace happened."""
    return await unit.value("select min(a.happened_at) from activities a where a.workspace_id = :workspace")
