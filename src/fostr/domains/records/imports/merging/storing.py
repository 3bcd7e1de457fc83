"""Write what was decided about the rows of a batch, in one transaction with the place that the import has come to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import orjson

from fostr.domains.records.bulk.batch import plan_change, sign
from fostr.domains.records.bulk.repository import Change, change_records, lock_keys
from fostr.domains.records.bulk.upserting import key_locks
from fostr.domains.records.fields.shaping import shape
from fostr.domains.records.imports import repository
from fostr.domains.records.imports.advancing import RecordsetChanged, RecordsetGone, advance
from fostr.domains.records.imports.conversion import Batch
from fostr.domains.records.imports.merging.resolving import resolve
from fostr.domains.records.records.effects import Written, follow
from fostr.domains.records.records.repository.writing import Content
from fostr.domains.records.records.service import shape_over
from fostr.domains.records.recordsets import repository as recordsets
from fostr.domains.records.recordsets.reach import reach_recordset
from fostr.kernel.ids import new_ids
from fostr.kernel.jobs.behalf import act_for_member

if TYPE_CHECKING:
    from fostr.domains.records.fields.model import Recordset
    from fostr.domains.records.imports.conversion import CheckedRows
    from fostr.domains.records.imports.merging.deciding import Decider, Decision, Plan
    from fostr.domains.records.imports.merging.rules import Key
    from fostr.domains.records.imports.repository import Import
    from fostr.domains.records.recordsets.reach import Reached
    from fostr.kernel.jobs.context import JobContext


async def store_rows(job: JobContext, entry: Import, decider: Decider, rows: CheckedRows) -> Import:
    """Write what becomes of some rows, and return the import as it is then.

    Raises:
        RecordsetChanged: its fields are not those by which the rows were checked.
        RecordsetGone: it was deleted.
        Forbidden: the member may not import into it any more.
        JobSuperseded: another run has written the rows.
    """
    if entry.recordset_id is None:
        raise RecordsetGone
    async with job.unit() as unit:
        reached = await reach_recordset(await act_for_member(job, unit), entry.recordset_id, "import")
        fields_version = decider.recordset.fields_version
        if not await recordsets.lock_recordset(unit, entry.recordset_id, fields_version=fields_version):
            raise RecordsetChanged
        await resolve(reached, rows, decider.references, columns=decider.columns)
        await _hold_keys(reached, decider, rows)
        decision = await decider.decide(reached, rows)
        batch = Batch(end=rows.end, faults=decision.faults, failed=decision.failed_rows)
        batch.updated, batch.skipped = decision.updated_rows, len(decision.skipped)
        written = await _create(reached, entry, decision.created, batch)
        written += await _change(reached, entry, decision, first=rows.numbers[0] if rows.numbers else 1)
        await follow(reached, written)
        return await advance(unit, entry, batch)


async def _hold_keys(reached: Reached, decider: Decider, rows: CheckedRows) -> None:
    """Let nobody else look for the keys of these rows before the transaction ends."""
    names = decider.merging.match_on
    if names and rows.values:
        keys = {tuple(values[name] for name in names) for values in rows.values}
        await lock_keys(reached.unit, key_locks(reached, names, map(_as_hashed, keys)))


def _as_hashed(key: Key) -> Key:
    # As upserts have it: 1 and 1.0 are the same key to PostgreSQL.
    return tuple(int(part) if isinstance(part, float) and part.is_integer() else part for part in key)


async def _create(reached: Reached, entry: Import, plans: list[Plan], batch: Batch) -> list[Written]:
    await asyncio.to_thread(_shape_all, reached.recordset, plans, batch)
    await repository.insert_records(reached.unit, entry, batch, now=reached.context.now)
    return [Written(id, {}, plan.values) for id, plan in zip(batch.ids, plans, strict=True)]


def _shape_all(recordset: Recordset, plans: list[Plan], batch: Batch) -> None:
    """Fill a batch with new records, as `Converter.convert` does for rows that meet nothing."""
    shaped = [shape(recordset, plan.values) for plan in plans]
    batch.ids = new_ids(len(plans))
    batch.numbers = [plan.numbers[0] for plan in plans]
    batch.titles = [entry.title for entry in shaped]
    batch.documents = [orjson.dumps(entry.values).decode() for entry in shaped]
    batch.geometries = [orjson.dumps(entry.geometry).decode() if entry.geometry else None for entry in shaped]
    batch.geometry_types = [entry.geometry_type for entry in shaped]
    batch.boxes = [entry.bbox for entry in shaped]
    slots = [field.slot for field in recordset.fields if field.slot is not None]
    batch.promoted = {slot: [entry.promoted[slot] for entry in shaped] for slot in slots}


async def _change(reached: Reached, entry: Import, decision: Decision, *, first: int) -> list[Written]:
    plans = decision.changed
    if not plans:
        return []
    changes = await asyncio.to_thread(_compare_all, reached, plans)
    # Every row has one place in the series of the import, so that batches of it never name a version alike.
    await change_records(
        reached.unit,
        changes,
        recordset_id=reached.recordset.id,
        signature=sign(reached.context, kind="import", series=entry.id),
        first=first,
    )
    return [Written(c.record.id, c.record.field_values, c.content.shaped.values) for c in changes]


def _compare_all(reached: Reached, plans: list[Plan]) -> list[Change]:
    changes: list[Change] = []
    for plan in plans:
        if (record := plan.record) is not None:
            shaped = shape_over(reached, record, plan.values)
            content = Content(shaped=shaped, status=record.status, tags=record.tags, owner_id=record.owner_id)
            changes.append(plan_change(reached, record, content))
    return changes
