"""What a write changes about a record, as its history, its event and a refused twin tell it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from fostr.domains.records.records.record import Record
    from fostr.domains.records.records.repository.writing import Content

ATTRIBUTES: Final = ("status", "tags", "owner_id")
"""What can change about a record beside its values."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The same keys before and after: changed values under `field_values`, and changed attributes.

    A value that is not there is None.
    """

    before: dict[str, Any]
    after: dict[str, Any]

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed."""
        return not self.after


def compare(record: Record, content: Content) -> Difference:
    """Return what content changes about a record."""
    old, new = record.field_values, content.shaped.values
    changed = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    difference = Difference(before={}, after={})
    if changed:
        difference.before["field_values"] = {key: old.get(key) for key in changed}
        difference.after["field_values"] = {key: new.get(key) for key in changed}
    _compare_attribute(difference, "status", record.status, content.status)
    _compare_attribute(difference, "tags", record.tags, content.tags)
    _compare_attribute(difference, "owner_id", _text(record.owner_id), _text(content.owner_id))
    return difference


def _compare_attribute(difference: Difference, name: str, old: Any, new: Any) -> None:
    if old != new:
        difference.before[name], difference.after[name] = old, new


def _text(identifier: UUID | None) -> str | None:
    return None if identifier is None else str(identifier)


def hide_values(state: Mapping[str, Any] | None, hidden: frozenset[str]) -> dict[str, Any] | None:
    """Return one side of a difference without the values that a caller may not see."""
    if state is None:
        return None
    shown = dict(state)
    if "field_values" in shown:
        shown["field_values"] = {k: v for k, v in shown["field_values"].items() if k not in hidden}
    return shown


def names_of(state: Mapping[str, Any] | None) -> list[str]:
    """Return the changed keys of fields, and the names of changed attributes."""
    if state is None:
        return []
    attributes = [name for name in ATTRIBUTES if name in state]
    return [*state.get("field_values", {}), *attributes]
