"""Operations on what was done to records, and undoing it."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from fostr.domains.records.fields.shaping import FieldReadOnly, FieldValuesInvalid
from fostr.domains.records.links.departing import CascadeTooLarge, RecordLinked
from fostr.domains.records.modules import RECORDS
from fostr.domains.records.records.service import FieldsChanging
from fostr.domains.records.recordsets.definition import (
    FieldOptionsInvalid,
    FieldTypeFixed,
    FieldUnknown,
    RetypingUnderWay,
    SettingsInvalid,
)
from fostr.domains.records.recordsets.reach import ActionForbidden, Reached, RecordsetNotFound, recordset_in_query
from fostr.domains.records.rules.fitting import FieldUsedByRule
from fostr.domains.records.undo import service
from fostr.domains.records.undo.retyping import TypeChangedSince
from fostr.domains.records.undo.schemas import RecordsChangePage, UndoReport, UndoRequest
from fostr.domains.records.undo.service import ChangeForgotten, ChangeNotFound, ChangeUndone
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.routing import Router

router = Router(prefix="/records/changes", tags=["Records"], module=RECORDS)

Member = Annotated[Context, in_workspace(None)]
Viewed = Annotated[Reached, recordset_in_query("view_records")]
Mine = Annotated[bool, Query(description="Only what the caller did; what others did is for its administrators.")]
Before = Annotated[UUID | None, Query(description="Where the page before ended.")]
Limit = Annotated[int, Query(ge=1, le=100, description="Changes to return.")]


@router.get("", responses=raises(RecordsetNotFound, ActionForbidden))
async def list(target: Viewed, mine: Mine = True, before: Before = None, limit: Limit = 50) -> RecordsChangePage:  # noqa: A001, FBT002 - endpoints are bare verbs; a query parameter is named by whoever sends it
    """List what was done to the records of a recordset.

    The newest comes first. Each entry is what somebody did as one thing: a change of a record, a bulk write, an import,
    a merge, an undo. A page may have few entries, or none, and still tell where to go on. Changes are kept as long as
    the events and the history of the workspace.
    """
    listed, goes_on = await service.list_operations(target, mine=mine, before=before, limit=limit)
    return RecordsChangePage(
        items=[service.show_change(operation, undo) for operation, undo in listed], next_before=goes_on
    )


@router.get("/{change_id}", responses=raises(ChangeNotFound, ActionForbidden))
async def get(context: Member, change_id: UUID) -> UndoReport:
    """Get how far a change is undone."""
    return await service.get_report(context, change_id)


@router.post(
    "/{change_id}/undo",
    responses=raises(
        ChangeNotFound,
        ActionForbidden,
        ChangeUndone,
        ChangeForgotten,
        FieldsChanging,
        FieldValuesInvalid,
        RecordLinked,
        CascadeTooLarge,
        TypeChangedSince,
        FieldUnknown,
        FieldReadOnly,
        FieldTypeFixed,
        FieldOptionsInvalid,
        RetypingUnderWay,
        SettingsInvalid,
        FieldUsedByRule,
    ),
)
async def undo(context: Member, change_id: UUID, data: UndoRequest) -> UndoReport:
    """Undo a change.

    Takes back, field by field, what was done to each record; records that were created go to the trash. A field that
    somebody has changed since is left as it is and told, unless `force` overwrites it. Who made the change may undo it,
    with the rights that they have on each record now, and so may administrators of the recordset. A change of more than
    a thousand records is undone by a job. An undo is itself a change, and can be undone.

    A field that was given another type gets its old one back, with the values that its records had.
    """
    return await service.undo_change(context, change_id, data=data)
