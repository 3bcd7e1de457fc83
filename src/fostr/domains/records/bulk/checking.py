"""Checking the rows of a bulk write, each by itself, all at once where the database is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fostr.domains.records.bulk import repository
from fostr.domains.records.bulk.schemas import RowError
from fostr.domains.records.fields.shaping import FieldReadOnly, FieldValuesInvalid, check_values
from fostr.domains.records.records import effects
from fostr.domains.records.records.record import DELETED
from fostr.domains.records.records.service import StatusReserved

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fostr.domains.records.bulk.outcomes import Outcome
    from fostr.domains.records.bulk.schemas import CreateRow, RowChanges
    from fostr.domains.records.recordsets.reach import Reached
    from fostr.kernel.http.context import Context


def check_row(reached: Reached, given: Mapping[str, Any], outcome: Outcome) -> dict[str, Any]:
    """Return a row's values in the form that is kept; what is wrong with them is noted in its outcome."""
    try:
        checked = check_values(reached.recordset, given, mask=reached.mask)
    except FieldValuesInvalid as refusal:
        outcome.refuse("invalid", *(RowError(**error) for error in refusal.fields["errors"]))
        return {}
    except FieldReadOnly as refusal:
        outcome.refuse("forbidden", RowError(field=refusal.fields["field"], reason="you may not change this field"))
        return {}
    return checked


def _check_present(reached: Reached, checked: Mapping[str, Any], outcome: Outcome, *, is_new: bool) -> None:
    """Note which required values a new record lacks, or a change clears."""
    missing = [
        field.key
        for field in reached.recordset.fields
        if field.is_required and (is_new or field.key in checked) and checked.get(field.key) is None
    ]
    if missing:
        outcome.refuse("invalid", *(RowError(field=key, reason="is required") for key in missing))


async def check_attributes(
    context: Context, rows: Sequence[CreateRow | RowChanges], outcomes: Sequence[Outcome]
) -> None:
    """Note which rows want the status of the trash, or an owner who is no member."""
    wanted = {row.owner_id for row in rows} - {None, context.member_id}
    known = await repository.list_members(context.unit, [member for member in wanted if member])
    for row, outcome in zip(rows, outcomes, strict=True):
        if row.status == DELETED:
            outcome.refuse("invalid", RowError(field="status", reason=StatusReserved.detail))
        if row.owner_id in wanted and row.owner_id not in known:
            outcome.refuse("invalid", RowError(field="owner_id", reason="is no member of this workspace"))


async def prepare_rows(
    reached: Reached,
    rows: Sequence[tuple[dict[str, Any], Outcome]],
    *,
    before: Sequence[Mapping[str, Any]] | None = None,
) -> list[dict[str, Any]]:
    """Note what rows refer to and is not there, or do not have and need; return their values, the new ones completed.

    Args:
        reached: the recordset.
        rows: the values of each row, and its outcome.
        before: the values that each row changes; None for new records.
    """
    values = [given for given, _ in rows]
    if not values:
        return values
    for fault in await effects.prepare(reached, values, is_new=before is None, before=before):
        rows[int(fault["row"])][1].refuse("invalid", RowError(field=fault["field"], reason=fault["reason"]))
    for given, outcome in rows:
        if outcome.result is None:
            _check_present(reached, given, outcome, is_new=before is None)
    return values
