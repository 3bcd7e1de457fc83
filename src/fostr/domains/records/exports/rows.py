"""Rows of another domain in the formats of exports, guarded in the same way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from fostr.domains.records.exports.formats import Writer, open_writer
from fostr.domains.records.fields.model import Field
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Sequence

RowFormat: TypeAlias = Literal["csv", "xlsx", "json", "ndjson"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of such a table.

    Attributes:
        key: by which a row has its value; in JSON, the name of the member.
        name: in the header.
        type: what the values are; a `datetime` is a text of ISO 8601.
    """

    key: str
    name: str
    type: Literal["text", "number", "datetime"] = "text"


def open_rows(format: RowFormat, columns: Sequence[Column]) -> Writer:
    """Return the writer of a table whose first column is the id of each row."""
    fields = [_field(column, position) for position, column in enumerate(columns)]
    return open_writer(format, fields, include_id=True, origin={})


def _field(column: Column, position: int) -> Field:
    return Field(
        id=new_id(),
        key=column.key,
        name=column.name,
        type=column.type,
        position=position,
        is_required=False,
        options={},
        hidden_from=frozenset(),
        read_only_for=frozenset(),
        promoted_to=None,
    )
