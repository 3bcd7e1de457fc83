"""Making one record of several: what hangs on the others moves to it, links lead to it, and the others go to the trash.

The history of each tells which record it went into, and that of the record which stays tells which were merged into
it. All that a merge writes has one cause, so that it is undone as one thing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, cast

from fostr.domains.records.bulk.batch import (
    Batch,
    begin,
    lock_records,
    plan_change,
    sign,
    tell,
    write_changes,
)
from fostr.domains.records.bulk.events import RECORDS_UPDATED
from fostr.domains.records.bulk.upserting import find_match_fields
from fostr.domains.records.fields.shaping import FieldValuesInvalid, check_required, check_values
from fostr.domains.records.merging import repository
from fostr.domains.records.merging.events import RECORDS_MERGED
from fostr.domains.records.merging.moves import move_all
from fostr.domains.records.merging.schemas import MOST_NAMED, DuplicateGroup, Merged
from fostr.domains.records.query.filters import write_filters
from fostr.domains.records.query.selection import RecordQuery, select_records
from fostr.domains.records.records import effects
from fostr.domains.records.records.reach import RecordNotFound
from fostr.domains.records.records.record import DELETED
from fostr.domains.records.records.repository.writing import Content
from fostr.domains.records.records.schemas import Record as ShownRecord
from fostr.domains.records.records.service import shape_over
from fostr.domains.records.records.showing import show_record
from fostr.domains.records.recordsets import repository as recordsets
from fostr.domains.records.recordsets.reach import (
    ActionForbidden,
    Reached,
    check_action,
    parse_reference,
    reach_recordset,
)
from fostr.domains.records.rules.rule import NO_LIMITS
from fostr.kernel.access.evaluator import FieldMask, Standing
from fostr.kernel.events.outbox import ActedCause
from fostr.kernel.http.errors import Unprocessable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from fostr.domains.records.bulk.repository import Change, Found, Signature
    from fostr.domains.records.merging.schemas import DuplicatesQuery, MergeRequest
    from fostr.domains.records.records.record import Record
    from fostr.kernel.http.context import Context
    from fostr.kernel.http.paging import Page, Slice


class MergeInvalid(Unprocessable):
    """The record that stays is among those that go."""

    code = "merge_invalid"
    detail = "The record that stays cannot be merged into itself."


@dataclass(frozen=True, slots=True)
class MergeCause(ActedCause):
    """Why the records of a merge changed.

    Attributes:
        merged_into: the record that stays.
        merged_ids: the records that went to the trash.
    """

    merged_into: UUID | None = None
    merged_ids: tuple[UUID, ...] = ()


async def merge_records(context: Context, *, data: MergeRequest) -> Merged:
    """Make one record of several.

    Raises:
        RecordsetNotFound: the caller cannot see the recordset.
        RecordNotFound: one of the records is not there, or they may not see it.
        ActionForbidden: they may not edit the record that stays, or not delete one of the others.
        FieldValuesInvalid: a chosen value does not fit its field.
        FieldReadOnly: they may not change a field for which they chose a value.
        MergeInvalid: the record that stays is among the others.
    """
    sources = list(dict.fromkeys(data.source_ids))
    batch = await begin(context, data.recordset_id, None, signature=_sign(context, data.target_id, sources))
    check_action(batch.reached, "edit", is_own=True)
    if data.target_id in sources:
        raise MergeInvalid
    found = await lock_records(batch, [data.target_id, *sources])
    target, others = _check_rights(found, data.target_id, sources)
    change = await _plan(batch, target, others, data)
    if not data.dry_run:
        await move_all(context.unit, sources, target=target.id, cause_id=batch.signature.series)
    relinked = await _relink(batch, sources, target.id, dry_run=data.dry_run)
    event_id = None
    if not data.dry_run:
        versions = await write_changes(batch, [change])
        await write_changes(batch, [_departure(batch, record) for record in others])
        ids = [str(source) for source in sources]
        event_id = await tell(batch, RECORDS_MERGED, target_id=str(target.id), source_ids=ids)
        change = replace(change, record=replace(change.record, version=versions[target.id]))
    return Merged(
        dry_run=data.dry_run,
        change_id=event_id,
        record=ShownRecord.model_validate(
            await show_record(batch.reached, _outcome(batch, change, dry_run=data.dry_run))
        ),
        merged_ids=sources,
        relinked=relinked,
    )


def _sign(context: Context, target_id: UUID, sources: Sequence[UUID]) -> Signature:
    signature = sign(context)
    cause = MergeCause(
        kind=signature.cause.kind,
        id=signature.series,
        acting_as=context.principal.acting_as,
        merged_into=target_id,
        merged_ids=tuple(sources),
    )
    return replace(signature, cause=cause)


def _check_rights(found: Mapping[UUID, Found], target_id: UUID, sources: Sequence[UUID]) -> tuple[Record, list[Record]]:
    entries = [found.get(record_id) for record_id in (target_id, *sources)]
    present = [entry for entry in entries if entry is not None and entry.record.status != DELETED]
    if len(present) < len(entries):
        raise RecordNotFound
    target, *others = present
    if not target.edits or not all(other.deletes for other in others):
        raise ActionForbidden(reason="merging needs the right to edit the record that stays and to delete the others")
    return target.record, [other.record for other in others]


async def _plan(batch: Batch, target: Record, others: Sequence[Record], data: MergeRequest) -> Change:
    """Return what the record that stays becomes."""
    reached = batch.reached
    chosen = check_values(reached.recordset, data.field_values, mask=reached.mask)
    values = {**_inherited(reached, target, others, fills=data.fill_empty), **chosen}
    faults = await effects.prepare(reached, [values], is_new=False, before=[target.field_values])
    if faults:
        raise FieldValuesInvalid(errors=[{"field": fault["field"], "reason": fault["reason"]} for fault in faults])
    cleared = tuple(field for field in reached.recordset.fields if field.key in values)
    check_required(replace(reached.recordset, fields=cleared), values)
    content = Content(
        shaped=shape_over(reached, target, values),
        status=target.status,
        tags=list(dict.fromkeys([*target.tags, *(tag for other in others for tag in other.tags)])),
        owner_id=target.owner_id,
    )
    return plan_change(reached, target, content)


def _inherited(reached: Reached, target: Record, others: Sequence[Record], *, fills: bool) -> dict[str, Any]:
    """Return the values that the record that stays gets from the others: their files, and what it lacks itself."""
    inherited: dict[str, Any] = {}
    themselves = {str(record.id) for record in (target, *others)}
    for field in reached.recordset.fields:
        if field.key in reached.mask.read_only | reached.mask.hidden:
            continue
        held = [record.field_values.get(field.key) for record in (target, *others)]
        if field.type == "link":
            held = [_without(value, themselves) for value in held]
            if held[0] != target.field_values.get(field.key):
                inherited[field.key] = held[0]
        if field.type == "attachment":
            files = list(dict.fromkeys(one for value in held for one in _ids(value)))
            if files != _ids(held[0]):
                inherited[field.key] = files
        elif fills and held[0] is None:
            value = next((value for value in held if value is not None), None)
            if value is not None:
                inherited[field.key] = value
    return inherited


def _without(value: Any, ids: set[str]) -> list[str] | None:
    """Return a link's value without some records; nothing where nothing is left."""
    return [one for one in _ids(value) if one not in ids] or None


def _ids(value: Any) -> list[str]:
    return cast(list[str], value) if isinstance(value, list) else []


def _departure(batch: Batch, record: Record) -> Change:
    content = Content(
        shaped=shape_over(batch.reached, record, {}), status=DELETED, tags=record.tags, owner_id=record.owner_id
    )
    return plan_change(batch.reached, record, content)


def _outcome(batch: Batch, change: Change, *, dry_run: bool) -> Record:
    context, content = batch.reached.context, change.content
    written = replace(
        change.record,
        title=content.shaped.title,
        field_values=content.shaped.values,
        tags=content.tags,
        geometry=content.shaped.geometry,
        geometry_type=content.shaped.geometry_type,
    )
    return written if dry_run else replace(written, updated_by=context.member_id, updated_at=context.now)


async def _relink(batch: Batch, sources: Sequence[UUID], target_id: UUID, *, dry_run: bool) -> int:
    """Let records that link to the sources link to the target, whatever the caller may do to them: it is one thing."""
    linking = await repository.list_linking(batch.reached.unit, sources)
    if dry_run:
        return len(linking)
    for recordset_id, rows in groupby(linking, key=lambda row: row["recordset_id"]):
        ids = [row["id"] for row in rows]
        if recordset_id == batch.recordset_id:
            await _relink_some(batch, ids, sources, target_id)
            continue
        reached = await _reach_freely(batch, recordset_id)
        other = Batch(reached=reached, signature=batch.signature, place=batch.place)
        await _relink_some(other, ids, sources, target_id)
        batch.place = other.place
        await tell(other, RECORDS_UPDATED)
    return len(linking)


async def _reach_freely(batch: Batch, recordset_id: UUID) -> Reached:
    """Return a recordset as its owner has it, held as it is."""
    unit = batch.reached.unit
    await recordsets.lock_recordset(unit, recordset_id)
    recordset = await recordsets.find_definition(unit, recordset_id)
    assert recordset is not None  # noqa: S101 - one of its records is there
    return Reached(
        context=batch.reached.context,
        recordset=recordset,
        standing=Standing(owns_object=True, grants=frozenset()),
        mask=FieldMask(hidden=frozenset(), read_only=frozenset()),
    )


async def _relink_some(batch: Batch, ids: Sequence[UUID], sources: Sequence[UUID], target_id: UUID) -> None:
    free = replace(batch.reached, standing=Standing(owns_object=True, grants=frozenset()), limits=NO_LIMITS)
    found = await lock_records(replace(batch, reached=free), ids)
    gone = {str(source) for source in sources}
    changes: list[Change] = []
    for entry in found.values():
        held = {field.key: _ids(entry.record.field_values.get(field.key)) for field in batch.reached.recordset.links}
        values = {
            key: list(dict.fromkeys(str(target_id) if one in gone else one for one in ids))
            for key, ids in held.items()
            if gone & set(ids)
        }
        if values and entry.record.status != DELETED and entry.record.id != target_id:
            record = entry.record
            content = Content(
                shaped=shape_over(batch.reached, record, values),
                status=record.status,
                tags=record.tags,
                owner_id=record.owner_id,
            )
            changes.append(plan_change(batch.reached, record, content))
    await write_changes(batch, changes)


async def list_duplicates(context: Context, *, data: DuplicatesQuery, part: Slice) -> Page[DuplicateGroup]:
    """Return groups of records that have the same values, the largest first.

    Raises:
        RecordsetNotFound: the caller cannot see the recordset.
        MatchInvalid: records cannot be recognised by one of the fields.
        FilterInvalid: a filter does not fit the recordset.
    """
    reached = await reach_recordset(context, parse_reference(data.recordset_id), "view_records")
    fields = find_match_fields(reached, data.match_on)
    query = RecordQuery(search=data.search, column_filters=write_filters("column_filters", data.column_filters))
    await context.unit.plan_for_values()
    rows = await repository.list_duplicates(
        context.unit,
        select_records(reached, query).condition,
        match_on=[field.key for field in fields],
        ignores_case=data.ignore_case,
        limit=part.limit,
        offset=part.offset,
        most=MOST_NAMED,
    )
    groups = [
        DuplicateGroup(
            values=dict(zip((field.key for field in fields), row["key"], strict=True)),
            count=row["count"],
            record_ids=row["ids"],
        )
        for row in rows
    ]
    return part.page(groups, total=rows[0]["total"] if rows else 0)
