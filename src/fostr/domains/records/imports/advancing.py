"""How an import moves on with each batch, in the transaction that writes the batch's records."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from fostr.domains.records.imports import repository
from fostr.kernel.http.errors import Conflict
from fostr.kernel.jobs.context import JobSuperseded

if TYPE_CHECKING:
    from fostr.domains.records.imports.conversion import Batch
    from fostr.domains.records.imports.repository import Import
    from fostr.kernel.db.unit import Unit

MOST_FAULTS: Final = 100_000
"""Faults that the report of one import tells; the rows behind them are counted to the last."""


class RecordsetGone(Conflict):
    """The recordset was deleted while records were imported into it."""

    code = "import_recordset_gone"
    detail = "The recordset was deleted."


class RecordsetChanged(Exception):
    """The recordset has changed since it was planned how rows become records."""


async def advance(unit: Unit, entry: Import, batch: Batch) -> Import:
    """Count a batch that is written in the same transaction, and return the import as it is then.

    Raises:
        JobSuperseded: another run has written the batch.
    """
    faults = batch.faults[: max(0, MOST_FAULTS - entry.reported_faults)]
    if not await repository.advance_import(unit, entry, batch, faults=faults):
        raise JobSuperseded
    ends = [id for id in (entry.first_id, entry.last_id, *batch.ids[:1], *batch.ids[-1:]) if id is not None]
    return replace(
        entry,
        file_offset=batch.end.offset,
        file_row=batch.end.row,
        imported_rows=entry.imported_rows + len(batch.ids),
        updated_rows=entry.updated_rows + batch.updated,
        skipped_rows=entry.skipped_rows + batch.skipped,
        failed_rows=entry.failed_rows + batch.failed,
        reported_faults=entry.reported_faults + len(faults),
        first_id=min(ends, default=None),
        last_id=max(ends, default=None),
    )
