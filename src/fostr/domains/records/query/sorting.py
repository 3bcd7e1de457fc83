"""Sorting: by fields and by the columns that every record has, values that are missing last in both directions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from fostr.domains.records.fields.model import hides_derived
from fostr.domains.records.query.filters import expression, parameters_of
from fostr.kernel.http.errors import Unprocessable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fostr.domains.records.fields.model import Field, Recordset
    from fostr.kernel.access.evaluator import FieldMask

Direction: TypeAlias = Literal["asc", "desc"]

COLUMNS: Final = {"id": "r.id", "created_at": "r.id", "updated_at": "r.updated_at", "title": "r.title"}
"""What every record can be sorted by. An id holds the moment at which it was made, so its order is that of creation."""

MOST_KEYS: Final = 5


class SortInvalid(Unprocessable):
    """The records cannot be sorted by this."""

    code = "sort_invalid"
    detail = "The records cannot be sorted by this."


@dataclass(frozen=True, slots=True)
class SortKey:
    """One thing to sort by.

    Attributes:
        expression: SQL on alias `r`.
        direction: which way.
        may_be_missing: whether some records have no value.
        is_indexed: whether an index holds the values that are there.
        params: of the expression.
    """

    expression: str
    direction: Direction
    may_be_missing: bool
    is_indexed: bool
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def order(self) -> str:
        """Return the key as it stands in ORDER BY."""
        missing_last = " nulls last" if self.may_be_missing and self.direction == "desc" else ""
        return f"{self.expression} {self.direction}{missing_last}"


@dataclass(frozen=True, slots=True)
class Order:
    """The order of a list; records that are equal in every key are ordered by id."""

    keys: tuple[SortKey, ...]
    ties: Direction

    @property
    def text(self) -> str:
        """What stands after ORDER BY."""
        return ", ".join([*(key.order() for key in self.keys), f"r.id {self.ties}"])

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of what stands there."""
        return {name: value for key in self.keys for name, value in key.params.items()}

    @property
    def split(self) -> SortKey | None:
        """The first key, when its index holds only the records that have a value.

        Whoever wants the first records by such a key asks for those with a value, and then for those without:
        no index serves both at once.
        """
        first = self.keys[0] if self.keys else None
        return first if first is not None and first.is_indexed else None

    @property
    def among_present(self) -> Order:
        """The order among records with a value of the first key, in the words that match its index."""
        return Order(keys=(replace(self.keys[0], may_be_missing=False), *self.keys[1:]), ties=self.ties)

    @property
    def among_absent(self) -> Order:
        """The order among records without a value of the first key."""
        return Order(keys=self.keys[1:], ties=self.ties)


BY_ID: Final = Order(keys=(), ties="asc")


def parse_order(
    sort_by: str | None,
    sort_order: str | None,
    *,
    recordset: Recordset | None,
    mask: FieldMask | None,
) -> Order:
    """Return the order that the two parameters ask for.

    Args:
        sort_by: keys of fields or names of `COLUMNS`, separated by commas; a field goes before a column of its name.
        sort_order: `asc` or `desc`, for all keys or for each, separated by commas.
        recordset: whose fields are meant; None where several recordsets are listed at once.
        mask: fields that the caller may not see cannot be sorted by.

    Raises:
        SortInvalid: naming the key or the direction.
    """
    names = _split(sort_by)
    directions = _directions(sort_order, count=max(len(names), 1))
    if len(names) > MOST_KEYS:
        raise SortInvalid(f"There are more than {MOST_KEYS} keys to sort by.")
    keys = tuple(
        _key(name, direction, recordset=recordset, mask=mask)
        for name, direction in zip(names, directions, strict=False)
    )
    ties = directions[-1]
    # Nothing after the id decides anything, and the id itself is what ends every order.
    at_id = next((position for position, key in enumerate(keys) if key.expression == "r.id"), None)
    if at_id is not None:
        return Order(keys=keys[:at_id], ties=keys[at_id].direction)
    return Order(keys=keys, ties=ties)


def _split(text: str | None) -> list[str]:
    return [part.strip() for part in text.split(",")] if text and text.strip() else []


def _directions(sort_order: str | None, *, count: int) -> list[Direction]:
    given: list[Direction] = []
    for word in _split(sort_order) or ["asc"]:
        match word.lower():
            case "asc":
                given.append("asc")
            case "desc":
                given.append("desc")
            case _:
                raise SortInvalid("An order is `asc` or `desc`.", sort_order=word)
    if len(given) == 1:
        return given * count
    if len(given) != count:
        raise SortInvalid("Give one order for all keys, or one for each.", sort_order=sort_order)
    return given


def _key(name: str, direction: Direction, *, recordset: Recordset | None, mask: FieldMask | None) -> SortKey:
    entry = recordset.by_key.get(name) if recordset is not None else None
    if entry is not None and (mask is None or name not in mask.hidden):
        return _field_key(entry, direction)
    if entry is None and name in COLUMNS and not (name == "title" and _hides_titles(recordset, mask)):
        return SortKey(COLUMNS[name], direction, may_be_missing=False, is_indexed=False)
    raise SortInvalid(f"There is nothing called {name!r} to sort by.", sort_by=name)


def _hides_titles(recordset: Recordset | None, mask: FieldMask | None) -> bool:
    # Of several recordsets, some may hide them.
    return recordset is None or mask is None or hides_derived(recordset, mask)


def _field_key(entry: Field, direction: Direction) -> SortKey:
    if entry.kind in {"list", "document"}:
        raise SortInvalid(f"Records cannot be sorted by a field of type {entry.type}.", sort_by=entry.key)
    return SortKey(
        expression(entry),
        direction,
        may_be_missing=True,
        is_indexed=entry.promoted_to is not None,
        params=parameters_of(entry),
    )
