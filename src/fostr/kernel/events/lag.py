"""How far consumers are behind, for those who look after a workspace, or the whole server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from fostr.kernel.events.cursors import list_standings

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

    from fostr.kernel.db.unit import Unit

MOST_COUNTED: Final = 10_000
"""Events that are counted for a consumer which is far behind."""


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a consumer is behind in a workspace.

    Attributes:
        consumer: its name.
        behind: events that it has not put behind it yet; at most `MOST_COUNTED` are counted.
        oldest_at: when the first of them happened.
        attempts: how often it has failed at that one, or was interrupted.
        retry_at: when it is given it again.
        error: how it failed the last time.
    """

    consumer: str
    behind: int
    oldest_at: datetime | None
    attempts: int
    retry_at: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True)
class ServerLag:
    """How a consumer does on the whole server.

    Attributes:
        consumer: its name.
        workspaces_behind: workspaces with events that it has not put behind it yet.
        workspaces_failing: workspaces in which it has failed at the next event, which it is given again.
        dead_letters: events that were put aside.
    """

    consumer: str
    workspaces_behind: int
    workspaces_failing: int
    dead_letters: int


async def measure_lag(unit: Unit, consumers: Sequence[str]) -> list[Lag]:
    """Return how far some consumers are behind in the unit's workspace, by their names."""
    standings = await list_standings(unit, consumers)
    unread = await unit.rows(
        """
        select n.name, u.count, u.oldest_at
        from unnest(:names::text[], :positions::bigint[]) as n (name, position)
        cross join lateral (
            select count(*) as count, min(s.created_at) as oldest_at
            from (
                select e.created_at from events e
                where e.workspace_id = :workspace and e.position > n.position
                order by e.position limit :most
            ) s
        ) u
        """,
        names=[standing["name"] for standing in standings],
        positions=[standing["position"] for standing in standings],
        most=MOST_COUNTED,
    )
    found = {row["name"]: row for row in unread}
    return [_lag(standing, found[standing["name"]]) for standing in standings]


def _lag(standing: asyncpg.Record, unread: asyncpg.Record) -> Lag:
    return Lag(
        consumer=standing["name"],
        behind=unread["count"],
        oldest_at=unread["oldest_at"],
        attempts=standing["attempts"],
        retry_at=standing["retry_at"],
        error=standing["error"],
    )


async def measure_server_lag(unit: Unit, consumers: Sequence[str]) -> list[ServerLag]:
    """Return how some consumers do on the whole server, by their names; tells of no workspace in particular."""
    rows = await unit.rows(
        """
        select n.name as consumer,
               (select count(*) from app.workspaces_with_events(n.name)) as workspaces_behind,
               (select count(*) from event_cursors k where k.consumer = n.name and k.attempts + k.interruptions > 0)
                   as workspaces_failing,
               (select count(*) from event_dead_letters d where d.consumer = n.name) as dead_letters
        from unnest(:names::text[]) as n (name)
        order by n.name
        """,
        names=list(consumers),
    )
    return [ServerLag(**dict(row)) for row in rows]
