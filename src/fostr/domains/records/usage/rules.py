"""What the uses of fields say about promoting them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from fostr.domains.records.fields.promotion import SLOTS
from fostr.domains.records.usage.schemas import FieldUse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from fostr.domains.records.fields.model import Field

Uses: TypeAlias = list[int]
"""How often a field was filtered by, and how often sorted by."""

WORTHWHILE: Final = 10
"""Lists in the time that is looked at, under which an index is not worth what every write pays for it."""
UNUSED: Final[Uses] = [0, 0]


@dataclass(frozen=True, slots=True)
class _Used:
    """A field and the lists that asked for it."""

    field: Field
    filters: int
    sorts: int

    @property
    def total(self) -> int:
        """All its uses."""
        return self.filters + self.sorts

    @property
    def can_be_promoted(self) -> bool:
        """Whether there are columns for its values."""
        return self.field.field_type.is_kept and self.field.kind in SLOTS


def advise(
    fields: Sequence[Field], uses: Mapping[UUID, Uses], *, visible: frozenset[str], record_count: int | None
) -> list[FieldUse]:
    """Return what there is to say of the fields, the most worthwhile first.

    Args:
        fields: all of the recordset; also those that the caller may not know of take columns.
        uses: by the ids of fields.
        visible: the keys of those of which to speak.
        record_count: how many records a list looks at without an index.
    """
    used = [_Used(field, *uses.get(field.id, UNUSED)) for field in fields]
    told = [
        _advise(one, used, visible=visible, record_count=record_count)
        for one in used
        if one.field.key in visible and (one.total or one.field.slot)
    ]
    return sorted(told, key=lambda one: (one.advice not in {"promote", "exchange"}, -(one.filters + one.sorts)))


def _advise(one: _Used, used: Sequence[_Used], *, visible: frozenset[str], record_count: int | None) -> FieldUse:
    times = f"{one.filters} lists were filtered and {one.sorts} sorted by it"
    if one.field.slot and one.total:
        return _tell(one, "keep", f"{times}, by its index.")
    if one.field.slot:
        return _tell(one, "release", "No list was filtered or sorted by it, and every write fills its index.")
    if not one.can_be_promoted:
        return _tell(one, "none", f"{times}. A field of type {one.field.type} cannot be promoted.")
    if one.total < WORTHWHILE:
        return _tell(one, "none", f"{times}: too seldom for an index that every write pays for.")
    spared = None if record_count is None else one.total * record_count
    return _find_column(one, used, visible=visible, times=times, spared=spared)


def _find_column(
    one: _Used, used: Sequence[_Used], *, visible: frozenset[str], times: str, spared: int | None
) -> FieldUse:
    """Say where the column of a field would come from that deserves one."""
    columns = SLOTS[one.field.kind]
    holders = [other for other in used if other.field.slot in columns]
    if len(holders) < len(columns):
        return _tell(one, "promote", f"{times}, each time by looking at all records.", spared=spared)
    rivals = [other for other in holders if other.field.key in visible and other.total < one.total]
    if not rivals:
        return _tell(one, "none", f"{times}. All {len(columns)} columns are taken by fields that are used more.")
    least = min(rivals, key=lambda other: other.total)
    reason = f"{times}; all {len(columns)} columns are taken, and {least.field.key!r} was used {least.total} times."
    return _tell(one, "exchange", reason, spared=spared, instead_of=least.field.key)


def _tell(one: _Used, advice: str, reason: str, *, spared: int | None = 0, instead_of: str | None = None) -> FieldUse:
    return FieldUse.model_validate(
        {
            "key": one.field.key,
            "name": one.field.name,
            "type": one.field.type,
            "filters": one.filters,
            "sorts": one.sorts,
            "is_promoted": one.field.slot is not None,
            "advice": advice,
            "instead_of": instead_of,
            "records_spared": spared,
            "reason": reason,
        }
    )
