"""Values as texts: as a spreadsheet's cell holds them, and as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import orjson

if TYPE_CHECKING:
    from fostr.domains.records.fields.types import FieldType

_BETWEEN = frozenset(";,\"'[\n")
"""Characters that make a list of texts ambiguous once these are joined."""


def write_cell(field_type: FieldType, value: Any) -> str:
    """Return a kept value as a text that an import into a field of the type reads back as the same value.

    Whoever writes it into a file that spreadsheets open guards it against being run as a formula.
    """
    if value is None:
        return ""
    if field_type.write is not None:
        return field_type.write(value)
    if field_type.name == "json":
        return orjson.dumps(value).decode()
    if isinstance(value, list):
        return _join(cast("list[Any]", value))
    return write_plain(value)


def write_plain(value: Any) -> str:
    """Return a value as a text, by its own form alone."""
    match value:
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case int() | float():
            return repr(value)
        case str():
            return value
        case _:
            return orjson.dumps(value).decode()


def _join(items: list[Any]) -> str:
    texts = [write_plain(item) for item in items]
    is_plain = all(text == text.strip() and not _BETWEEN.intersection(text) for text in texts)
    return "; ".join(texts) if is_plain else orjson.dumps(items).decode()
