"""Mend the order of events after a dump was restored into another cluster.

Events are ordered by the ids of the transactions that wrote them, which belong to one PostgreSQL cluster. In a younger
cluster they lie in the future: restored events would wait for them, and new ones would sort before what consumers have
read. So restored events are moved to the first transaction id that a cluster can give, in the order of their own ids,
and each consumer to the place before the first event that it has not read. At worst it is given a few events twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

import structlog

from fostr.kernel.events.consumers import Position

if TYPE_CHECKING:
    import asyncpg

    from fostr.kernel.db.database import Database
    from fostr.kernel.db.unit import Unit

log = structlog.get_logger(__name__)

FIRST_TRANSACTION: Final = 3
LAST_ID: Final = UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True)
class _Cursor:
    consumer: str
    position: Position
    is_foreign: bool


async def rebase_workspaces(database: Database) -> None:
    """Mend every workspace in which some consumer's place lies in the future."""
    async with database.unit() as unit:
        rows = await unit.rows(
            "select distinct workspace_id from event_cursors where xact >= pg_snapshot_xmax(pg_current_snapshot())",
        )
        await unit.run(
            "update event_consumers set since = '3' where since > pg_snapshot_xmax(pg_current_snapshot())",
        )
    for row in rows:
        await rebase_workspace(database, row["workspace_id"])


async def rebase_workspace(database: Database, workspace: UUID) -> None:
    """Mend one workspace; does nothing where nothing lies in the future."""
    async with database.unit(workspace) as unit:
        cursors = await _lock_cursors(unit)
        foreign_first = [await _find_first_unread(unit, cursor) for cursor in cursors]
        moved = await unit.run(
            """
            update events set xact = :first::xid8
            where workspace_id = :workspace and xact >= pg_snapshot_xmax(pg_current_snapshot())
            """,
            first=FIRST_TRANSACTION,
        )
        for cursor, unread in zip(cursors, foreign_first, strict=True):
            await _move(unit, cursor, unread)
    log.warning("restored events were put in order", workspace=str(workspace), events=moved)


async def _lock_cursors(unit: Unit) -> list[_Cursor]:
    rows = await unit.rows(
        """
        select consumer, xact, event_id, xact >= pg_snapshot_xmax(pg_current_snapshot()) as is_foreign
        from event_cursors where workspace_id = :workspace
        order by consumer
        for update
        """,
    )
    return [_cursor(row) for row in rows]


def _cursor(row: asyncpg.Record) -> _Cursor:
    return _Cursor(row["consumer"], Position(row["xact"], row["event_id"]), is_foreign=row["is_foreign"])


async def _find_first_unread(unit: Unit, cursor: _Cursor) -> UUID | None:
    """Return the smallest id of a restored event that the consumer has not read."""
    return await unit.value(
        """
        select e.id from events e
        where e.workspace_id = :workspace and e.xact >= pg_snapshot_xmax(pg_current_snapshot())
          and (e.xact, e.id) > (:xact::xid8, :event_id::uuid)
        order by e.id limit 1
        """,
        xact=cursor.position.xact,
        event_id=cursor.position.event_id,
    )


async def _move(unit: Unit, cursor: _Cursor, unread: UUID | None) -> None:
    if unread is None and not cursor.is_foreign:
        return
    await unit.run(
        """
        update event_cursors
        set xact = :xact::xid8, event_id = :event_id, attempts = 0, interruptions = 0, retry_at = null, error = null
        where consumer = :consumer and workspace_id = :workspace
        """,
        consumer=cursor.consumer,
        xact=FIRST_TRANSACTION,
        event_id=LAST_ID if unread is None else UUID(int=unread.int - 1),
    )
