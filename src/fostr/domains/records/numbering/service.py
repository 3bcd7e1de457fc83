"""Give records their numbers: new ones as they are written, and those that are there when the field is added."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.numbering import repository
from fostr.domains.records.recordsets import repository as recordsets
from fostr.domains.records.recordsets.definition import NUMBERED
from fostr.domains.records.recordsets.resync import service as resync
from fostr.kernel.jobs.dispatch import dispatch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from fostr.domains.records.fields.model import Field, Recordset
    from fostr.kernel.db.unit import Unit
    from fostr.kernel.http.context import Context
    from fostr.kernel.jobs.context import JobContext

JOB: Final = "records.number"


def numbered_fields(recordset: Recordset) -> list[Field]:
    """Return the fields whose values are numbers that records get one after the other."""
    return [field for field in recordset.fields if field.type == NUMBERED]


async def assign_numbers(unit: Unit, recordset: Recordset, rows: Sequence[dict[str, Any]]) -> None:
    """Give new records their numbers, in the order of the rows; one statement a field, for any number of rows."""
    for field in numbered_fields(recordset):
        first = await repository.take_numbers(unit, field.id, count=len(rows))
        for number, values in enumerate(rows, start=first):
            values[field.key] = number


async def follow_addition(context: Context, recordset: Recordset, fields: Sequence[Field]) -> UUID | None:
    """Number the records that were there before some fields, and bring them in step.

    A few at once, many by a job, which is returned. The recordset is locked for change; new records get the numbers
    that follow at once.
    """
    unit = context.unit
    count = await repository.count_records(unit, recordset.id)
    for field in fields:
        if count:
            await repository.take_numbers(unit, field.id, count=count)
    if count > resync.MOST_AT_ONCE:
        return await dispatch(
            unit,
            JOB,
            {"recordset_id": str(recordset.id), "fields": [field.key for field in fields]},
            workspace=context.workspace_id,
            created_by=context.member_id,
            acting_as=context.principal.acting_as,
        )
    await _number(unit, recordset, fields)
    return await resync.follow_change(context, recordset)


async def _number(unit: Unit, recordset: Recordset, fields: Sequence[Field]) -> int:
    return sum([await repository.number_records(unit, recordset.id, field) for field in fields])


async def run_numbering(job: JobContext, *, recordset_id: UUID, keys: Sequence[str]) -> int:
    """Number the records that were there before a field, and have them brought in step.

    All at once: whoever looks sees none of the numbers or all, and a run that breaks off leaves nothing behind.
    """
    async with job.unit() as unit:
        if not await recordsets.lock_for_change(unit, recordset_id):
            return 0
        recordset = await recordsets.find_definition(unit, recordset_id)
        if recordset is None:
            return 0
        fields = [field for field in numbered_fields(recordset) if field.key in keys]
        numbered = await _number(unit, recordset, fields)
        await resync.dispatch_by_job(job, unit, recordset)
    return numbered
