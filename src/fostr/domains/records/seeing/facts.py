"""What events tell of records, without what a reader may not know.

A value is told as long as there is the field that held it, and the reader may see that. Values of fields that were
removed since are told to nobody, as they are shown to nobody: who they were hidden from is not known any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.fields.model import hides_derived
from fostr.domains.records.fields.shaping import title_of
from fostr.domains.records.seeing.sight import sees_all

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.domains.records.recordsets.reach import Reached
    from fostr.domains.records.seeing.repository import KnownRecord
    from fostr.domains.records.seeing.sight import Sight

_PLACE: Final = ("lat", "lng")


def tell_record(
    sight: Sight, reached: Reached | None, state: dict[str, Any], *, record: KnownRecord | None, since: UUID
) -> dict[str, Any]:
    """Return one side of what an event tells of a record that its reader may see.

    Args:
        sight: what the reader may know.
        reached: the recordset; None where it is gone.
        state: what the event tells.
        record: as it is; None where it is gone.
        since: the event, by whose id it is known which fields there were when it happened.
    """
    if reached is None:
        # Nobody can say any more what was hidden from whom: only from owners, nothing ever was.
        return state if sight.context.access.base_role == "owner" else _without(state, "field_values", "title", *_PLACE)
    if record is not None and not record.is_open and not reached.recordset.deleted:
        # It lies in the trash: those who knew it are told that it went there, and no longer what was in it.
        return _without(state, "field_values", "title", *_PLACE)
    told = dict(state)
    if state.get("field_values") is not None:
        told["field_values"] = _tell_values(sight, reached, state["field_values"], since=since)
    if "title" in state and not _may_know_title(reached, told, record=record):
        told.pop("title")
    # Where a record lies may come from any field; places are told to who sees all of them, as geocoding tells them.
    return _without(told, *_PLACE) if reached.mask.hidden else told


def _tell_values(sight: Sight, reached: Reached, values: dict[str, Any], *, since: UUID) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for key, value in values.items():
        field = reached.recordset.by_key.get(key)
        # A later field of the same key may be open to people from whom the one that held the value was hidden.
        if field is None or key in reached.mask.hidden or _millisecond(field.id) > _millisecond(since):
            continue
        told[key] = sight.keep_visible(value) if field.type == "link" and value is not None else value
    return told


def _may_know_title(reached: Reached, told: dict[str, Any], *, record: KnownRecord | None) -> bool:
    """Say whether a title is one that the reader finds elsewhere; it may come from a field that is hidden by now."""
    title = told["title"]
    if not title or sees_all(reached):
        return True
    if title == title_of(reached.recordset, told.get("field_values") or {}):
        return True
    return record is not None and title == record.title and not hides_derived(reached.recordset, reached.mask)


def _without(state: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in state.items() if name not in names}


def _millisecond(identifier: UUID) -> int:
    """Return when an id was made."""
    return identifier.int >> 80
