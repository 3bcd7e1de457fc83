"""What tests leave behind, and how it is kept away from those after them: all tests of a process share one database."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from fostr.kernel.events.consumers import list_consumers
from fostr.kernel.ids import new_id
from fostr.kernel.jobs.transitions import OPEN
from fostr.kernel.jobs.worker import load_handlers

if TYPE_CHECKING:
    from fostr.kernel.db.database import Database


class Leftovers:
    """The jobs that nobody has run, and the events that nobody has followed.

    Whoever drains the queue runs everything that stands in it, by their own clock and with their own servers: a mail
    of another test that is tried again meanwhile would take an answer which was meant for theirs.
    """

    def __init__(self, database: Database) -> None:
        """Begin with a database in which no test has run."""
        load_handlers()
        self._database = database
        self._since = UUID(int=0)

    async def drop(self) -> None:
        """Let no job run that is there now, and no consumer be given an event of a workspace that is there now.

        Rows are looked for among those that were made since the last time alone, for there are many others.
        """
        since, self._since = self._since, new_id()
        async with self._database.unit() as unit:
            await unit.run("delete from pgqueuer")
            await unit.run(
                "update jobs set status = 'cancelled', finished_at = now() where id > :since and status = any(:open)",
                since=since,
                open=sorted(OPEN),
            )
            await unit.run(
                """
                insert into event_cursors (consumer, workspace_id, position)
                select n.name, w.id, coalesce(pg_sequence_last_value('control.event_positions'), 0)
                from unnest(:names::text[]) as n (name), workspaces w where w.id > :since
                on conflict (consumer, workspace_id) do update
                    set position = excluded.position, attempts = 0, interruptions = 0, retry_at = null, error = null
                """,
                names=[consumer.name for consumer in list_consumers()],
                since=since,
            )
