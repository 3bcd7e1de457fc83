"""What a record was, who changed it, and going back.

A change keeps only what it changed, so an earlier state is found by undoing all later changes, the newest first. The
creation is not kept at all: its entry is made up from the record, under the record's own id. Nothing is ever pruned: a
history lasts as long as its record, and outlives the members who made it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fostr.domains.records.fields.shaping import FieldValuesInvalid, check_values
from fostr.domains.records.history import repository
from fostr.domains.records.history.repository import Version
from fostr.domains.records.history.schemas import ChangeAuthor, ChangeCause, HistoryEntry, state
from fostr.domains.records.records.changes import hide_values, names_of
from fostr.domains.records.records.effects import prepare
from fostr.domains.records.records.reach import ReachedRecord, list_visible
from fostr.domains.records.records.repository.writing import Content
from fostr.domains.records.records.service import FieldsChanging, lock_current, shape_over, write_content
from fostr.kernel.http.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.domains.records.records.record import Record
    from fostr.domains.records.recordsets.reach import Reached
    from fostr.kernel.http.paging import Page, Slice


class HistoryEntryNotFound(NotFound):
    """The record has no such version."""

    code = "history_entry_not_found"
    detail = "The record has no such version."


async def list_history(found: ReachedRecord, *, part: Slice) -> Page[HistoryEntry]:
    """Return a part of a record's history, the newest first, without what the caller may not see."""
    unit, record = found.unit, found.record
    changes = await repository.count_versions(unit, record.id)
    versions = await repository.list_versions(unit, record.id, limit=part.limit, offset=part.offset)
    if part.offset <= changes < part.offset + part.limit:
        versions.append(await _creation(found))
    versions = await _without_unseen_records(found, versions)
    return part.page([_entry(version, _hidden_in(found, version)) for version in versions], total=changes + 1)


def _hidden_in(found: ReachedRecord, version: Version) -> frozenset[str]:
    """Return the keys of values that the caller may not know: of fields hidden from them, and of fields that are gone.

    Whom those were hidden from is not known any more, so they are shown to nobody, as everywhere else.
    """
    known = found.reached.recordset.by_key
    states = [each["field_values"] for each in (version.before, version.after) if each and "field_values" in each]
    return found.reached.mask.hidden | {key for values in states for key in values if key not in known}


async def _without_unseen_records(found: ReachedRecord, versions: list[Version]) -> list[Version]:
    """Return versions that name only records which the caller may see, in links and as what was merged."""
    keys = [field.key for field in found.reached.recordset.links]
    states = [each["field_values"] for v in versions for each in (v.before, v.after) if each and "field_values" in each]
    named = {text for values in states for key in keys for text in values.get(key) or ()}
    named.update(text for version in versions for text in _list_merged(version.cause))
    if not named:
        return versions
    seen = {str(record_id) for record_id in await list_visible(found.context, sorted(UUID(text) for text in named))}
    return [
        replace(
            version,
            before=_narrow(version.before, keys, seen),
            after=_narrow(version.after, keys, seen),
            cause=_narrow_cause(version.cause, seen),
        )
        for version in versions
    ]


def _list_merged(cause: dict[str, Any] | None) -> list[str]:
    cause = cause or {}
    into: str | None = cause.get("merged_into")
    return [*(cause.get("merged_ids") or ()), *([] if into is None else [into])]


def _narrow_cause(cause: dict[str, Any] | None, seen: set[str]) -> dict[str, Any] | None:
    if not cause or not _list_merged(cause):
        return cause
    told = {name: value for name, value in cause.items() if name not in ("merged_ids", "merged_into")}
    told["merged_ids"] = [text for text in cause.get("merged_ids") or () if text in seen]
    if cause.get("merged_into") in seen:
        told["merged_into"] = cause["merged_into"]
    return told


def _narrow(state: dict[str, Any] | None, keys: Sequence[str], seen: set[str]) -> dict[str, Any] | None:
    if not state or "field_values" not in state:
        return state
    values = state["field_values"]
    linked = {key: [text for text in values[key] if text in seen] for key in keys if values.get(key)}
    return {**state, "field_values": {**values, **linked}}


async def _creation(found: ReachedRecord) -> Version:
    record = found.record
    values = await _values_at(found, record, version=1)
    author = await repository.find_author(found.unit, record.created_by) if record.created_by else None
    return Version(
        id=record.id,
        record_id=record.id,
        version=1,
        operation="create",
        before=None,
        after={"field_values": values},
        cause={"kind": "import", "id": str(record.import_id)} if record.import_id else await _acted(found),
        changed_by=record.created_by,
        changed_at=record.created_at,
        full_name=author["full_name"] if author else None,
        avatar_url=author["avatar_url"] if author else None,
    )


async def _acted(found: ReachedRecord) -> dict[str, Any] | None:
    acting_as = await repository.find_creation_acting_as(found.unit, found.record.id)
    return None if acting_as is None else {"acting_as": acting_as}


async def _values_at(found: ReachedRecord, record: Record, *, version: int) -> dict[str, Any]:
    values = dict(record.field_values)
    for replaced in await repository.list_values_undone(found.unit, record.id, after=version):
        values.update(replaced)
    return {key: value for key, value in values.items() if value is not None}


def _entry(version: Version, hidden: frozenset[str]) -> HistoryEntry:
    before, after = hide_values(version.before, hidden), hide_values(version.after, hidden)
    cause = version.cause
    return HistoryEntry(
        id=version.id,
        record_id=version.record_id,
        version=version.version,
        operation=version.operation,  # pyright: ignore[reportArgumentType] - a check of the table
        changed_fields=names_of(after),
        before=state(before),
        after=state(after),
        changed_by=None if version.changed_by is None else _author(version, version.changed_by),
        cause=None if cause is None or "kind" not in cause else show_cause(cause),
        acting_as=None if cause is None else cause.get("acting_as"),
        changed_at=version.changed_at,
    )


def show_cause(cause: dict[str, Any]) -> ChangeCause:
    """Return why a change was made, as its version keeps it."""
    merged = {name: cause[name] for name in ("merged_into", "merged_ids") if cause.get(name)}
    return ChangeCause(kind=cause["kind"], id=cause.get("id"), **merged)


def _author(version: Version, member_id: UUID) -> ChangeAuthor:
    return ChangeAuthor(id=member_id, full_name=version.full_name or "", avatar_url=version.avatar_url)


async def restore_version(
    found: ReachedRecord, history_id: UUID, *, expected_version: int | None
) -> tuple[Reached, Record]:
    """Give a record the values again that it had right after a change, as a new version.

    Fields that the caller may not change stay as they are, and so does what belongs to fields that were removed.

    Raises:
        HistoryEntryNotFound: the record has no such version.
        StaleUpdate: somebody else changed it since the expected version.
        FieldValuesInvalid: a value of then does not fit its field of now, or names what is not there any more.
    """
    record = await lock_current(found, expected_version=expected_version)
    version = await _version_number(found, history_id)
    values = await _values_at(found, record, version=version)
    reached = found.reached
    keys = reached.recordset.by_key.keys() - reached.mask.read_only
    changed = {key: values.get(key) for key in sorted(keys) if values.get(key) != record.field_values.get(key)}
    given = check_values(reached.recordset, changed, mask=reached.mask)
    faults = await prepare(reached, [given], is_new=False, before=[record.field_values])
    if faults:
        raise FieldValuesInvalid(errors=[{"field": fault["field"], "reason": fault["reason"]} for fault in faults])
    content = Content(
        shaped=shape_over(reached, record, given),
        status=record.status,
        tags=record.tags,
        owner_id=record.owner_id,
    )
    written = await write_content(reached, record, content, operation="restore")
    if written is None:
        raise FieldsChanging
    return reached, written


async def _version_number(found: ReachedRecord, history_id: UUID) -> int:
    if history_id == found.record.id:
        return 1
    version = await repository.find_version(found.unit, history_id, record_id=found.record.id)
    if version is None:
        raise HistoryEntryNotFound
    return version.version
