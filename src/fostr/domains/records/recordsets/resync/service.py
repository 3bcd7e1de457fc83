"""Bring records in step with their recordset: a few at once, in the transaction of the change; many by a job.

What is derived from a record's values (title, place, promoted columns, search words) is made by the same functions as
when the record is written. While a job is under way, filters and sorts do not read the columns that it fills, removed
fields are known to nobody, and whoever may not know some field is shown no title and no place (`hides_derived`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

import orjson

from fostr.domains.records.fields.shaping import shape
from fostr.domains.records.recordsets import repository as recordsets
from fostr.domains.records.recordsets.counts.repository import get_count
from fostr.domains.records.recordsets.resync import repository
from fostr.domains.workspaces import public as workspaces
from fostr.kernel.events import outbox
from fostr.kernel.events.outbox import Actor, Cause
from fostr.kernel.jobs.dispatch import dispatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

    from fostr.domains.records.fields.model import Recordset
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.http.context import Context
    from fostr.kernel.jobs.context import JobContext

JOB: Final = "records.resync"
MOST_AT_ONCE: Final = 1000
"""Records that are brought in step within a request; where there are more, a job does it."""
BATCH: Final = 1000

_FIRST_ID: Final = UUID(int=0)
_FIRST_MOMENT: Final = datetime(1, 1, 2, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a walk through all records of a recordset stands: first the live ones, then those in the trash."""

    in_trash: bool = False
    deleted_at: datetime = _FIRST_MOMENT
    id: UUID = _FIRST_ID
    passed: int = 0

    def after(self, rows: Sequence[asyncpg.Record]) -> Place | None:
        """Return where the walk stands after some rows; None when it has passed all."""
        if rows:
            moment = rows[-1]["deleted_at"] or _FIRST_MOMENT
            return Place(self.in_trash, moment, rows[-1]["id"], self.passed + len(rows))
        return None if self.in_trash else Place(in_trash=True, passed=self.passed)


async def follow_change(context: Context, recordset: Recordset) -> UUID | None:
    """Bring the records in step with a change of their recordset, and return the job that does it, if one is needed.

    The recordset is locked for change, and the change is written.
    """
    if await repository.count_some(context.unit, recordset.id, most=MOST_AT_ONCE) <= MOST_AT_ONCE:
        await resync_now(context.unit, recordset)
        return None
    return await dispatch_resync(context, recordset)


async def dispatch_resync(context: Context, recordset: Recordset) -> UUID:
    """Dispatch the job that brings all records in step; for one definition there is one at a time."""
    return await _dispatch(context.unit, recordset, created_by=context.member_id, acting_as=context.principal.acting_as)


async def dispatch_by_job(job: JobContext, unit: Unit, recordset: Recordset) -> UUID:
    """Dispatch the job that brings all records in step, for whom another job acts."""
    return await _dispatch(unit, recordset, created_by=job.created_by, acting_as=job.acting_as)


async def _dispatch(unit: Unit, recordset: Recordset, *, created_by: UUID | None, acting_as: UUID | None) -> UUID:
    return await dispatch(
        unit,
        JOB,
        {"recordset_id": str(recordset.id), "fields_version": recordset.fields_version},
        workspace=unit.workspace,
        workflow_id=f"{JOB}:{recordset.id}:{recordset.fields_version}",
        created_by=created_by,
        acting_as=acting_as,
    )


async def resync_now(unit: Unit, recordset: Recordset) -> None:
    """Bring all records in step within the transaction; the recordset is locked for change."""
    place: Place | None = Place()
    while place is not None:
        place = await _step(unit, recordset, place)
    await repository.finish(unit, recordset.id)


async def _step(unit: Unit, recordset: Recordset, place: Place) -> Place | None:
    """Bring the next records in step, and return where to go on; None when all are done."""
    rows = await lock_next(unit, recordset.id, place)
    if rows:
        await _write(unit, recordset, rows)
    return place.after(rows)


async def lock_next(unit: Unit, recordset_id: UUID, place: Place) -> list[asyncpg.Record]:
    """Return the values of the next records of a walk, and let nobody else change them."""
    if place.in_trash:
        after = (place.deleted_at, place.id)
        return await repository.lock_trashed(unit, recordset_id, after=after, limit=BATCH)
    return await repository.lock_live(unit, recordset_id, after=place.id, limit=BATCH)


async def _write(unit: Unit, recordset: Recordset, rows: Sequence[asyncpg.Record]) -> None:
    ids = [row["id"] for row in rows]
    shaped = [shape(recordset, _without(row["field_values"], recordset.removed)) for row in rows]
    geometries = [None if entry.geometry is None else orjson.dumps(entry.geometry).decode() for entry in shaped]
    await repository.write_derived(unit, recordset, ids, shaped, geometries)
    await repository.write_search(unit, recordset, ids, shaped)


def _without(values: dict[str, object], keys: frozenset[str]) -> dict[str, object]:
    return {key: value for key, value in values.items() if key not in keys} if keys else values


async def run_resync(job: JobContext, *, recordset_id: UUID, fields_version: int) -> dict[str, object]:
    """Bring all records in step, some at a time, each time with the recordset kept from changing.

    A definition that changes under way has a job of its own when that is needed, and this one ends; when it is not,
    this one begins anew with it.
    """
    wanted = fields_version
    while True:
        async with job.unit() as unit:
            recordset = await recordsets.find_definition(unit, recordset_id)
        if recordset is None or (recordset.fields_version != wanted and not recordset.is_in_step):
            return {"records": 0, "outcome": "superseded" if recordset else "gone"}
        wanted = recordset.fields_version
        passed = await _walk(job, recordset)
        if passed is not None and await _finish(job, recordset, passed):
            return {"records": passed, "outcome": "done"}


async def _walk(job: JobContext, recordset: Recordset) -> int | None:
    """Go through all records, and return how many there are; None when the definition changes under way."""
    place = Place()
    expected = 1
    while True:
        async with job.unit() as unit:
            if await repository.lock_definition(unit, recordset.id) != recordset.fields_version:
                return None
            if not place.passed:
                expected = max(expected, await get_count(unit, recordset.id))
            following = await _step(unit, recordset, place)
        if following is None:
            return place.passed
        place = following
        done = 100 * place.passed / max(expected, place.passed)
        await job.report(progress=min(99, done), step="records", message=f"{place.passed} records are in step.")


async def _finish(job: JobContext, recordset: Recordset, passed: int) -> bool:
    async with job.unit() as unit:
        await recordsets.lock_for_change(unit, recordset.id)
        if await repository.lock_definition(unit, recordset.id) != recordset.fields_version:
            return False
        await repository.finish(unit, recordset.id)
        await workspaces.bump_rights_epoch(unit)
        await outbox.record(
            unit,
            type="recordset.resynced",
            entity="recordset",
            entity_id=recordset.id,
            after={"records": passed},
            cause=Cause(kind="job", id=job.id, count=passed),
            actor=Actor(member_id=job.created_by, acting_as=job.acting_as),
        )
    return True
