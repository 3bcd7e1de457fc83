"""Write the feed into a file, as the member who asked for it may see it while it is written."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson

from fostr.domains.activity.exports.service import check_may_export
from fostr.domains.activity.feed.filters import read_filter
from fostr.domains.activity.feed.reading import AT_ONCE, look_at
from fostr.domains.activity.feed.repository import find_oldest
from fostr.domains.records.public import Column, ExportedRecord, Writer, open_rows
from fostr.kernel import clock
from fostr.kernel.auth.principals import Scope
from fostr.kernel.jobs.behalf import MemberGone, act_as_member

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from datetime import datetime

    from fostr.domains.activity.exports.schemas import ActivityExportCreate
    from fostr.domains.activity.feed.rules import Place, Wanted
    from fostr.domains.activity.feed.schemas import Activity, ActivityChange
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.http.context import Context
    from fostr.kernel.jobs.context import JobContext

COLUMNS: Final = (
    Column("timestamp", "Time", "datetime"),
    Column("actor", "Person"),
    Column("acting_as", "Operator"),
    Column("description", "Description"),
    Column("category", "Kind"),
    Column("type", "Event"),
    Column("entity", "Thing"),
    Column("entity_id", "Thing's id"),
    Column("entity_name", "Thing's name"),
    Column("scope", "In"),
    Column("record_id", "Record"),
    Column("count", "Count", "number"),
    Column("changed", "Changed"),
)
NOTHING: Final = "nothing"
"""Stands for a value that was not there."""


@dataclass(slots=True)
class ExportRun:
    """An export that is being written.

    Attributes:
        scope: of the credential by which it was asked for.
        rows: how many activities are in the file.
    """

    job: JobContext
    asked: ActivityExportCreate
    scope: Scope
    writer: Writer
    rows: int = 0
    _begun: datetime = field(default_factory=clock.now)

    async def act(self, unit: Unit) -> Context:
        """Return the context of the member who asked, with the rights that they have by now.

        Raises:
            MemberGone: they have left.
            Forbidden: they may not see the feed any more, or not export it.
        """
        job = self.job
        if job.created_by is None:
            raise MemberGone
        context = await act_as_member(
            job.runtime,
            unit,
            member_id=job.created_by,
            cause_id=job.id,
            acting_as=job.acting_as,
            scope=self.scope,
        )
        check_may_export(context)
        return context

    async def write(self) -> AsyncGenerator[bytes]:
        """Yield the file piece by piece, the newest first; memory stays flat."""
        wanted, end = await self._plan()
        yield self.writer.begin()
        after: Place | None = None
        while True:
            batch, after = await self._read(wanted, after)
            if batch:
                # In a thread: packing takes long enough that the worker's other jobs would notice.
                yield await asyncio.to_thread(self.writer.write, batch)
            if after is None:
                break
            await self._report(after.happened_at, end)
        yield await asyncio.to_thread(self.writer.end)

    async def _plan(self) -> tuple[Wanted, datetime]:
        """Return what is wanted, and where the file ends."""
        async with self.job.runtime.database.unit(self.job.workspace) as unit:
            wanted = await read_filter(await self.act(unit), self.asked)
            oldest = await find_oldest(unit) or self._begun
        return wanted, oldest if wanted.since is None else max(oldest, wanted.since)

    async def _read(self, wanted: Wanted, after: Place | None) -> tuple[list[ExportedRecord], Place | None]:
        """Return the next rows, and the place behind them, by the rights of this moment; no place at the end."""
        async with self.job.runtime.database.unit(self.job.workspace) as unit:
            looked = await look_at(await self.act(unit), wanted, after=after, limit=AT_ONCE)
        rows = [_row(one.activity) for one in looked if one.activity is not None]
        self.rows += len(rows)
        return rows, looked[-1].place if len(looked) == AT_ONCE else None

    async def _report(self, at: datetime, end: datetime) -> None:
        # By how far back in time it has come: a share of the activities would tell how many others there are.
        whole = (self._begun - end).total_seconds()
        done = (self._begun - at).total_seconds()
        await self.job.report(progress=min(99, 100 * done / whole) if whole > 0 else 99, step="writing")


def begin_run(job: JobContext, asked: ActivityExportCreate, *, scope: Scope) -> ExportRun:
    """Return an export with nothing written yet."""
    return ExportRun(job=job, asked=asked, scope=scope, writer=open_rows(asked.format, COLUMNS))


def _row(activity: Activity) -> ExportedRecord:
    values: dict[str, Any] = {
        "timestamp": activity.timestamp.isoformat(),
        "actor": None if activity.actor is None else activity.actor.name,
        "acting_as": None if activity.acting_as is None else str(activity.acting_as),
        "description": activity.description,
        "category": activity.category,
        "type": activity.type,
        "entity": activity.entity,
        "entity_id": str(activity.entity_id),
        "entity_name": activity.entity_name,
        "scope": None if activity.scope is None else activity.scope.name,
        "record_id": None if activity.record_id is None else str(activity.record_id),
        "count": activity.count,
        "changed": "; ".join(map(_tell_change, activity.changes)) or None,
    }
    return ExportedRecord(id=str(activity.id), values=values, geometry=None)


def _tell_change(change: ActivityChange) -> str:
    return f"{change.label}: {_tell_value(change.before)} → {_tell_value(change.after)}"


def _tell_value(value: Any) -> str:
    if value is None or value in ("", []):
        return NOTHING
    return value if isinstance(value, str) else orjson.dumps(value).decode()
