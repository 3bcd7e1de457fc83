"""Dry runs: what an import would come to, without a record being written.

Rows are decided as they would be, batch by batch, and whatever that has written is undone. Nothing is kept before the
end, so a dry run whose worker dies begins anew.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson

from fostr.domains.records.fields.model import hides_derived
from fostr.domains.records.imports import repository
from fostr.domains.records.imports.advancing import MOST_FAULTS, RecordsetGone
from fostr.domains.records.imports.conversion import shorten
from fostr.domains.records.imports.loading import next_rows, plan_loading
from fostr.domains.records.imports.local import open_local
from fostr.domains.records.imports.merging.resolving import resolve
from fostr.domains.records.imports.readers.opening import Source, open_reader
from fostr.domains.records.imports.trying import trial
from fostr.domains.records.recordsets.reach import reach_recordset
from fostr.domains.records.recordsets.schemas import RecordsetCreate
from fostr.domains.records.recordsets.service import create_recordset
from fostr.kernel import clock
from fostr.kernel.http.errors import Forbidden
from fostr.kernel.jobs.behalf import act_for_member

if TYPE_CHECKING:
    from fostr.domains.records.imports.conversion import CheckedRows, Fault
    from fostr.domains.records.imports.loading import LoadingPlan
    from fostr.domains.records.imports.merging.deciding import Decision, Plan
    from fostr.domains.records.imports.repository import Import
    from fostr.domains.records.recordsets.reach import Reached
    from fostr.kernel.http.context import Context
    from fostr.kernel.jobs.context import JobContext

SHOWN: Final = 20
"""Examples that are shown of each thing that can become of a row."""
LONGEST_DOCUMENT: Final = 2_000


@dataclass(slots=True)
class _Tally:
    """What has been found so far."""

    created: int = 0
    updated: int = 0
    skipped: int = 0
    failed: int = 0
    creates: list[dict[str, Any]] = field(default_factory=list["dict[str, Any]"])
    updates: list[dict[str, Any]] = field(default_factory=list["dict[str, Any]"])
    skips: list[dict[str, Any]] = field(default_factory=list["dict[str, Any]"])
    errors: list[dict[str, Any]] = field(default_factory=list["dict[str, Any]"])
    faults: list[Fault] = field(default_factory=list["Fault"])

    @property
    def rows(self) -> int:
        return self.created + self.updated + self.skipped + self.failed

    def take(self, reached: Reached, decision: Decision) -> None:
        self.created += len(decision.created)
        self.updated += decision.updated_rows
        self.skipped += len(decision.skipped)
        self.failed += decision.failed_rows
        hides = hides_derived(reached.recordset, reached.mask)
        self.creates += [_show_new(plan) for plan in decision.created[: SHOWN - len(self.creates)]]
        self.updates += [_show_change(plan, hides=hides) for plan in decision.changed[: SHOWN - len(self.updates)]]
        self.skips += [
            {"row": entry.number, "record_id": entry.record and str(entry.record.id), "reason": entry.reason}
            for entry in decision.skipped[: SHOWN - len(self.skips)]
        ]
        self.errors += [
            {"row": fault.row, "column": fault.column, "value": fault.value, "reason": fault.reason}
            for fault in decision.faults[: SHOWN - len(self.errors)]
        ]
        self.faults += decision.faults[: MOST_FAULTS - len(self.faults)]

    def as_preview(self) -> dict[str, Any]:
        return {"creates": self.creates, "updates": self.updates, "skips": self.skips, "errors": self.errors}


def _show_new(plan: Plan) -> dict[str, Any]:
    return {"row": plan.numbers[0], "values": {key: _show(value) for key, value in plan.values.items()}}


def _show_change(plan: Plan, *, hides: bool) -> dict[str, Any]:
    record = plan.record
    assert record is not None  # noqa: S101 - of a change
    old = record.field_values
    changes = {key: {"before": _show(old.get(key)), "after": _show(new)} for key, new in plan.values.items()}
    return {
        "row": plan.numbers[0],
        "record_id": str(record.id),
        "title": "" if hides else record.title,
        "changes": changes,
    }


def _show(value: Any) -> Any:
    """Return a value as an example shows it: not so long that it would drown the others."""
    if isinstance(value, str):
        return shorten(value)
    written = orjson.dumps(value)
    return shorten(written.decode()) if len(written) > LONGEST_DOCUMENT else value


async def preview_import(job: JobContext, entry: Import) -> None:
    """Find out what an import would come to, and keep that.

    Raises:
        RecordsetGone, FieldsGone: the recordset is not what it was.
        FileUnreadable: the file is broken.
        Forbidden: the member may not import into the recordset any more.
    """
    tally, made = _Tally(), set[int]()
    async with open_local(job.runtime.files, entry.file_key) as file:
        reader = await asyncio.to_thread(open_reader, file, Source.from_document(entry.source))
        async with job.unit() as unit, trial(unit):
            plan = plan_loading(await _reach(await act_for_member(job, unit), entry), entry, made=made)
        while (rows := await asyncio.to_thread(next_rows, reader, plan.converter)) is not None:
            await _look_at(job, entry, plan, rows, tally)
            done = 99 * min(1.0, tally.rows / max(entry.total_rows, 1))
            await job.report(progress=done, step="preview", message=f"{tally.rows:,} rows looked at.")
    async with job.unit() as unit:
        if await repository.move_import(unit, entry.id, "previewed", now=clock.now()):
            await repository.keep_faults(unit, entry.id, tally.faults)
            await repository.keep_preview(
                unit,
                entry.id,
                created=tally.created,
                updated=tally.updated,
                skipped=tally.skipped,
                failed=tally.failed,
                reported=len(tally.faults),
                preview=tally.as_preview(),
            )


async def _look_at(job: JobContext, entry: Import, plan: LoadingPlan, rows: CheckedRows, tally: _Tally) -> None:
    assert plan.decider is not None  # noqa: S101 - a dry run decides about each row
    async with job.unit() as unit, trial(unit):
        reached = await _reach(await act_for_member(job, unit), entry)
        await resolve(reached, rows, plan.decider.references, columns=plan.decider.columns)
        tally.take(reached, await plan.decider.decide(reached, rows))


async def _reach(context: Context, entry: Import) -> Reached:
    """Return the recordset of a dry run; one that is made for it goes with the transaction."""
    if entry.draft is not None:
        if not context.access.has("can_create_recordset"):
            raise Forbidden(permission="can_create_recordset")
        return await create_recordset(context, data=RecordsetCreate.model_validate(entry.draft))
    if entry.recordset_id is None:
        raise RecordsetGone
    return await reach_recordset(context, entry.recordset_id, "import")
