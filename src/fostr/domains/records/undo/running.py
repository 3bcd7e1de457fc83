"""Taking back what was done, some records at a time, each batch in a transaction with how far the undo is."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from fostr.domains.records.bulk.batch import begin, lock_records, plan_change, sign, write_changes
from fostr.domains.records.records import effects
from fostr.domains.records.records.record import DELETED
from fostr.domains.records.records.repository.writing import Content
from fostr.domains.records.records.service import shape_over
from fostr.domains.records.recordsets.reach import ActionForbidden, RecordsetNotFound
from fostr.domains.records.undo import repository
from fostr.domains.records.undo.events import RECORDS_UNDONE
from fostr.domains.records.undo.repository import MOST_CONFLICTS, Step, Undo
from fostr.domains.records.undo.reversing import NOT_FOUND, Draft, take_back
from fostr.kernel.events.outbox import Cause
from fostr.kernel.events.outbox import record as record_event

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from fostr.domains.records.bulk.batch import Batch
    from fostr.domains.records.bulk.repository import Change, Found, Signature
    from fostr.domains.records.undo.operation import Operation
    from fostr.kernel.http.context import Context

STEPS_AT_ONCE: Final = 1_000


@dataclass(slots=True)
class _Tally:
    """What became of the records of a batch."""

    undone: int = 0
    skipped: int = 0
    refused: int = 0
    conflicts: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def refuse(self, record_id: UUID, reasons: Mapping[str, str]) -> None:
        """Note which fields of a record stay as they are."""
        self.refused += 1
        by_reason: dict[str, list[str]] = defaultdict(list)
        for name, reason in reasons.items():
            by_reason[reason].append(name)
        self.conflicts += [
            {"record_id": str(record_id), "fields": sorted(names), "reason": reason}
            for reason, names in by_reason.items()
        ]


async def run_batch(context: Context, operation: Operation, undo: Undo, *, dry_run: bool = False) -> tuple[Undo, bool]:
    """Take back the next versions of what was done; return how far the undo is, and whether that was all."""
    steps, undo = await _next_steps(context, operation, undo)
    if not steps:
        return undo, True
    tally = _Tally()
    signature = sign(context, kind="undo", series=undo.undo_id)
    # In the order of the steps: what comes back first may be named by what follows.
    by_recordset: dict[UUID, dict[UUID, list[Step]]] = defaultdict(lambda: defaultdict(list))
    for step in steps:
        by_recordset[step.recordset_id][step.record_id].append(step)
    place, touched = undo.place, dict(undo.touched)
    for recordset_id, records in by_recordset.items():
        batch = await _begin(context, recordset_id, signature, place)
        if batch is None:
            for record_id in records:
                tally.refuse(record_id, {"id": NOT_FOUND})
            continue
        await _take_back(batch, records, tally, undo, dry_run=dry_run)
        place = batch.place
        if batch.updated:
            touched[str(recordset_id)] = touched.get(str(recordset_id), 0) + batch.updated
    undo = replace(
        undo,
        last_id=steps[-1].id,
        place=place,
        touched=touched,
        undone=undo.undone + tally.undone,
        skipped=undo.skipped + tally.skipped,
        refused=undo.refused + tally.refused,
        conflicts=[*undo.conflicts, *tally.conflicts][:MOST_CONFLICTS],
    )
    if not dry_run:
        await repository.save_undo(context.unit, undo)
    return undo, False


async def _begin(context: Context, recordset_id: UUID, signature: Signature, place: int) -> Batch | None:
    try:
        batch = await begin(context, recordset_id, None, signature=signature)
    except (RecordsetNotFound, ActionForbidden):
        return None
    batch.place = place
    return batch


async def _next_steps(context: Context, operation: Operation, undo: Undo) -> tuple[list[Step], Undo]:
    """Return the next versions to take back, source by source."""
    sources = _sources(operation)
    while undo.stage < len(sources):
        steps = await sources[undo.stage](context.unit, below=undo.last_id, limit=STEPS_AT_ONCE)
        if steps:
            return steps, undo
        undo = replace(undo, stage=undo.stage + 1, last_id=None)
    return [], undo


def _sources(operation: Operation) -> list[Callable[..., Awaitable[list[Step]]]]:
    """Return where the versions are: first what was changed, then what was created, then what either brought along."""
    series = operation.operation_id
    if operation.record_id is not None:
        version = operation.version or 1
        own = [partial(repository.list_single, record_id=operation.record_id, version=version)]
    else:
        created = repository.list_imported if operation.is_import else repository.list_created
        own = [partial(repository.list_versions, series=series), partial(created, series=series)]
    return [*own, *(partial(repository.list_versions, series=other) for other in operation.brought_along)]


async def _take_back(
    batch: Batch, records: dict[UUID, list[Step]], tally: _Tally, undo: Undo, *, dry_run: bool
) -> None:
    found = await lock_records(batch, list(records))
    replaced = await _list_replaced(batch, records, found)
    drafts: list[Draft] = []
    for record_id, steps in records.items():
        entry = found.get(record_id)
        if entry is None:
            tally.refuse(record_id, {"id": NOT_FOUND})
            continue
        drafts.append(take_back(batch.reached, entry, steps, replaced.get(record_id, []), forced=undo.is_forced))
    # What comes back is written first: others may name it.
    returns = [drafted.record.status == DELETED != drafted.status for drafted in drafts]
    for is_first in (True, False):
        some = [drafted for drafted, is_back in zip(drafts, returns, strict=True) if is_back is is_first]
        await _check_references(batch, some)
        changes = [_change(batch, drafted) for drafted in some if drafted.is_changed]
        if not dry_run:
            await write_changes(batch, changes)
    for drafted in drafts:
        _count(batch, drafted, tally)


async def _list_replaced(
    batch: Batch, records: dict[UUID, list[Step]], found: dict[UUID, Found]
) -> dict[UUID, list[dict[str, Any]]]:
    """Return what later changes replaced in records that would go to the trash."""
    since: dict[UUID, int] = {}
    for record_id, steps in records.items():
        first = steps[-1]
        appeared = first.after is None or (first.before or {}).get("status") == "deleted"
        if appeared and record_id in found and found[record_id].record.version > first.version:
            since[record_id] = first.version
    return await repository.list_states_replaced(batch.reached.unit, since) if since else {}


async def _check_references(batch: Batch, drafts: list[Draft]) -> None:
    """Leave out values that refer to what is not there any more."""
    some = [drafted for drafted in drafts if drafted.values]
    if not some:
        return
    before = [drafted.record.field_values for drafted in some]
    values = [drafted.values for drafted in some]
    for fault in await effects.prepare(batch.reached, values, is_new=False, before=before):
        drafted = some[int(fault["row"])]
        drafted.values.pop(fault["field"], None)
        drafted.conflicts[fault["field"]] = fault["reason"]


def _change(batch: Batch, drafted: Draft) -> Change:
    content = Content(
        shaped=shape_over(batch.reached, drafted.record, drafted.values),
        status=drafted.status,
        tags=drafted.tags,
        owner_id=drafted.owner_id,
    )
    return plan_change(batch.reached, drafted.record, content)


def _count(batch: Batch, drafted: Draft, tally: _Tally) -> None:
    if drafted.is_changed:
        tally.undone += 1
    if drafted.conflicts:
        hidden = batch.reached.mask.hidden
        tally.refuse(drafted.record.id, {k: reason for k, reason in drafted.conflicts.items() if k not in hidden})
    elif not drafted.is_changed:
        tally.skipped += 1


async def finish(context: Context, operation: Operation, undo: Undo) -> Undo:
    """End an undo: one event for each recordset tells of it."""
    signature = sign(context, kind="undo", series=undo.undo_id)
    event_id = undo.event_id
    for recordset_id, count in sorted(undo.touched.items()):
        told = await _tell(context, operation, recordset_id=recordset_id, count=count, signature=signature)
        if event_id is None or recordset_id == str(operation.recordset_id):
            event_id = told
    undo = replace(undo, finished_at=context.now, event_id=event_id)
    if undo.undone == 0 and undo.refused:
        # Nothing is undone: it is as if nobody had tried.
        await repository.delete_undo(context.unit, undo.operation_id)
    else:
        await repository.save_undo(context.unit, undo)
    return undo


async def _tell(context: Context, operation: Operation, *, recordset_id: str, count: int, signature: Signature) -> UUID:
    cause = signature.cause
    return await record_event(
        context,
        type=RECORDS_UNDONE,
        entity="recordset",
        entity_id=UUID(recordset_id),
        after={
            "recordset_id": recordset_id,
            "count": count,
            "created": 0,
            "updated": count,
            "change_id": str(operation.id),
        },
        cause=Cause(kind=cause.kind, id=cause.id, count=count),
    )
