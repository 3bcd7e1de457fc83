"""Creating many records at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fostr.domains.records.bulk.batch import begin, sign, tell, write_new
from fostr.domains.records.bulk.checking import check_attributes, check_row, prepare_rows
from fostr.domains.records.bulk.events import RECORDS_CREATED
from fostr.domains.records.bulk.outcomes import Outcome, check_all_good, show_all
from fostr.domains.records.fields.shaping import shape
from fostr.domains.records.records.repository.writing import Content

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.domains.records.bulk.batch import Batch
    from fostr.domains.records.bulk.schemas import BulkCreate, BulkWritten, CreateRow
    from fostr.domains.records.recordsets.reach import Reached
    from fostr.kernel.http.context import Context


async def create_records(context: Context, *, data: BulkCreate) -> BulkWritten:
    """Create records, and say of each row what became of it.

    Raises:
        RecordsetNotFound: the caller cannot see the recordset.
        ActionForbidden: they may not create records in it.
        RowsRefused: all or nothing was asked for, and some rows are not good.
    """
    batch = await begin(context, data.recordset_id, "create", signature=sign(context))
    outcomes = [Outcome() for _ in data.records]
    await check_attributes(context, data.records, outcomes)
    checked = [
        check_row(batch.reached, row.field_values, outcome) for row, outcome in zip(data.records, outcomes, strict=True)
    ]
    await _prepare(batch.reached, checked, outcomes)
    check_all_good(outcomes, mode=data.mode)
    await _write(batch, data.records, checked, outcomes, dry_run=data.dry_run)
    return show_all(outcomes, change_id=await tell(batch, RECORDS_CREATED), dry_run=data.dry_run)


async def _prepare(reached: Reached, checked: list[dict[str, Any]], outcomes: list[Outcome]) -> None:
    good = [place for place, outcome in enumerate(outcomes) if outcome.result is None]
    prepared = await prepare_rows(reached, [(checked[place], outcomes[place]) for place in good])
    for place, values in zip(good, prepared, strict=True):
        checked[place] = values


async def _write(
    batch: Batch, rows: Sequence[CreateRow], checked: list[dict[str, Any]], outcomes: list[Outcome], *, dry_run: bool
) -> None:
    good = [place for place, outcome in enumerate(outcomes) if outcome.result is None]
    for place in good:
        outcomes[place].result = "created"
    if dry_run:
        return
    contents = [new_content(batch.reached, rows[place], checked[place]) for place in good]
    for place, record_id in zip(good, await write_new(batch, contents), strict=True):
        outcomes[place].record_id, outcomes[place].version = record_id, 1


def new_content(reached: Reached, row: CreateRow, values: dict[str, Any]) -> Content:
    """Return what is in a new record."""
    return Content(
        shaped=shape(reached.recordset, values),
        status=row.status,
        tags=list(dict.fromkeys(row.tags)),
        owner_id=row.owner_id,
    )
