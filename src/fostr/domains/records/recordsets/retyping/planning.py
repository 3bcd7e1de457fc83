"""What is to become of a field: another type, with its options, its column and the conversion of its values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fostr.domains.records.fields.promotion import SLOTS, PromotionUnavailable, Wish, choose_promotions
from fostr.domains.records.fields.shaping import FieldReadOnly
from fostr.domains.records.fields.types import TYPES
from fostr.domains.records.recordsets.definition import (
    FieldOptionsInvalid,
    FieldTypeFixed,
    FieldUnknown,
    RetypingUnderWay,
    bound_by,
    check_options,
    check_settings,
)
from fostr.domains.records.recordsets.retyping.conversion import CONVERTIBLE, SOURCES, Conversion
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Collection

    from fostr.domains.records.fields.model import Field, Recordset
    from fostr.kernel.access.evaluator import FieldMask


@dataclass(frozen=True, slots=True)
class Wanted:
    """The type that a field is to get.

    Attributes:
        options: None where those that the new type knows stay.
        accept_loss: whether values that it does not take may become empty.
    """

    key: str
    type: str
    options: dict[str, Any] | None
    accept_loss: bool = False


@dataclass(frozen=True, slots=True)
class Retyping:
    """A field that gets another type.

    Attributes:
        field: as it is.
        cause_id: what the versions of all records that change by it carry.
    """

    field: Field
    type: str
    options: dict[str, Any]
    cause_id: UUID

    @property
    def conversion(self) -> Conversion:
        """How its values are converted."""
        return Conversion(self.field.field_type, self.field.options, TYPES[self.type], self.options)

    def as_document(self) -> dict[str, Any]:
        """Return what a field keeps of it while a job is under way."""
        return {"type": self.type, "options": self.options, "cause_id": str(self.cause_id)}


def read_retyping(field: Field) -> Retyping | None:
    """Return the type change that is under way."""
    kept = field.retyping
    if kept is None:
        return None
    return Retyping(field, kept["type"], kept["options"], UUID(kept["cause_id"]))


def plan_retyping(recordset: Recordset, wanted: Wanted, *, mask: FieldMask) -> Retyping:
    """Return how a field gets another type.

    Raises:
        FieldUnknown: there is no such field, or the caller may not know of it.
        FieldReadOnly: the caller may not change it.
        FieldTypeFixed: there is no way from the one type to the other.
        FieldOptionsInvalid: an option does not fit the new type.
        RetypingUnderWay: it is getting another type already.
        SettingsInvalid: the recordset's settings name the field for something that the new type cannot serve for.
    """
    field = recordset.by_key.get(wanted.key)
    if field is None or field.key in mask.hidden:
        raise FieldUnknown(field=wanted.key)
    if field.key in bound_by(recordset, mask).read_only:
        raise FieldReadOnly(field=field.key)
    if field.retyping:
        raise RetypingUnderWay(field=field.key)
    if field.type not in SOURCES or wanted.type not in CONVERTIBLE:
        detail = f"A field of type {field.type} cannot become one of type {wanted.type}; add another field."
        raise FieldTypeFixed(detail, field=field.key)
    options = _options(field, wanted)
    retyping = Retyping(field, wanted.type, options, new_id())
    check_settings(become(recordset, retyping, changed=0))
    return retyping


def _options(field: Field, wanted: Wanted) -> dict[str, Any]:
    if wanted.options is not None:
        return check_options(field.key, wanted.type, wanted.options)
    known = TYPES[wanted.type].options
    carried = {name: option for name, option in field.options.items() if name in known}
    try:
        return check_options(field.key, wanted.type, carried)
    except FieldOptionsInvalid:
        # What fitted the old type need not fit the new one, and nobody has asked for it.
        return {}


def become(recordset: Recordset, retyping: Retyping, *, changed: int) -> Recordset:
    """Return a recordset as it is once a field has its new type.

    The field's column is filled anew where its values changed, and is another one where they are compared otherwise.
    """
    field = retyping.field
    slot = field.slot
    if TYPES[retyping.type].kind != field.kind and slot is not None:
        slot = _find_slot(recordset, retyping)
    is_filled = slot is None or (changed == 0 and slot == field.promoted_to)
    after = replace(
        field,
        type=retyping.type,
        options=retyping.options,
        retyping=None,
        promoted_to=slot if is_filled else None,
        filling=None if is_filled else slot,
    )
    return replace(recordset, fields=tuple(after if f.id == field.id else f for f in recordset.fields))


def _find_slot(recordset: Recordset, retyping: Retyping) -> str | None:
    taken: Collection[str] = {field.slot for field in recordset.fields if field.slot}
    stale = {slot for slots in SLOTS.values() for slot in slots}
    wish = Wish(retyping.field.key, retyping.type, wanted=True)
    try:
        return choose_promotions([wish], taken=taken, stale=stale)[wish.key]
    except PromotionUnavailable:
        return None
