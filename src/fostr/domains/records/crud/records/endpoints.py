"""Operations on records as whole objects."""

from typing import Annotated

from fastapi import Response

from fostr.domains.records.crud.records import service
from fostr.domains.records.crud.records.schemas import PlainListQuery, RecordReplace
from fostr.domains.records.links.departing import CascadeTooLarge, RecordLinked
from fostr.domains.records.modules import RECORDS
from fostr.domains.records.records import lists
from fostr.domains.records.records import service as records
from fostr.domains.records.records.endpoints import WRITING_REFUSALS
from fostr.domains.records.records.reach import ReachedRecord, RecordNotFound, record_in_path
from fostr.domains.records.records.schemas import Record, RecordCreate, RecordPage, RecordUpdate
from fostr.domains.records.records.showing import answer_record
from fostr.domains.records.recordsets.reach import ActionForbidden, RecordsetNotFound
from fostr.kernel.http.concurrency import ExpectedVersion, IfMatchInvalid
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import StaleUpdate, raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.queries import query_as
from fostr.kernel.http.routing import Router

router = Router(prefix="/crud/records", tags=["CRUD - Records"], module=RECORDS)

Member = Annotated[Context, in_workspace(None)]
Viewed = Annotated[ReachedRecord, record_in_path("view_records")]
Edited = Annotated[ReachedRecord, record_in_path("edit")]
Deleted = Annotated[ReachedRecord, record_in_path("delete")]
ListQuery = Annotated[PlainListQuery, query_as(PlainListQuery)]

UPDATING_REFUSALS = (RecordNotFound, ActionForbidden, StaleUpdate, IfMatchInvalid, *WRITING_REFUSALS)


@router.get("", response_model=RecordPage, responses=raises(RecordsetNotFound, ActionForbidden))
async def list(context: Member, query: ListQuery) -> Response:  # noqa: A001 - endpoints are bare verbs
    """List records, in the order in which they were made.

    Those of one recordset, or of all that the caller may see. `GET /records` also filters by fields and sorts.
    """
    wanted = lists.Wanted(query.part)
    body = await lists.list_records(context, recordset_id=query.recordset_id, query=query.selection, wanted=wanted)
    return Response(body, media_type="application/json")


@router.get("/{record_id}", response_model=Record, responses=raises(RecordNotFound, ActionForbidden))
async def get(target: Viewed) -> Response:
    """Get a record.

    `ETag` holds its version, for `If-Match`.
    """
    return await answer_record(target.reached, target.record)


@router.post(
    "", status_code=201, response_model=Record, responses=raises(RecordsetNotFound, ActionForbidden, *WRITING_REFUSALS)
)
async def create(context: Member, data: RecordCreate) -> Response:
    """Create a record.

    Needs `can_create` on the recordset.
    """
    reached, record = await records.create_record(context, data=data)
    return await answer_record(reached, record, status=201)


@router.put("/{record_id}", response_model=Record, responses=raises(*UPDATING_REFUSALS))
async def replace(target: Edited, data: RecordReplace, expected_version: ExpectedVersion) -> Response:
    """Replace a record's content.

    What is left out is cleared, except for fields that the caller may not see or not change. Makes a new version,
    unless nothing changes. Needs `can_edit` on the recordset, or `can_edit_own` for one's own records.
    """
    reached, record = await service.replace_record(target, data=data, expected_version=expected_version)
    return await answer_record(reached, record)


@router.patch("/{record_id}", response_model=Record, responses=raises(*UPDATING_REFUSALS))
async def update(target: Edited, data: RecordUpdate, expected_version: ExpectedVersion) -> Response:
    """Change some of a record's content.

    What is left out stays. Needs `can_edit` on the recordset, or `can_edit_own` for one's own records.
    """
    reached, record = await records.update_record(target, data=data, expected_version=expected_version)
    return await answer_record(reached, record)


@router.delete(
    "/{record_id}",
    status_code=204,
    responses=raises(RecordNotFound, ActionForbidden, StaleUpdate, IfMatchInvalid, RecordLinked, CascadeTooLarge),
)
async def delete(target: Deleted, expected_version: ExpectedVersion) -> None:
    """Move a record to the trash.

    It can be restored from there. Needs `can_delete` on the recordset, or `can_delete_own` for one's own records.
    """
    await records.delete_record(target, expected_version=expected_version)
