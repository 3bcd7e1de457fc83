"""Changing many records at once: each in its own way, or all that filters select in one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from fostr.domains.records.bulk import repository
from fostr.domains.records.bulk.batch import begin, lock_records, plan_change, sign, tell, write_changes
from fostr.domains.records.bulk.checking import check_attributes, check_row, prepare_rows
from fostr.domains.records.bulk.events import RECORDS_UPDATED
from fostr.domains.records.bulk.outcomes import Outcome, RowsRefused, check_all_good, show_all, show_outcome
from fostr.domains.records.bulk.schemas import BulkWritten, RowError
from fostr.domains.records.query.selection import TRASH, read_body, select_records
from fostr.domains.records.records.record import DELETED, Record
from fostr.domains.records.records.repository.listing import count_selected
from fostr.domains.records.records.repository.writing import Content
from fostr.domains.records.records.service import StatusReserved, shape_over
from fostr.domains.records.recordsets.reach import check_action
from fostr.kernel.http.errors import Unprocessable

if TYPE_CHECKING:
    from fostr.domains.records.bulk.batch import Batch
    from fostr.domains.records.bulk.repository import Change, Found
    from fostr.domains.records.bulk.schemas import BulkUpdate, RowChanges, UpdateRow
    from fostr.domains.records.recordsets.reach import Reached
    from fostr.kernel.http.context import Context

MOST_SELECTED: Final = 20_000
"""Records that one request changes by filters."""
SELECTED_AT_ONCE: Final = 1_000

_FIRST: Final = UUID(int=0)


class SelectionTooLarge(Unprocessable):
    """The filters select more records than one request changes."""

    code = "selection_too_large"
    detail = f"One request changes at most {MOST_SELECTED:,} records; narrow the filters."


async def update_records(context: Context, *, data: BulkUpdate) -> BulkWritten:
    """Change records, and say of each row what became of it.

    Raises:
        RecordsetNotFound: the caller cannot see the recordset.
        ActionForbidden: they may not edit in it, or not everything, and asked for that.
        FilterInvalid: a filter does not fit the recordset.
        StatusReserved: the trash is asked for.
        SelectionTooLarge: the filters select too many records.
        RowsRefused: all or nothing was asked for, and some rows are not good; or what all are to get is not.
    """
    if data.records is None:
        return await _update_selected(context, data)
    batch = await begin(context, data.recordset_id, None, signature=sign(context))
    check_action(batch.reached, "edit", is_own=True)
    outcomes = [Outcome(record_id=row.id) for row in data.records]
    await check_attributes(context, data.records, outcomes)
    changes = await _plan(batch, data.records, outcomes)
    check_all_good(outcomes, mode=data.mode)
    if not data.dry_run:
        versions = await write_changes(batch, list(changes.values()))
        for place, change in changes.items():
            outcomes[place].version = versions[change.record.id]
    return show_all(outcomes, change_id=await tell(batch, RECORDS_UPDATED), dry_run=data.dry_run)


async def _plan(batch: Batch, rows: list[UpdateRow], outcomes: list[Outcome]) -> dict[int, Change]:
    found = await lock_records(batch, sorted({row.id for row in rows}))
    _refuse_twins([row.id for row in rows], outcomes)
    for row, outcome in zip(rows, outcomes, strict=True):
        check_target(found.get(row.id), outcome, expected_version=row.expected_version)
    return await plan_rows(batch.reached, [(row, found.get(row.id)) for row in rows], outcomes)


def _refuse_twins(ids: list[UUID], outcomes: list[Outcome]) -> None:
    seen: set[UUID] = set()
    for record_id, outcome in zip(ids, outcomes, strict=True):
        if record_id in seen and outcome.result is None:
            outcome.refuse("conflict", RowError(field="id", reason="an earlier row changes the same record"))
        seen.add(record_id)


def check_target(found: Found | None, outcome: Outcome, *, expected_version: int | None) -> None:
    """Note why the record that a row is about cannot be changed by the caller."""
    if outcome.result is not None:
        return
    if found is None or found.record.status == DELETED:
        outcome.refuse("not_found")
    elif not found.edits:
        outcome.refuse("forbidden")
    elif expected_version is not None and expected_version != found.record.version:
        outcome.version = found.record.version
        outcome.refuse("stale", RowError(field="expected_version", reason="somebody changed the record meanwhile"))


async def plan_rows(
    reached: Reached, rows: list[tuple[RowChanges, Found | None]], outcomes: list[Outcome]
) -> dict[int, Change]:
    """Return what each good row changes, by its place; the outcomes say of all others why there is nothing."""
    checked: dict[int, dict[str, Any]] = {}
    for place, (row, _) in enumerate(rows):
        if outcomes[place].result is None:
            checked[place] = check_row(reached, row.field_values, outcomes[place])
    good = [place for place in checked if outcomes[place].result is None]
    held = [found.record.field_values if (found := rows[place][1]) else {} for place in good]
    some = [(checked[place], outcomes[place]) for place in good]
    prepared = await prepare_rows(reached, some, before=held)
    changes: dict[int, Change] = {}
    for place, values in zip(good, prepared, strict=True):
        row, found = rows[place]
        if found is None or outcomes[place].result is not None:
            continue
        change = plan_change(reached, found.record, changed_content(reached, found.record, row, values))
        outcomes[place].record_id, outcomes[place].version = found.record.id, found.record.version
        outcomes[place].result = "unchanged" if change.difference.is_empty else "updated"
        if not change.difference.is_empty:
            changes[place] = change
    return changes


def changed_content(reached: Reached, record: Record, row: RowChanges, values: dict[str, Any]) -> Content:
    """Return a record's content as a row changes it."""
    return Content(
        shaped=shape_over(reached, record, values),
        status=row.status if row.status is not None else record.status,
        tags=list(dict.fromkeys(row.tags)) if row.tags is not None else record.tags,
        owner_id=row.owner_id if "owner_id" in row.model_fields_set else record.owner_id,
    )


async def _update_selected(context: Context, data: BulkUpdate) -> BulkWritten:
    if data.only_status == TRASH:
        raise StatusReserved("What is in the trash cannot be changed.")
    batch = await begin(context, data.recordset_id, "edit", signature=sign(context))
    values = await _check_whole(batch, data)
    selection = select_records(
        batch.reached, read_body(data, status=data.only_status, tags=data.only_tags), action="edit"
    )
    await context.unit.plan_for_values()
    matched = await count_selected(context.unit, selection)
    if matched > MOST_SELECTED:
        raise SelectionTooLarge(matched=matched)
    unchanged = 0
    after = _FIRST
    while not data.dry_run:
        records = await repository.lock_selected(context.unit, selection.condition, after=after, limit=SELECTED_AT_ONCE)
        if not records:
            break
        after = records[-1].id
        unchanged += await _change_some(batch, data, records, values)
    return BulkWritten(
        dry_run=data.dry_run,
        change_id=await tell(batch, RECORDS_UPDATED),
        matched=matched if data.dry_run else batch.updated + unchanged,
        created=0,
        updated=batch.updated,
        unchanged=unchanged,
        refused=0,
        results=[],
    )


async def _check_whole(batch: Batch, data: BulkUpdate) -> dict[str, Any]:
    outcome = Outcome()
    await check_attributes(batch.reached.context, [data], [outcome])
    values = check_row(batch.reached, data.field_values, outcome)
    if outcome.result is None:
        [values] = await prepare_rows(batch.reached, [(values, outcome)], before=[{}])
    if outcome.result is not None:
        raise RowsRefused(
            "What all records are to get cannot be written.", rows=[show_outcome(0, outcome).model_dump(mode="json")]
        )
    return values


async def _change_some(batch: Batch, data: BulkUpdate, records: list[Record], values: dict[str, Any]) -> int:
    changes = [
        plan_change(batch.reached, record, changed_content(batch.reached, record, data, values)) for record in records
    ]
    some = [change for change in changes if not change.difference.is_empty]
    await write_changes(batch, some)
    return len(changes) - len(some)
