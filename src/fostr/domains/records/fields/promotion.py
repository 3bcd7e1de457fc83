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

_SELDOM_COMPARED: Final = frozenset({"long_text"})


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

    Fields for which it was asked come first; then those of which nobody said anything, in their order, as long as
    there are columns for their kind of value.

    Args:
        wishes: the fields that have no column yet, in their order.
        taken: columns of other fields.
        stale: columns that still hold the values of a field that had them before: only taken when no other is left.

    Raises:
        PromotionUnavailable: it was asked for, and the type cannot be promoted, or no column is left.
    """
    ordered = sorted(wishes, key=lambda wish: not wish.wanted)
    free = {
        kind: sorted((slot for slot in slots if slot not in taken), key=lambda slot: slot in stale)
        for kind, slots in SLOTS.items()
    }
    chosen: dict[str, str] = {}
    for wish in ordered:
        columns = free.get(TYPES[wish.type].kind, [])
        if wish.wanted is False or (wish.wanted is None and wish.type in _SELDOM_COMPARED):
            continue
        if columns:
            chosen[wish.key] = columns.pop(0)
        elif wish.wanted:
            raise PromotionUnavailable(_reason(wish), field=wish.key)
    return chosen


def _reason(wish: Wish) -> str:
    slots = SLOTS.get(TYPES[wish.type].kind)
    if slots is None:
        return f"A field of type {wish.type} cannot be promoted."
    return f"All {len(slots)} columns for fields like this one are taken."
