"""Undoing the change of a field's type: the field gets its old type back, and the records their old values.

Values that are as the change made them become what they were, also those that it lost. Whatever somebody has set since
is converted; where the old type does not take it, nothing is undone unless that is to be overwritten.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fostr.domains.records.fields.types import ValueRefused
from fostr.domains.records.recordsets import repository as recordsets
from fostr.domains.records.recordsets.reach import Reached, reach_recordset
from fostr.domains.records.recordsets.retyping import repository as staging
from fostr.domains.records.recordsets.retyping import service as retyping
from fostr.domains.records.recordsets.retyping.planning import Wanted, plan_retyping
from fostr.domains.records.undo import repository
from fostr.kernel.http.errors import Conflict

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.domains.records.fields.model import Field
    from fostr.domains.records.recordsets.retyping.planning import Retyping
    from fostr.domains.records.undo.operation import Operation
    from fostr.kernel.http.context import Context

RETYPED = "recordset.field_retyped"


class TypeChangedSince(Conflict):
    """The field is gone, or has another type than the change gave it."""

    code = "type_changed_since"
    detail = "The field has got another type since, or was removed."


async def reach_field(context: Context, operation: Operation) -> tuple[Reached, Field, Wanted]:
    """Return the field whose type was changed, and the type that it had; its recordset is locked for change.

    Raises:
        ActionForbidden: the caller does not administer the recordset.
        TypeChangedSince: the field is not what the change made of it.
    """
    await recordsets.lock_for_change(context.unit, operation.recordset_id)
    reached = await reach_recordset(context, operation.recordset_id, "administer")
    before, after = operation.before or {}, operation.after or {}
    field = reached.recordset.by_key.get(after.get("key", ""))
    if field is None or field.type != after.get("type"):
        raise TypeChangedSince
    return reached, field, Wanted(field.key, before["type"], before["options"], accept_loss=True)


async def stage_old_values(reached: Reached, wanted: Wanted, operation: Operation) -> tuple[int, list[dict[str, Any]]]:
    """Stage the values that records had; return how many, and what somebody has set since that would be lost."""
    planned = plan_retyping(reached.recordset, wanted, mask=reached.mask)
    unit, field_id = reached.unit, planned.field.id
    staged = await repository.stage_old_values(
        unit, operation.operation_id, recordset_id=reached.recordset.id, field_id=field_id, key=wanted.key
    )
    conflicts: list[dict[str, Any]] = []
    async for row in repository.stream_unstaged(
        unit, recordset_id=reached.recordset.id, field_id=field_id, key=wanted.key
    ):
        reason = _why_lost(planned, row["value"])
        if reason is not None:
            conflicts.append({"record_id": str(row["id"]), "fields": [wanted.key], "reason": reason})
    return staged, conflicts


def _why_lost(planned: Retyping, value: Any) -> str | None:
    try:
        planned.conversion.convert(value)
    except ValueRefused as refusal:
        return str(refusal)
    return None


async def forget(reached: Reached, field: Field) -> None:
    """Forget the values that were staged."""
    await staging.forget_values(reached.unit, field.id)


async def change_back(reached: Reached, wanted: Wanted) -> tuple[UUID | None, UUID | None]:
    """Give the field its old type, and return the event that tells of it, or the job that does it."""
    job_id = await retyping.change_type(reached, wanted)
    event_id = await repository.find_own_event(reached.unit, reached.recordset.id, type=RETYPED)
    return event_id, None if event_id is not None else job_id
