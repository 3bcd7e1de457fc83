"""Which fields get a typed column of their own, so that filters and sorts on them use an index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fostr.domains.records.fields.types import TYPES, Kind
from fostr.domains.records.records.tables import PROMOTED_NUMBER, PROMOTED_TEXT, PROMOTED_TIME
from fostr.kernel.http.errors import Unprocessable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

SLOTS: Final[dict[Kind, tuple[str, ...]]] = {
    "text": PROMOTED_TEXT,
    "number": PROMOTED_NUMBER,
    "time": PROMOTED_TIME,
}
"""The columns that there are for each kind of value."""

USUAL: Final[dict[Kind, tuple[str, ...]]] = {
    "text": ("select", "text", "email"),
    "number": ("currency", "number", "percent"),
    "time": ("date", "datetime"),
}
"""Of which types a field is promoted where nobody said so, the most compared first: one for each kind of value.

Each column costs an import about 4.5 µs a record, and nobody can tell beforehand which fields will be filtered and
sorted by: three columns, and the others when somebody asks for them."""


class PromotionUnavailable(Unprocessable):
    """A field cannot have a column of its own."""

    code = "promotion_unavailable"
    detail = "The field cannot be promoted."


@dataclass(frozen=True, slots=True)
class Wish:
    """A field that may be promoted; `wanted` is None where nobody said."""

    key: str
    type: str
    wanted: bool | None = None


def choose_promotions(
    wishes: Iterable[Wish], *, taken: Collection[str] = (), stale: Collection[str] = ()
) -> dict[str, str]:
    """Return the column of each field that gets one.

    These are the fields for which it was asked, and for each kind of value that has none otherwise, the first of the
    `USUAL` types of which nobody said anything.

    Args:
        wishes: the fields that have no column yet, in their order.
        taken: columns of other fields.
        stale: columns that still hold the values of a field that had them before: only taken when no other is left.

    Raises:
        PromotionUnavailable: it was asked for, and the type cannot be promoted, or no column is left.
    """
    fields = list(wishes)
    free: dict[Kind, list[str]] = {
        kind: sorted((slot for slot in slots if slot not in taken), key=lambda slot: slot in stale)
        for kind, slots in SLOTS.items()
    }
    chosen: dict[str, str] = {}
    for wish in fields:
        if not wish.wanted:
            continue
        columns = free.get(TYPES[wish.type].kind) if TYPES[wish.type].is_kept else None
        if not columns:
            raise PromotionUnavailable(_reason(wish), field=wish.key)
        chosen[wish.key] = columns.pop(0)
    for kind, columns in free.items():
        if len(columns) == len(SLOTS[kind]) and (usual := _find_usual(kind, fields)) is not None:
            chosen[usual.key] = columns.pop(0)
    return chosen


def _find_usual(kind: Kind, fields: Iterable[Wish]) -> Wish | None:
    types = USUAL[kind]
    undecided = (wish for wish in fields if wish.wanted is None and wish.type in types)
    return min(undecided, key=lambda wish: types.index(wish.type), default=None)


def _reason(wish: Wish) -> str:
    field_type = TYPES[wish.type]
    slots = SLOTS.get(field_type.kind)
    if slots is None or not field_type.is_kept:
        return f"A field of type {wish.type} cannot be promoted."
    return f"All {len(slots)} columns for fields like this one are taken."
