"""Undoing what somebody did as one thing: a cell, a paste, a bulk delete, an import, a merge, an undo.

An undo is itself such a thing: one event for each recordset, one cause in all versions. So it can be undone in turn.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from fostr.domains.records.history.schemas import ChangeAuthor, ChangeCause
from fostr.domains.records.merging.moves import move_back
from fostr.domains.records.recordsets.reach import ActionForbidden, RecordsetNotFound, check_action, reach_recordset
from fostr.domains.records.undo import repository, retyping
from fostr.domains.records.undo.operation import BROUGHT_ALONG, UNDOABLE, Operation, read_operation
from fostr.domains.records.undo.repository import MOST_CONFLICTS, Undo
from fostr.domains.records.undo.running import finish, run_batch
from fostr.domains.records.undo.schemas import RecordsChange, UndoConflict, UndoReport
from fostr.kernel.http.errors import Conflict, NotFound
from fostr.kernel.ids import new_id
from fostr.kernel.jobs.dispatch import dispatch

if TYPE_CHECKING:
    from uuid import UUID

    from fostr.domains.records.recordsets.reach import Reached
    from fostr.domains.records.undo.schemas import State, UndoRequest
    from fostr.kernel.http.context import Context

JOB: Final = "records.undo"
MOST_AT_ONCE: Final = 1_000
"""Records that are changed back within a request; more are by a job."""
MOST_TRIED: Final = 10_000
"""Records that a dry run looks at."""


class ChangeNotFound(NotFound):
    """There is no such change, or none that can be undone, or the caller may not know of it."""

    code = "change_not_found"
    detail = "There is no such change."


class ChangeUndone(Conflict):
    """The change has been undone."""

    code = "change_undone"
    detail = "The change has been undone already."


class ChangeForgotten(Conflict):
    """What belongs to the change is not kept any more."""

    code = "change_forgotten"
    detail = "It is not known any more what belongs to this change."


async def get_operation(context: Context, change_id: UUID) -> Operation:
    """Return something that was done to records in a recordset that the caller may see.

    Raises:
        ChangeNotFound: there is no such thing.
        ActionForbidden: somebody else did it, and the caller does not administer the recordset.
    """
    row = await repository.find_event(context.unit, change_id, types=sorted(UNDOABLE))
    if row is None:
        raise ChangeNotFound
    operation = read_operation(row)
    try:
        reached = await reach_recordset(context, operation.recordset_id, "view_records")
    except (RecordsetNotFound, ActionForbidden):
        raise ChangeNotFound from None
    if operation.member_id != context.member_id:
        check_action(reached, "administer")
    others = await repository.list_brought_along(context.unit, change_id, types=sorted(BROUGHT_ALONG))
    return replace(operation, brought_along=tuple(others))


async def list_operations(
    reached: Reached, *, mine: bool, before: UUID | None, limit: int
) -> tuple[list[tuple[Operation, Undo | None]], UUID | None]:
    """Return what was done in a recordset, the newest first, and where to go on.

    Raises:
        ActionForbidden: what others did is asked for, and the caller does not administer the recordset.
    """
    if not mine:
        check_action(reached, "administer")
    rows, goes_on = await repository.list_events(
        reached.unit,
        reached.recordset.id,
        types=sorted(UNDOABLE),
        member_id=reached.context.member_id if mine else None,
        before=before,
        limit=limit,
    )
    operations = [read_operation(row) for row in rows]
    undos = await repository.list_undos(reached.unit, [operation.operation_id for operation in operations])
    return [(operation, undos.get(operation.operation_id)) for operation in operations], goes_on


def state_of(undo: Undo | None) -> State:
    """Return how much of something is undone."""
    if undo is None:
        return "done"
    if undo.finished_at is None:
        return "undoing"
    if not undo.refused:
        return "undone"
    return "partly_undone" if undo.undone else "done"


async def undo_change(context: Context, change_id: UUID, *, data: UndoRequest) -> UndoReport:
    """Take back what somebody did, field by field, or dispatch the job that does.

    Raises:
        ChangeNotFound: there is no such change.
        ActionForbidden: somebody else did it, and the caller does not administer the recordset.
        ChangeUndone: it is undone already.
        ChangeForgotten: it was an import, and it is not known any more which records it created.
        TypeChangedSince: it gave a field another type, and the field has yet another.
        FieldUnknown, FieldReadOnly, FieldTypeFixed, FieldOptionsInvalid, RetypingUnderWay, SettingsInvalid:
        it gave a field another type, which cannot go back.
    """
    operation = await get_operation(context, change_id)
    if operation.is_import and not await repository.has_import(context.unit, operation.operation_id):
        raise ChangeForgotten
    if operation.type == retyping.RETYPED:
        return await _undo_type_change(context, operation, data)
    if data.dry_run:
        return await _try(context, operation, is_forced=data.force)
    undo = await _claim(context, operation, is_forced=data.force)
    if undo.job_id is not None:
        return report(operation, undo, dry_run=False)
    await move_back(context.unit, operation.operation_id, new_cause=undo.undo_id)
    if operation.count > MOST_AT_ONCE:
        return report(operation, await _dispatch(context, operation, undo), dry_run=False)
    is_over = False
    while not is_over:
        undo, is_over = await run_batch(context, operation, undo)
    undo = await finish(context, operation, undo)
    return report(operation, undo, dry_run=False)


async def _check_not_undone(context: Context, operation: Operation) -> None:
    kept = await repository.list_undos(context.unit, [operation.operation_id])
    if state_of(kept.get(operation.operation_id)) == "undone":
        raise ChangeUndone


async def _undo_type_change(context: Context, operation: Operation, data: UndoRequest) -> UndoReport:
    await _check_not_undone(context, operation)
    reached, field, wanted = await retyping.reach_field(context, operation)
    staged, conflicts = await retyping.stage_old_values(reached, wanted, operation)
    told = conflicts[:MOST_CONFLICTS]
    undo = replace(
        _fresh(context, operation, is_forced=data.force), undone=staged, refused=len(conflicts), conflicts=told
    )
    if data.dry_run or (conflicts and not data.force):
        await retyping.forget(reached, field)
        undo = replace(undo, undone=staged if data.dry_run else 0)
        return report(operation, undo, dry_run=data.dry_run)
    claimed = await _claim(context, operation, is_forced=data.force)
    event_id, job_id = await retyping.change_back(reached, wanted)
    # Whatever somebody had set since is overwritten by now, and nothing is left that could still be undone.
    undo = replace(
        claimed, undone=staged, skipped=0, refused=0, conflicts=told, event_id=event_id, finished_at=context.now
    )
    await repository.save_undo(context.unit, undo)
    return report(operation, replace(undo, job_id=job_id), dry_run=False)


async def get_report(context: Context, change_id: UUID) -> UndoReport:
    """Return how something was undone, or how far that is.

    Raises:
        ChangeNotFound: there is no such change.
        ActionForbidden: somebody else did it, and the caller does not administer the recordset.
    """
    operation = await get_operation(context, change_id)
    undos = await repository.list_undos(context.unit, [operation.operation_id])
    return report(operation, undos.get(operation.operation_id), dry_run=False)


async def _claim(context: Context, operation: Operation, *, is_forced: bool) -> Undo:
    undo_id = new_id()
    claimed = await repository.claim_undo(
        context.unit,
        operation.operation_id,
        undo_id=undo_id,
        member_id=context.member_id,
        is_forced=is_forced,
        now=context.now,
    )
    undos = await repository.list_undos(context.unit, [operation.operation_id])
    undo = undos[operation.operation_id]
    if not claimed and undo.finished_at is not None:
        raise ChangeUndone
    # A job that died is dispatched anew, and goes on where it was; one that runs is not.
    return undo if claimed else await _dispatch(context, operation, undo)


async def _dispatch(context: Context, operation: Operation, undo: Undo) -> Undo:
    job_id = await dispatch(
        context.unit,
        JOB,
        {"change_id": str(operation.id), "undo_id": str(undo.undo_id)},
        workspace=context.workspace_id,
        workflow_id=f"{JOB}:{undo.undo_id}",
        created_by=undo.undone_by,
        acting_as=context.principal.acting_as,
    )
    undo = replace(undo, job_id=job_id)
    await repository.save_undo(context.unit, undo)
    return undo


async def _try(context: Context, operation: Operation, *, is_forced: bool) -> UndoReport:
    """Say what an undo would do, of the first records of many."""
    undo = _fresh(context, operation, is_forced=is_forced)
    await _check_not_undone(context, operation)
    is_over = False
    while not is_over and undo.undone + undo.skipped + undo.refused < MOST_TRIED:
        undo, is_over = await run_batch(context, operation, undo, dry_run=True)
    return report(operation, undo, dry_run=True)


def _fresh(context: Context, operation: Operation, *, is_forced: bool) -> Undo:
    return Undo(
        operation_id=operation.operation_id,
        undo_id=new_id(),
        undone_by=context.member_id,
        is_forced=is_forced,
        stage=0,
        last_id=None,
        place=0,
        undone=0,
        skipped=0,
        refused=0,
        conflicts=[],
        touched={},
        job_id=None,
        event_id=None,
        started_at=context.now,
        finished_at=None,
    )


def report(operation: Operation, undo: Undo | None, *, dry_run: bool) -> UndoReport:
    """Return what is told of an undo."""
    return UndoReport(
        change_id=operation.id,
        dry_run=dry_run,
        state="done" if dry_run else state_of(undo),
        count=operation.count,
        undone=undo.undone if undo else 0,
        skipped=undo.skipped if undo else 0,
        refused=undo.refused if undo else 0,
        conflicts=[UndoConflict.model_validate(entry) for entry in undo.conflicts] if undo else [],
        undo_id=undo.event_id if undo else None,
        job_id=undo.job_id if undo else None,
    )


def show_change(operation: Operation, undo: Undo | None) -> RecordsChange:
    """Return what was done as one thing, as the API shows it."""
    cause = operation.cause
    author = None
    if operation.member_id is not None:
        author = ChangeAuthor(id=operation.member_id, full_name=operation.full_name or "", avatar_url=None)
    return RecordsChange(
        id=operation.id,
        type=operation.type,
        recordset_id=operation.recordset_id,
        record_id=operation.record_id,
        count=operation.count,
        made_by=author,
        made_at=operation.made_at,
        cause=ChangeCause(kind=cause["kind"], id=cause.get("id")) if "kind" in cause else None,
        state=state_of(undo),
        undone_at=None if undo is None else undo.finished_at,
    )
