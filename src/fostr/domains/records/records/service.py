"""What people do with single records."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from fostr.domains.records.fields.shaping import (
    FieldValuesInvalid,
    Shaped,
    check_required,
    check_values,
    search_text,
    shape,
)
from fostr.domains.records.links.departing import follow_deletion
from fostr.domains.records.links.service import follow_links
from fostr.domains.records.records.changes import Difference, compare, hide_values, names_of
from fostr.domains.records.records.effects import Written, follow, prepare
from fostr.domains.records.records.reach import ReachedRecord, RecordNotFound, check_within_reach
from fostr.domains.records.records.record import DELETED, Record
from fostr.domains.records.records.repository import reading, writing
from fostr.domains.records.records.repository.writing import Change, Content
from fostr.domains.records.recordsets.reach import Reached, parse_reference, reach_recordset
from fostr.domains.workspaces.public import has_member
from fostr.kernel.db.sql import Fragment, join_and
from fostr.kernel.events.outbox import Cause, cause_by, compose_event
from fostr.kernel.events.outbox import record as record_event
from fostr.kernel.http.errors import Conflict, StaleUpdate, Unprocessable
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from fostr.domains.records.records.schemas import RecordCreate, RecordUpdate
    from fostr.kernel.http.context import Context

ATTEMPTS: Final = 3
"""How often a write is tried anew because the recordset's fields changed under it."""


class StatusReserved(Unprocessable):
    """A record gets this status by being deleted."""

    code = "status_reserved"
    detail = "A record gets the status `deleted` by being deleted, and loses it by being restored."


class OwnerUnknown(Unprocessable):
    """The owner is no member of the workspace."""

    code = "owner_unknown"
    detail = "The owner is no member of this workspace."


class FieldsChanging(Conflict):
    """The recordset's fields changed each time that the record was about to be written."""

    code = "fields_changing"
    detail = "The fields of the recordset are being changed; send the request again."


async def create_record(context: Context, *, data: RecordCreate) -> tuple[Reached, Record]:
    """Create a record.

    Raises:
        RecordsetNotFound: the caller cannot see the recordset.
        ActionForbidden: they may not create records in it.
        FieldValuesInvalid: naming every value that does not fit.
        FieldReadOnly: the caller may not set one of the fields.
        StatusReserved: the status is that of the trash.
        OwnerUnknown: the owner is no member.
    """
    _check_status(data.status)
    await _check_owner(context, data.owner_id)
    for _ in range(ATTEMPTS):
        reached = await reach_recordset(context, parse_reference(data.recordset_id), "create")
        values = check_values(reached.recordset, data.field_values, mask=reached.mask)
        await _prepare(reached, values)
        check_required(reached.recordset, values)
        content = Content(
            shaped=shape(reached.recordset, values),
            status=data.status,
            tags=list(dict.fromkeys(data.tags)),
            owner_id=data.owner_id,
        )
        record = _new_record(reached, content)
        event = compose_event(
            context, **_event("record.created", record, after=_facts(record)), written=writing.CREATED
        )
        if await writing.insert_record(
            context.unit,
            record.id,
            recordset=reached.recordset,
            content=content,
            change=change_by(context),
            event=event,
        ):
            await follow(reached, [Written(record.id, {}, content.shaped.values)])
            return reached, record
    raise FieldsChanging


async def _prepare(reached: Reached, values: dict[str, Any], *, before: Mapping[str, Any] | None = None) -> None:
    """Give a record what nobody sends, and refuse values that name what is not there.

    Raises:
        FieldValuesInvalid: naming every such value.
    """
    faults = await prepare(reached, [values], is_new=before is None, before=None if before is None else [before])
    if faults:
        raise FieldValuesInvalid(errors=[{"field": fault["field"], "reason": fault["reason"]} for fault in faults])


def change_by(context: Context, *, cause: Cause | None = None, difference: Difference | None = None) -> Change:
    """Return what the history tells of a write by this request."""
    return Change(
        member_id=context.member_id,
        now=context.now,
        cause=cause_by(context.principal, cause or Cause(kind="request", id=context.facts.request_id)),
        before=difference.before if difference else {},
        after=difference.after if difference else {},
    )


def _check_status(status: str | None) -> None:
    if status == DELETED:
        raise StatusReserved


async def _check_owner(context: Context, owner_id: UUID | None) -> None:
    if owner_id is None or owner_id == context.member_id:
        return
    if not await has_member(context.unit, member_id=owner_id):
        raise OwnerUnknown


def _new_record(reached: Reached, content: Content) -> Record:
    context, shaped = reached.context, content.shaped
    return Record(
        id=new_id(),
        recordset_id=reached.recordset.id,
        title=shaped.title,
        status=content.status,
        field_values=shaped.values,
        tags=content.tags,
        geometry=shaped.geometry,
        geometry_type=shaped.geometry_type,
        owner_id=content.owner_id,
        import_id=None,
        created_by=context.member_id,
        updated_by=context.member_id,
        created_at=context.now,
        updated_at=context.now,
        deleted_at=None,
        version=1,
    )


async def update_record(
    found: ReachedRecord, *, data: RecordUpdate, expected_version: int | None = None
) -> tuple[Reached, Record]:
    """Change some of a record's values and attributes.

    Without an expected version, the last writer of a field wins, and nobody's other fields are lost.

    Raises:
        RecordNotFound: it was deleted a moment ago.
        StaleUpdate: somebody else changed it since the expected version; tells which fields.
        FieldValuesInvalid: naming every value that does not fit.
        FieldReadOnly: the caller may not change one of the fields.
        StatusReserved: the status is that of the trash.
        OwnerUnknown: the new owner is no member.
    """
    _check_status(data.status)
    await _check_owner(found.context, data.owner_id)
    expected = expected_version if expected_version is not None else data.expected_version
    for _ in range(ATTEMPTS):
        record = await lock_current(found, expected_version=expected)
        given = check_values(found.reached.recordset, data.field_values, mask=found.reached.mask)
        await _prepare(found.reached, given, before=record.field_values)
        _check_not_cleared(found.reached, given)
        content = _changed_content(found.reached, record, given, data)
        written = await write_content(found.reached, record, content, operation="update")
        if written is not None:
            return found.reached, written
        found = await _reach_again(found)
    raise FieldsChanging


async def lock_current(found: ReachedRecord, *, expected_version: int | None, action: str = "edit") -> Record:
    """Return a record as it is now, and keep others from changing it until the transaction ends.

    Raises:
        RecordNotFound: it was deleted a moment ago, or went out of sight.
        ActionForbidden: it was changed a moment ago, and row rules do not let the caller do `action` any more.
        StaleUpdate: it is not the version that was expected.
    """
    record = await reading.lock_record(found.unit, found.record.id)
    if record is None or record.deleted_at is not None:
        raise RecordNotFound
    if record.version != found.record.version and found.reached.is_restricted(action):
        await check_within_reach(found, action)
    if expected_version is not None and expected_version != record.version:
        hidden = found.reached.mask.hidden
        states = await reading.list_changes_since(found.unit, record.id, version=expected_version)
        changed = {name: None for state in states for name in names_of(hide_values(state, hidden))}
        raise StaleUpdate(
            expected_version=expected_version, current_version=record.version, changed_fields=list(changed)
        )
    return record


def _check_not_cleared(reached: Reached, given: Mapping[str, Any]) -> None:
    # Only what is cleared now: an import may have left other required fields empty, and that is no reason here.
    required = [field for field in reached.recordset.fields if field.key in given]
    check_required(replace(reached.recordset, fields=tuple(required)), given)


def _changed_content(reached: Reached, record: Record, given: Mapping[str, Any], data: RecordUpdate) -> Content:
    sent = data.model_fields_set
    return Content(
        shaped=shape_over(reached, record, given),
        status=data.status if data.status is not None else record.status,
        tags=list(dict.fromkeys(data.tags)) if data.tags is not None else record.tags,
        owner_id=data.owner_id if "owner_id" in sent else record.owner_id,
    )


def shape_over(reached: Reached, record: Record, given: Mapping[str, Any]) -> Shaped:
    """Return a record's content with some of its values replaced; those of removed fields are dropped."""
    kept = {key: value for key, value in record.field_values.items() if key in reached.recordset.by_key}
    return shape(reached.recordset, {**kept, **given})


async def write_content(
    reached: Reached, record: Record, content: Content, *, operation: writing.Operation
) -> Record | None:
    """Write a locked record with its history and event; nothing when the recordset's fields changed meanwhile.

    What changes nothing makes no version.
    """
    difference = compare(record, content)
    if difference.is_empty:
        return record
    context, shaped = reached.context, content.shaped
    version = await writing.update_record(
        context.unit,
        record.id,
        recordset=reached.recordset,
        operation=operation,
        content=content,
        change=change_by(context, difference=difference),
        search_changed=shaped.search != search_text(reached.recordset, record.field_values),
    )
    if version is None:
        return None
    await follow(reached, [Written(record.id, record.field_values, shaped.values)])
    written = replace(
        record,
        title=shaped.title,
        status=content.status,
        field_values=shaped.values,
        tags=content.tags,
        geometry=shaped.geometry,
        geometry_type=shaped.geometry_type,
        owner_id=content.owner_id,
        updated_by=context.member_id,
        updated_at=context.now,
        version=version,
    )
    await _tell(
        context,
        "record.updated",
        written,
        before={"title": record.title, **difference.before},
        after={"title": written.title, **difference.after},
        version_before=record.version,
    )
    return written


async def _reach_again(found: ReachedRecord) -> ReachedRecord:
    reached = await reach_recordset(found.context, found.record.recordset_id, "view_records")
    return ReachedRecord(reached=reached, record=found.record)


async def delete_record(found: ReachedRecord, *, expected_version: int | None = None) -> None:
    """Move a record to the trash.

    Raises:
        RecordNotFound: somebody else did, a moment ago.
        ActionForbidden: it was changed a moment ago, and row rules do not let the caller delete it any more.
        StaleUpdate: it is not the version that was expected.
        RecordLinked: other records name it, in a field that does not let it go.
        CascadeTooLarge: by links, too many other records would go along.
    """
    context = found.context
    if expected_version is not None:
        await lock_current(found, expected_version=expected_version, action="delete")
    condition = Fragment("r.workspace_id = :workspace and r.id = :id", {"id": found.record.id})
    if found.reached.is_restricted("delete"):
        condition = join_and([condition, found.reached.restriction("delete")])
    change = change_by(context)
    deleted = await writing.delete_records(context.unit, condition, change=change)
    if not deleted:
        await check_within_reach(found, "delete")
        raise RecordNotFound
    await follow_deletion(context, [found.record.recordset_id], change=change)
    gone = replace(found.record, version=deleted[0].version, status=DELETED)
    await _tell(
        context,
        "record.deleted",
        gone,
        before=_facts(replace(found.record, status=deleted[0].status)),
        version_before=gone.version - 1,
    )


async def restore_record(found: ReachedRecord) -> tuple[Reached, Record]:
    """Take a record out of the trash, with the status that it had.

    Raises:
        RecordNotFound: somebody else did, a moment ago.
    """
    context = found.context
    restored = await writing.restore_record(context.unit, found.record.id, change=change_by(context))
    if restored is None:
        raise RecordNotFound
    # Who deleted it may have taken its links away with it.
    await follow_links(found.reached, [Written(found.record.id, {}, found.record.field_values)])
    version, status = restored
    record = replace(
        found.record,
        status=status,
        version=version,
        deleted_at=None,
        updated_by=context.member_id,
        updated_at=context.now,
    )
    await _tell(context, "record.restored", record, after=_facts(record))
    return found.reached, record


def _facts(record: Record) -> dict[str, Any]:
    return {
        "title": record.title,
        "status": record.status,
        "field_values": record.field_values,
        "tags": record.tags,
        "owner_id": None if record.owner_id is None else str(record.owner_id),
    }


async def _tell(context: Context, type: str, record: Record, **states: Any) -> None:
    await record_event(context, **_event(type, record, **states))


def _event(
    type: str,
    record: Record,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    version_before: int | None = None,
) -> dict[str, Any]:
    place = {"recordset_id": str(record.recordset_id)}
    return {
        "type": type,
        "entity": "record",
        "entity_id": record.id,
        "before": None if before is None else {**place, "version": version_before, **before},
        "after": None if after is None else {**place, "version": record.version, **after},
    }
