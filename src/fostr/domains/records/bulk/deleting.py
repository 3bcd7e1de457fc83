"""Deleting many records at once: those that are named, or all that filters select."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from fostr.domains.records.bulk.events import RECORDS_DELETED
from fostr.domains.records.bulk.schemas import BulkDeleted, BulkDeleteResult
from fostr.domains.records.links.departing import follow_deletion
from fostr.domains.records.query.selection import TRASH, may_reach, read_body, select_records
from fostr.domains.records.records.repository import reading, writing
from fostr.domains.records.records.repository.listing import count_selected
from fostr.domains.records.records.service import StatusReserved, change_by
from fostr.domains.records.recordsets.reach import check_action, parse_reference, reach_recordset
from fostr.domains.records.views.applying import apply_view, find_applied
from fostr.kernel.db.sql import Fragment
from fostr.kernel.events.outbox import Cause
from fostr.kernel.events.outbox import record as record_event
from fostr.kernel.ids import new_id

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.domains.records.bulk.schemas import BulkDelete
    from fostr.kernel.http.context import Context


async def delete_records(context: Context, *, data: BulkDelete) -> BulkDeleted:
    """Move many records to the trash, or say which would be.

    Raises:
        RecordsetNotFound: the caller cannot see the recordset that was named.
        ActionForbidden: they may not delete everything in it, and asked for that.
        FilterInvalid: a filter does not fit the recordset.
        ViewNotFound: the recordset has no such view.
        ViewIncomplete: the view would take more than it shows to others.
    """
    if data.record_ids is None:
        return await _delete_selected(context, data)
    recordset_id = None
    if data.recordset_id is not None:
        reached = await reach_recordset(context, parse_reference(data.recordset_id), "view_records")
        recordset_id = reached.recordset.id
    return await _delete_named(context, data.record_ids, recordset_id=recordset_id, dry_run=data.dry_run)


async def _delete_selected(context: Context, data: BulkDelete) -> BulkDeleted:
    reached = await reach_recordset(context, parse_reference(data.recordset_id or ""), "view_records")
    check_action(reached, "delete")
    if data.status == TRASH:
        raise StatusReserved("What is in the trash is deleted already.")
    query = read_body(data, status=data.status, tags=data.tags)
    if data.view_id is not None:
        query = apply_view(await find_applied(reached, data.view_id, strict=True), query)
    selection = select_records(reached, query, action="delete")
    await context.unit.plan_for_values()
    if data.dry_run:
        matched = await count_selected(context.unit, selection)
        return BulkDeleted(dry_run=True, matched=matched, deleted=0, results=[])
    cause = Cause(kind="request", id=new_id())
    change = change_by(context, cause=cause)
    deleted = await writing.delete_selected(context.unit, selection.condition, change=change)
    await follow_deletion(context, [reached.recordset.id], change=change)
    await _tell(context, {reached.recordset.id: deleted}, cause=cause)
    return BulkDeleted(dry_run=False, matched=deleted, deleted=deleted, results=[])


async def _delete_named(
    context: Context, record_ids: list[UUID], *, recordset_id: UUID | None, dry_run: bool
) -> BulkDeleted:
    rights = await reading.find_deletable(
        context.unit,
        record_ids,
        sees=await may_reach(context, "view_records"),
        deletes=await may_reach(context, "delete"),
        recordset_id=recordset_id,
    )
    allowed = sorted(record_id for record_id, is_allowed in rights.items() if is_allowed)
    done = set(allowed)
    if allowed and not dry_run:
        cause = Cause(kind="request", id=new_id())
        condition = Fragment("r.workspace_id = :workspace and r.id = any(:ids::uuid[])", {"ids": allowed})
        change = change_by(context, cause=cause)
        deleted = await writing.delete_records(context.unit, condition, change=change)
        await follow_deletion(context, {entry.recordset_id for entry in deleted}, change=change)
        done = {entry.id for entry in deleted}
        await _tell(context, Counter(entry.recordset_id for entry in deleted), cause=cause)
    return BulkDeleted(
        dry_run=dry_run,
        matched=len(done),
        deleted=0 if dry_run else len(done),
        results=[_result(record_id, rights, done, dry_run=dry_run) for record_id in record_ids],
    )


def _result(record_id: UUID, rights: dict[UUID, bool], done: set[UUID], *, dry_run: bool) -> BulkDeleteResult:
    if record_id in done:
        return BulkDeleteResult(record_id=record_id, result="would_be_deleted" if dry_run else "deleted")
    # What somebody else deleted in between is not there any more, whatever the rights were.
    refused = rights.get(record_id) is False
    return BulkDeleteResult(record_id=record_id, result="forbidden" if refused else "not_found")


async def _tell(context: Context, counts: dict[UUID, int], *, cause: Cause) -> None:
    for recordset_id, count in sorted(counts.items()):
        if count == 0:
            continue
        await record_event(
            context,
            type=RECORDS_DELETED,
            entity="recordset",
            entity_id=recordset_id,
            after={"recordset_id": str(recordset_id), "count": count},
            cause=Cause(kind=cause.kind, id=cause.id, count=count),
        )
