"""Sorting: by fields and by the columns that every record has, values that are missing last in both directions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from fostr.domains.records.fields.model import hides_derived
from fostr.domains.records.fields.shaping import LONGEST_PROMOTED_TEXT
from fostr.domains.records.query.expressions import expression, parameters_of
from fostr.kernel.db.sql import Fragment
from fostr.kernel.http.errors import Unprocessable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from fostr.domains.records.fields.model import Field, Recordset
    from fostr.domains.records.fields.types import Kind
    from fostr.kernel.access.evaluator import FieldMask

Direction: TypeAlias = Literal["asc", "desc"]

COLUMNS: Final = {
    "id": ("r.id", "uuid"),
    "created_at": ("r.id", "uuid"),
    "updated_at": ("r.updated_at", "timestamptz"),
    "title": ("r.title", "text"),
}
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
        type: the expression's type in SQL.
        params: of the expression.
    """

    expression: str
    direction: Direction
    may_be_missing: bool
    is_indexed: bool
    type: str
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def order(self) -> str:
        """Return the key as it stands in ORDER BY."""
        missing_last = " nulls last" if self.may_be_missing and self.direction == "desc" else ""
        return f"{self.expression} {self.direction}{missing_last}"


@dataclass(frozen=True, slots=True)
class Position:
    """Where in an order a record stands.

    Attributes:
        keys: the values of the order's keys as PostgreSQL writes them, None where one is missing.
        id: the record.
    """

    keys: tuple[str | None, ...]
    id: UUID


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

    def after(self, position: Position) -> Fragment:
        """Return the condition that a record `r` comes after a position."""
        params: dict[str, Any] = {f"_after{place}": value for place, value in enumerate(position.keys)}
        params["_after"] = position.id
        sign = _BEYOND[self.ties]
        if not any(key.may_be_missing or key.direction != self.ties for key in self.keys):
            # Compared as rows, an index that holds the keys and the id leads straight to the position.
            left = ", ".join([*(key.expression for key in self.keys), "r.id"])
            right = ", ".join([*(_value(key, place) for place, key in enumerate(self.keys)), ":_after"])
            return Fragment(f"({left}) {sign} ({right})", params)
        ways: list[str] = []
        equal: list[str] = []
        for place, key in enumerate(self.keys):
            beyond, same = _beyond(key, place, position.keys[place])
            ways.append(" and ".join([*equal, beyond]))
            equal.append(same)
        ways.append(" and ".join([*equal, f"r.id {sign} :_after"]))
        # The first key alone bounds what must be looked at; the ways together are too much for an index.
        return Fragment(f"({_at_least(self.keys[0], position.keys[0])} and ({' or '.join(ways)}))", params)


_BEYOND: Final[dict[Direction, str]] = {"asc": ">", "desc": "<"}


def _value(key: SortKey, place: int) -> str:
    return f":_after{place}::text::{key.type}"


def _beyond(key: SortKey, place: int, value: str | None) -> tuple[str, str]:
    """Return the conditions that a record's key comes after a value, and that it is the same."""
    if value is None:
        # Nothing comes after what is missing.
        return "false", f"{key.expression} is null"
    beyond = f"{key.expression} {_BEYOND[key.direction]} {_value(key, place)}"
    same = f"{key.expression} = {_value(key, place)}"
    return f"({beyond} or {key.expression} is null)" if key.may_be_missing else beyond, same


def _at_least(key: SortKey, value: str | None) -> str:
    if value is None:
        return f"{key.expression} is null"
    bound = f"{key.expression} {_BEYOND[key.direction]}= {_value(key, 0)}"
    return f"({bound} or {key.expression} is null)" if key.may_be_missing else bound


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
        column, type = COLUMNS[name]
        return SortKey(column, direction, may_be_missing=False, is_indexed=False, type=type)
    raise SortInvalid(f"There is nothing called {name!r} to sort by.", sort_by=name)


def _hides_titles(recordset: Recordset | None, mask: FieldMask | None) -> bool:
    # Of several recordsets, some may hide them.
    return recordset is None or mask is None or hides_derived(recordset, mask)


def _field_key(entry: Field, direction: Direction) -> SortKey:
    if entry.kind in {"list", "document"}:
        raise SortInvalid(f"Records cannot be sorted by a field of type {entry.type}.", sort_by=entry.key)
    return SortKey(
        _sortable(entry),
        direction,
        may_be_missing=True,
        is_indexed=entry.promoted_to is not None,
        type=_TYPES[entry.kind],
        params=parameters_of(entry),
    )


def _sortable(entry: Field) -> str:
    """Return the SQL by which a field is sorted: of a text, as much of it as a promoted column holds."""
    value = expression(entry)
    return f"left({value}, {LONGEST_PROMOTED_TEXT})" if entry.kind == "text" and not entry.promoted_to else value


_TYPES: Final[dict[Kind, str]] = {
    "text": "text",
    "number": "double precision",
    "time": "timestamptz",
    "boolean": "boolean",
}
