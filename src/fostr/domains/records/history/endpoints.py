"""Operations on the history of a record."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Response

from fostr.domains.records.fields.shaping import FieldValuesInvalid
from fostr.domains.records.history import service
from fostr.domains.records.history.schemas import HistoryEntry
from fostr.domains.records.history.service import HistoryEntryNotFound
from fostr.domains.records.modules import RECORDS
from fostr.domains.records.records.reach import ReachedRecord, RecordNotFound, reach_record, record_in_path
from fostr.domains.records.records.schemas import Record
from fostr.domains.records.records.service import FieldsChanging
from fostr.domains.records.records.showing import answer_record
from fostr.domains.records.recordsets.reach import ActionForbidden
from fostr.kernel.http.concurrency import ExpectedVersion, IfMatchInvalid
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import StaleUpdate, raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.paging import NumberedSlice, Page
from fostr.kernel.http.routing import Router

router = Router(prefix="/records/{record_id}/history", tags=["Records"], module=RECORDS)


async def _wherever_it_is(
    context: Annotated[Context, in_workspace(None)],
    record_id: Annotated[UUID, Path(description="The record; it may lie in the trash.")],
) -> ReachedRecord:
    try:
        return await reach_record(context, record_id, "view_records")
    except RecordNotFound:
        return await reach_record(context, record_id, "delete", trashed=True)


Viewed = Annotated[ReachedRecord, Depends(_wherever_it_is)]
Edited = Annotated[ReachedRecord, record_in_path("edit")]


@router.get("", response_model_exclude_unset=True, responses=raises(RecordNotFound, ActionForbidden))
async def list(target: Viewed, part: NumberedSlice) -> Page[HistoryEntry]:  # noqa: A001 - endpoints are bare verbs
    """List the versions of a record.

    The newest comes first, the creation last; each tells what changed, by whom and why: the request, import, undo or
    merge. Values of fields that are hidden from the caller are left out. Nothing is ever pruned: the history lasts as
    long as the record, also in the trash, where those see it who may delete the record.
    """
    return await service.list_history(target, part=part)


@router.post(
    "/{history_id}/restore",
    response_model=Record,
    responses=raises(
        RecordNotFound,
        ActionForbidden,
        HistoryEntryNotFound,
        StaleUpdate,
        IfMatchInvalid,
        FieldValuesInvalid,
        FieldsChanging,
    ),
)
async def restore(target: Edited, history_id: UUID, expected_version: ExpectedVersion) -> Response:
    """Go back to a version of a record.

    Gives it the values again that it had after that change, as a new version. Fields that the caller may not change
    stay as they are. Needs the right to change the record.
    """
    reached, record = await service.restore_version(target, history_id, expected_version=expected_version)
    return await answer_record(reached, record)
