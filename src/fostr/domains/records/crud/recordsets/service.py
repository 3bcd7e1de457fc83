"""Replacing a recordset as a whole, and counting records anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fostr.domains.records.crud.recordsets import repository
from fostr.domains.records.crud.recordsets.schemas import CountsSynced
from fostr.domains.records.recordsets import service as recordsets
from fostr.domains.records.recordsets.counts.repository import count_anew
from fostr.domains.records.recordsets.repository import lock_for_change
from fostr.domains.records.recordsets.schemas import RecordsetSettings, RecordsetUpdate
from fostr.kernel.events.outbox import record as record_event

if TYPE_CHECKING:
    from fostr.domains.records.crud.recordsets.schemas import RecordsetReplace
    from fostr.domains.records.recordsets.reach import Reached
    from fostr.kernel.http.context import Context


async def replace_recordset(target: Reached, *, data: RecordsetReplace, expected_version: int | None) -> Reached:
    """Give a recordset another definition; it raises what `update_recordset` raises.

    What the caller may not see or not change was not theirs to leave out, and stays.
    """
    named = {entry.key for entry in data.fields if entry.key is not None}
    kept = target.mask.hidden | target.mask.read_only
    update = RecordsetUpdate(
        **data.model_dump(include={"name", "description", "type", "mode", "icon", "color", "is_active"}),
        # Settings that are not sent are unset: an update would let them be.
        settings=RecordsetSettings.model_validate(data.settings.model_dump()),
        fields=data.fields,
        remove_fields=[f.key for f in target.recordset.fields if f.key not in named and f.key not in kept],
        field_order=[f.key for f in data.fields if f.key is not None and f.key in target.recordset.by_key],
        expected_version=data.expected_version,
    )
    return await recordsets.update_recordset(target, data=update, expected_version=expected_version)


async def sync_counts(context: Context) -> CountsSynced:
    """Set every recordset's number of records to what there is.

    The numbers move in the transactions that write records, so this finds something only after somebody has changed
    the database by hand.
    """
    wrong = await repository.list_miscounted(context.unit)
    for recordset_id in wrong:
        await lock_for_change(context.unit, recordset_id)
        await count_anew(context.unit, recordset_id)
    synced = CountsSynced(recordsets=await repository.count_recordsets(context.unit), corrected=len(wrong))
    await record_event(
        context,
        type="recordsets.counted",
        entity="workspace",
        entity_id=context.workspace_id,
        after=synced.model_dump(),
    )
    return synced
