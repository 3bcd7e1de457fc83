"""What the configuration of a view may name, and what of it a reader sees.

A configuration is kept as it was written. Fields are removed, change their type, or are hidden from some readers; what
names such a field falls out when the view is read, as if it had never been there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import orjson

from fostr.domains.records.fields.shaping import check_document
from fostr.domains.records.fields.types import ValueRefused
from fostr.domains.records.query.sorting import COLUMNS
from fostr.domains.records.views.trees import check_tree, prune_tree
from fostr.kernel.http.errors import Unprocessable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fostr.domains.records.fields.model import Field, Recordset
    from fostr.domains.records.views.schemas import ViewConfig
    from fostr.kernel.access.evaluator import FieldMask

Config: TypeAlias = dict[str, Any]

LARGEST_CONFIG: Final = 200_000
"""Bytes."""
ARRANGEMENT: Final = frozenset({"hidden_fields", "field_order", "field_widths"})
"""Parts that only say how fields are shown: each entry is about one field, and stands for itself."""
LAYOUTS: Final = frozenset({"grid", "kanban", "calendar", "timeline", "gallery", "map", "form"})
_WAYS: Final = ("lat_field", "location_field", "geometry_field")


class ViewConfigInvalid(Unprocessable):
    """A part of a view's configuration does not fit the recordset."""

    code = "view_config_invalid"
    detail = "A part of the view's configuration does not fit the recordset."


@dataclass(frozen=True, slots=True)
class Lost:
    """Something of a configuration that does not fit the recordset.

    Attributes:
        part: of the configuration.
        field: the key that it names; empty where it names none.
        reason: what is wrong, as a sentence goes on.
    """

    part: str
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Pruned:
    """A configuration without what does not fit.

    Attributes:
        config: what is left.
        lost: what is not.
    """

    config: Config
    lost: tuple[Lost, ...]

    @property
    def is_partial(self) -> bool:
        """Whether anything is missing that decides which records are shown, or how they are laid out."""
        return any(entry.part not in ARRANGEMENT for entry in self.lost)

    @property
    def is_wider(self) -> bool:
        """Whether records are in it that the whole view would leave out."""
        return any(entry.part == "filters" for entry in self.lost)


def _is_time(entry: Field) -> bool:
    return entry.kind == "time"


def _is_number(entry: Field) -> bool:
    return entry.kind == "number"


def _is_one_of(*types: str) -> Callable[[Field], bool]:
    return lambda entry: entry.type in types


_COVER: Final = _is_one_of("attachment", "url")
_ROLES: Final[dict[str, dict[str, Callable[[Field], bool]]]] = {
    "kanban": {"stack_field": _is_one_of("select", "member"), "cover_field": _COVER},
    "calendar": {"date_field": _is_time, "end_field": _is_time},
    "timeline": {"start_field": _is_time, "end_field": _is_time},
    "gallery": {"cover_field": _COVER},
    "map": {
        "lat_field": _is_number,
        "lng_field": _is_number,
        "location_field": _is_one_of("location"),
        "geometry_field": _is_one_of("geometry"),
        "color_field": _is_one_of("select"),
    },
}
"""What each field of a layout may be."""
_NEEDED: Final = {"kanban": "stack_field", "calendar": "date_field", "timeline": "start_field"}
"""The field without which a layout is nothing."""


@dataclass(slots=True)
class _Reader:
    """Goes through a configuration, and notes what does not fit."""

    recordset: Recordset
    mask: FieldMask
    lost: list[Lost] = field(default_factory=list[Lost])

    def find(self, part: str, key: str) -> Field | None:
        """Return a field that the reader may know, or note that there is none."""
        entry = self.recordset.by_key.get(key)
        if entry is None or key in self.mask.hidden:
            self.lost.append(Lost(part, key, "there is no such field"))
            return None
        return entry

    def keys(self, part: str, keys: list[str]) -> list[str]:
        return [key for key in keys if self.find(part, key) is not None]

    def sorts(self, part: str, sorts: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [entry for entry in sorts if self._sorts_by(part, entry["field"])]

    def _sorts_by(self, part: str, key: str) -> bool:
        if key in COLUMNS and key not in self.recordset.by_key:
            return True
        entry = self.find(part, key)
        if entry is None:
            return False
        if entry.kind in {"list", "document"}:
            self.lost.append(Lost(part, key, f"records have no order by a field of type {entry.type}"))
            return False
        return True

    def tree(self, part: str, tree: dict[str, Any] | None) -> dict[str, Any] | None:
        if tree is None:
            return None
        pruned = prune_tree(tree, recordset=self.recordset, mask=self.mask)
        self.lost += [Lost(part, key, "the condition does not fit") for key in pruned.lost]
        return pruned.tree

    def rules(self, part: str, rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
        # A colour that stands for half of a condition would mark the wrong records.
        return [rule for rule in rules if self.tree(part, rule["filters"]) == rule["filters"]]

    def layout(self, part: str, layout: dict[str, Any] | None) -> dict[str, Any] | None:
        if layout is None:
            return None
        if part == "form":
            fields = [entry for entry in layout["fields"] if self._asks_for(entry["field"])]
            return {**layout, "fields": fields} if fields else None
        kept = dict(layout)
        for name, fits in _ROLES.get(part, {}).items():
            kept[name] = self._role(part, layout.get(name), fits)
        if part in _NEEDED and kept[_NEEDED[part]] is None:
            return None
        if part == "map" and None in (kept["lat_field"], kept["lng_field"]):
            kept |= {"lat_field": None, "lng_field": None}
        return kept

    def _asks_for(self, key: str) -> bool:
        entry = self.find("form", key)
        if entry is not None and not entry.field_type.is_written:
            self.lost.append(Lost("form", key, "nobody can write its value"))
            return False
        return entry is not None

    def _role(self, part: str, key: str | None, fits: Callable[[Field], bool]) -> str | None:
        entry = None if key is None else self.find(part, key)
        if entry is None:
            return None
        if not fits(entry):
            self.lost.append(Lost(part, entry.key, f"a field of type {entry.type} cannot stand here"))
            return None
        return entry.key


def prune_config(config: Config, *, recordset: Recordset, mask: FieldMask) -> Pruned:
    """Return a configuration as a reader may know it."""
    reader = _Reader(recordset, mask)
    kept: Config = {}
    for part, value in config.items():
        match part:
            case "hidden_fields" | "field_order":
                kept[part] = reader.keys(part, value)
            case "field_widths":
                kept[part] = {key: value[key] for key in reader.keys(part, list(value))}
            case "sorts" | "group_by":
                kept[part] = reader.sorts(part, value)
            case "filters":
                kept[part] = reader.tree(part, value)
            case "color_rules":
                kept[part] = reader.rules(part, value)
            case _:
                kept[part] = reader.layout(part, value) if part in LAYOUTS else value
    return Pruned(config=kept, lost=tuple(reader.lost))


def parts_sent(config: ViewConfig) -> Config:
    """Return the parts of a configuration that a caller sent, as they are kept."""
    return config.model_dump(mode="json", include=config.model_fields_set)


def check_config(type: str, sent: Mapping[str, Any], *, recordset: Recordset, mask: FieldMask) -> None:
    """Refuse parts of a configuration that do not fit.

    Args:
        type: of the view.
        sent: the parts.
        recordset: whose fields they name.
        mask: fields that the caller may not see cannot be named.

    Raises:
        FilterInvalid: a condition cannot be used; naming its place.
        ViewConfigInvalid: naming each part, the field in it, and what is wrong.
    """
    if sent.get("filters"):
        check_tree(sent["filters"], recordset=recordset, mask=mask, part="config.filters")
    for place, rule in enumerate(sent.get("color_rules", ())):
        check_tree(rule["filters"], recordset=recordset, mask=mask, part=f"config.color_rules[{place}]")
    faults = [
        Lost(part, "", f"a view of type {type} has no such part")
        for part, value in sent.items()
        if part in LAYOUTS and part != type and value is not None
    ]
    try:
        check_document(dict(sent))
    except ValueRefused as refusal:
        faults.append(Lost("config", "", str(refusal)))
    faults += prune_config(dict(sent), recordset=recordset, mask=mask).lost
    if faults:
        raise ViewConfigInvalid(errors=[_tell(fault) for fault in faults])


def check_layout(type: str, config: Config, *, recordset: Recordset) -> None:
    """Refuse a whole configuration that lacks what its type needs.

    Raises:
        ViewConfigInvalid: naming the part.
    """
    layout: dict[str, Any] | None = config.get(type)
    fault = None
    if layout is None and (type in _NEEDED or type == "form"):
        fault = Lost(type, "", f"a view of type {type} needs it")
    if type == "map" and not recordset.settings.get("map") and not any((layout or {}).get(way) for way in _WAYS):
        fault = Lost(type, "", "neither the view nor the recordset says where records lie")
    if len(orjson.dumps(config)) > LARGEST_CONFIG:
        fault = Lost("config", "", f"is larger than {LARGEST_CONFIG} bytes")
    if fault is not None:
        raise ViewConfigInvalid(errors=[_tell(fault)])


def _tell(fault: Lost) -> dict[str, str]:
    return {"part": fault.part, "field": fault.field, "reason": fault.reason}


def merge_config(stored: Config, sent: Mapping[str, Any], *, recordset: Recordset, mask: FieldMask) -> Config:
    """Return a configuration with the parts that were sent in place of the old ones.

    What the old parts say about fields that the caller may not see stays: somebody else said it, and they could not
    have meant to take it away.
    """
    unseen = {key for key in mask.hidden if key in recordset.by_key}
    merged: Config = {**stored, **sent}
    for part in ARRANGEMENT & sent.keys():
        before: Any = stored.get(part)
        if not before:
            continue
        kept: list[str] = [key for key in before if key in unseen and key not in sent[part]]
        if part == "field_widths":
            merged[part] = {key: before[key] for key in kept} | sent[part]
        else:
            merged[part] = [*sent[part], *kept]
    return merged


def parts_unseen(config: Config, *, recordset: Recordset, mask: FieldMask) -> frozenset[str]:
    """Return the parts, other than the arrangement, that rest on fields which there are and the caller may not see."""
    lost = prune_config(config, recordset=recordset, mask=mask).lost
    gone = prune_config(config, recordset=recordset, mask=_nothing_hidden(mask)).lost
    return frozenset(entry.part for entry in set(lost) - set(gone) if entry.part not in ARRANGEMENT)


def _nothing_hidden(mask: FieldMask) -> FieldMask:
    return type(mask)(hidden=frozenset(), read_only=frozenset())
