"""Fields that list attachments: their values hold ids, and the files follow them.

An id that leaves its field takes the file to the trash; one that comes back, by hand or by an undo, brings it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from fostr.domains.records.attachments import repository
from fostr.domains.records.fields.shaping import FieldValuesInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fostr.domains.records.records.effects import Written
    from fostr.domains.records.recordsets.reach import Reached

TYPE: Final = "attachment"
_UNKNOWN: Final = "names a file that is not attached to this record"


def _keys(reached: Reached) -> list[str]:
    return [field.key for field in reached.recordset.fields if field.type == TYPE]


def find_faults(reached: Reached, rows: Sequence[Mapping[str, Any]], *, is_new: bool) -> list[dict[str, Any]]:
    """Return the values of new records that name files: there is no record yet to which one can be attached."""
    if not is_new:
        return []
    keys = _keys(reached)
    return [
        {"row": place, "field": key, "reason": _UNKNOWN}
        for place, row in enumerate(rows)
        for key in keys
        if row.get(key)
    ]


async def follow_attachments(reached: Reached, written: Sequence[Written]) -> None:
    """Move files out of and into the trash as the fields that list them were written.

    Raises:
        FieldValuesInvalid: a field names a file that is not its record's.
    """
    for key in _keys(reached):
        for entry in written:
            # A record that is deleted keeps its files, for the day that it is restored.
            if entry.after and entry.before.get(key) != entry.after.get(key):
                await _follow(reached, entry, key)


async def _follow(reached: Reached, entry: Written, key: str) -> None:
    context = reached.context
    before, after = _ids(entry.before.get(key)), _ids(entry.after.get(key))
    come, gone = after - before, before - after
    if come:
        found = await repository.revive(reached.unit, come, record_id=entry.record_id, field=key)
        if found != len(come):
            raise FieldValuesInvalid(errors=[{"field": key, "reason": _UNKNOWN}])
    if gone:
        await repository.bury(
            reached.unit, gone, record_id=entry.record_id, now=context.now, member_id=context.member_id
        )


def _ids(value: list[str] | None) -> set[UUID]:
    return {UUID(text) for text in value or []}
