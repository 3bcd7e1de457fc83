"""What a record is to become so that what was done to it is taken back, field by field.

A field that somebody has changed since is left as it is and told, unless that is to be overwritten. So taking back a
change of one cell leaves what was done to the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fostr.domains.records.fields.shaping import check_value
from fostr.domains.records.fields.types import ValueRefused
from fostr.domains.records.records.record import DELETED

if TYPE_CHECKING:
    from fostr.domains.records.bulk.repository import Found
    from fostr.domains.records.records.record import Record
    from fostr.domains.records.recordsets.reach import Reached
    from fostr.domains.records.undo.repository import Step

CHANGED_SINCE = "somebody has changed it since"
IN_TRASH = "the record is in the trash"
NO_RIGHT = "you may not do this to the record"
NOT_FOUND = "there is no such record, or none that you may see"


@dataclass(slots=True)
class Draft:
    """A record as it is to become.

    Attributes:
        values: the values that change.
        conflicts: names of fields and attributes that stay as they are, with the reason.
    """

    record: Record
    status: str
    tags: list[str]
    owner_id: UUID | None
    values: dict[str, Any] = field(default_factory=dict[str, Any])
    conflicts: dict[str, str] = field(default_factory=dict[str, str])

    def value(self, key: str) -> Any:
        """Return a value as it is to become."""
        return self.values[key] if key in self.values else self.record.field_values.get(key)

    @property
    def is_changed(self) -> bool:
        """Whether anything about the record changes."""
        record = self.record
        return bool(self.values) or (self.status, self.tags, self.owner_id) != (
            record.status,
            record.tags,
            record.owner_id,
        )


def draft(record: Record) -> Draft:
    """Return a record as it is, to be changed."""
    return Draft(record=record, status=record.status, tags=record.tags, owner_id=record.owner_id)


def take_back(
    reached: Reached, found: Found, steps: list[Step], replaced: list[dict[str, Any]], *, forced: bool
) -> Draft:
    """Return what a record is to become so that versions of it are taken back, the last of them first.

    Args:
        reached: its recordset.
        found: the locked record, and what the caller may do to it.
        steps: the versions.
        replaced: what later changes replaced, where a step is the creation or the restoration of the record.
        forced: whether what somebody changed since is overwritten.
    """
    drafted = draft(found.record)
    for step in steps:
        before, after = step.before or {}, step.after or {}
        if step.after is None or before.get("status") == DELETED:
            _remove(drafted, found, replaced, forced=forced)
        elif after.get("status") == DELETED:
            _bring_back(drafted, found, before["status"])
        else:
            _revert(reached, drafted, found, before, after, forced=forced)
    return drafted


def _remove(drafted: Draft, found: Found, replaced: list[dict[str, Any]], *, forced: bool) -> None:
    """Move a record to the trash that was created, or came out of it."""
    if drafted.status == DELETED:
        return
    changed = [] if forced else _changed_since(drafted, replaced)
    if changed:
        drafted.conflicts |= dict.fromkeys(changed, CHANGED_SINCE)
    elif not found.deletes:
        drafted.conflicts["status"] = NO_RIGHT
    else:
        drafted.status = DELETED


def _changed_since(drafted: Draft, replaced: list[dict[str, Any]]) -> list[str]:
    """Return what is otherwise than it was before the first of the later changes."""
    values: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    for state in replaced:
        for key, value in state.get("field_values", {}).items():
            values.setdefault(key, value)
        for name in ("status", "tags", "owner_id"):
            if name in state:
                attributes.setdefault(name, state[name])
    current = {"status": drafted.status, "tags": drafted.tags, "owner_id": _text(drafted.owner_id)}
    return [
        *(key for key, value in values.items() if drafted.value(key) != value),
        *(name for name, value in attributes.items() if current[name] != value),
    ]


def _text(identifier: UUID | None) -> str | None:
    return None if identifier is None else str(identifier)


def _bring_back(drafted: Draft, found: Found, status: str) -> None:
    if drafted.status != DELETED:
        return
    if found.deletes:
        drafted.status = status
    else:
        drafted.conflicts["status"] = NO_RIGHT


def _revert(
    reached: Reached, drafted: Draft, found: Found, before: dict[str, Any], after: dict[str, Any], *, forced: bool
) -> None:
    values, replaced = after.get("field_values", {}), before.get("field_values", {})
    names = [*values, *(name for name in ("status", "tags", "owner_id") if name in after)]
    hindrance = IN_TRASH if drafted.status == DELETED else None if found.edits else NO_RIGHT
    if hindrance:
        drafted.conflicts |= dict.fromkeys(names, hindrance)
        return
    for key in values:
        _revert_value(reached, drafted, key, old=replaced.get(key), new=values[key], forced=forced)
    for name in ("status", "tags", "owner_id"):
        if name in after:
            _revert_attribute(drafted, name, old=before.get(name), new=after[name], forced=forced)


def _revert_value(reached: Reached, drafted: Draft, key: str, *, old: Any, new: Any, forced: bool) -> None:
    current = drafted.value(key)
    if current == old:
        return
    reason = None if forced or current == new else CHANGED_SINCE
    reason = reason or _why_not(reached, key, old)
    if reason:
        drafted.conflicts[key] = reason
    else:
        drafted.values[key] = old


def _why_not(reached: Reached, key: str, value: Any) -> str | None:
    """Return why a field cannot get a value that it had, if there is a reason."""
    entry = reached.recordset.by_key.get(key)
    if entry is None:
        return "there is no such field any more"
    if key in reached.mask.hidden | reached.mask.read_only:
        return "you may not change this field"
    if value is None:
        return "is required" if entry.is_required else None
    try:
        check_value(entry, value)
    except ValueRefused as refusal:
        return str(refusal)
    return None


def _revert_attribute(drafted: Draft, name: str, *, old: Any, new: Any, forced: bool) -> None:
    current = _text(drafted.owner_id) if name == "owner_id" else getattr(drafted, name)
    if current == old:
        return
    if not forced and current != new:
        drafted.conflicts[name] = CHANGED_SINCE
    elif name == "owner_id":
        drafted.owner_id = None if old is None else UUID(old)
    elif name == "tags":
        drafted.tags = list(old)
    else:
        drafted.status = old
