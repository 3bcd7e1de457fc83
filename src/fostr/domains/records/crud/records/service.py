"""Replacing a record as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.domains.records.records.schemas import RecordUpdate
from fostr.domains.records.records.service import update_record

if TYPE_CHECKING:
    from fostr.domains.records.crud.records.schemas import RecordReplace
    from fostr.domains.records.records.reach import ReachedRecord
    from fostr.domains.records.records.record import Record
    from fostr.domains.records.recordsets.reach import Reached


async def replace_record(
    found: ReachedRecord, *, data: RecordReplace, expected_version: int | None
) -> tuple[Reached, Record]:
    """Give a record other content; it raises what `update_record` raises.

    What the caller may not see or not change was not theirs to leave out, and stays.
    """
    reached = found.reached
    kept = reached.mask.hidden | reached.mask.read_only
    # Only what there is to clear: a field that nobody may write, such as a computed one, holds nothing.
    cleared = {key: None for key in found.record.field_values if key not in kept and key in reached.recordset.by_key}
    update = RecordUpdate(
        field_values={**cleared, **data.field_values}, status=data.status, tags=data.tags, owner_id=data.owner_id
    )
    return await update_record(found, data=update, expected_version=expected_version or data.expected_version)
