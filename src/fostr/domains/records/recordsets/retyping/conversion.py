"""What a value of one type becomes in a field of another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from fostr.domains.records.fields.cells import write_cell
from fostr.domains.records.fields.geometry import check_geometry, point
from fostr.domains.records.fields.shaping import check_typed
from fostr.domains.records.fields.types import TYPES, ValueRefused
from fostr.domains.records.fields.values import zone_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fostr.domains.records.fields.types import FieldType

CONVERTIBLE: Final = frozenset(
    {
        "text", "long_text", "number", "currency", "percent", "rating", "duration", "boolean", "date", "datetime",
        "email", "url", "phone", "select", "multi_select", "member", "location", "geometry", "json",
    }
)  # fmt: skip
"""The types that fields can be given, and taken from: those whose values people write."""

SOURCES: Final = CONVERTIBLE | {"autonumber"}
_PROSE: Final = frozenset({"text", "long_text"})


@dataclass(frozen=True, slots=True)
class Conversion:
    """From one type with its options to another.

    Attributes:
        names: what members are called, for those that become texts.
        members: the ids of those who are there, for texts that become members; None where nobody is asked for.
    """

    source: FieldType
    source_options: Mapping[str, Any]
    target: FieldType
    target_options: Mapping[str, Any]
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    members: frozenset[str] | None = None

    def convert(self, value: Any) -> Any:
        """Return what a kept value becomes.

        Raises:
            ValueRefused: the other type does not take it.
        """
        target = self.target
        prepare = _PREPARATIONS.get(target.name, _prepare_number if target.kind == "number" else _prepare_text)
        converted = check_typed(target.check, prepare(self, value), self.target_options)
        if converted is None:
            raise ValueRefused(f"means nothing to a field of type {target.name}")
        if self.members is not None and target.name == "member" and not self.members.issuperset(converted):
            raise ValueRefused("names somebody who is no member of this workspace")
        return converted


def _prepare_number(_: Conversion, value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value


def _prepare_truth(_: Conversion, value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _prepare_document(conversion: Conversion, value: Any) -> Any:
    return _parse(value) if conversion.source.name in _PROSE else value


def _prepare_choices(conversion: Conversion, value: Any) -> Any:
    if isinstance(value, str) and conversion.source.name in _PROSE:
        return _split(value)
    return cast("Any", value) if isinstance(value, list) else [value]


def _prepare_members(_: Conversion, value: Any) -> Any:
    return _split(value) if isinstance(value, str) else value


def _prepare_geometry(conversion: Conversion, value: Any) -> Any:
    if conversion.source.name == "location":
        return point(value["lat"], value["lng"])
    return _parse(value) if isinstance(value, str) else value


def _prepare_location(_: Conversion, value: Any) -> Any:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = _parse(value)
    if isinstance(value, dict) and "type" in value:
        geometry = check_geometry(cast("dict[str, Any]", value))
        if geometry["type"] != "Point":
            raise ValueRefused("is not a single point")
        return {"lat": geometry["coordinates"][1], "lng": geometry["coordinates"][0]}
    return cast("Any", value)


def _prepare_date(conversion: Conversion, value: Any) -> Any:
    if conversion.source.name == "datetime":
        try:
            # The day on which it was where the field showed it.
            return datetime.fromisoformat(value).astimezone(zone_of(conversion.source_options)).date().isoformat()
        except OverflowError:
            raise ValueRefused("lies outside of the calendar") from None
    if isinstance(value, str) and len(value.strip()) > len("2026-01-31"):
        TYPES["datetime"].check(value, {})
        return value.strip()[:10]
    return value


def _prepare_moment(_: Conversion, value: Any) -> Any:
    return value


def _prepare_text(conversion: Conversion, value: Any) -> Any:
    source = conversion.source
    if source.name == "member":
        return ", ".join(conversion.names.get(member_id, member_id) for member_id in value)
    if source.name == "location":
        return f"{value['lat']}, {value['lng']}"
    if isinstance(value, list):
        items = cast("list[Any]", value)
        if conversion.target.name == "select" and len(items) > 1:
            raise ValueRefused("holds several choices")
        return ", ".join(items) if all(isinstance(item, str) for item in items) else write_cell(source, items)
    return value if isinstance(value, str) else write_cell(source, value)


_PREPARATIONS: Final[dict[str, Callable[[Conversion, Any], Any]]] = {
    "boolean": _prepare_truth,
    "json": _prepare_document,
    "multi_select": _prepare_choices,
    "member": _prepare_members,
    "geometry": _prepare_geometry,
    "location": _prepare_location,
    "date": _prepare_date,
    "datetime": _prepare_moment,
}
"""How a value is brought into a form that the check of a type reads; the others' are numbers or texts."""


def _parse(text: str) -> Any:
    """Return the JSON value that a text is; another text is one itself."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _split(text: str) -> list[str]:
    parts = text.split(";" if ";" in text else ",")
    return [part.strip() for part in parts if part.strip()]


def is_same(before: Any, after: Any) -> bool:
    """Say whether two values are kept alike; to Python, `True` is 1."""
    return orjson.dumps(before) == orjson.dumps(after)
