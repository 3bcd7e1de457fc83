"""Operations on records."""

from typing import Annotated

from fastapi import Query, Response

from fostr.domains.records.fields.shaping import FieldReadOnly, FieldValuesInvalid
from fostr.domains.records.links.departing import CascadeTooLarge, RecordLinked
from fostr.domains.records.modules import RECORDS
from fostr.domains.records.query.cursors import CursorInvalid
from fostr.domains.records.query.filters import FilterInvalid
from fostr.domains.records.query.moments import TimeZoneUnknown
from fostr.domains.records.query.sorting import SortInvalid
from fostr.domains.records.records import lists, service
from fostr.domains.records.records.queries import RecordListQuery
from fostr.domains.records.records.reach import ReachedRecord, RecordNotFound, record_in_path
from fostr.domains.records.records.schemas import (
    Record,
    RecordCreate,
    RecordPage,
    RecordUpdate,
)
from fostr.domains.records.records.service import FieldsChanging, OwnerUnknown, StatusReserved
from fostr.domains.records.records.showing import FieldsInvalid, answer_record, parse_fields_wanted
from fostr.domains.records.recordsets.reach import ActionForbidden, RecordsetNotFound
from fostr.domains.records.views.service import ViewNotFound
from fostr.kernel.http.concurrency import ExpectedVersion, IfMatchInvalid
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import StaleUpdate, raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.queries import query_as
from fostr.kernel.http.routing import Router

router = Router(prefix="/records", tags=["Records"], module=RECORDS)

Member = Annotated[Context, in_workspace(None)]
Viewed = Annotated[ReachedRecord, record_in_path("view_records")]
Edited = Annotated[ReachedRecord, record_in_path("edit")]
Deleted = Annotated[ReachedRecord, record_in_path("delete")]
Trashed = Annotated[ReachedRecord, record_in_path("delete", trashed=True)]
ListQuery = Annotated[RecordListQuery, query_as(RecordListQuery)]
Fields = Annotated[
    str | None, Query(max_length=10_000, description="Only these values: keys of fields, separated by commas.")
]

WRITING_REFUSALS = (FieldValuesInvalid, FieldReadOnly, StatusReserved, OwnerUnknown, FieldsChanging)


@router.get(
    "",
    response_model=RecordPage,
    responses=raises(
        RecordsetNotFound,
        ActionForbidden,
        ViewNotFound,
        FilterInvalid,
        TimeZoneUnknown,
        SortInvalid,
        FieldsInvalid,
        CursorInvalid,
    ),
)
async def list(context: Member, query: ListQuery) -> Response:  # noqa: A001 - endpoints are bare verbs
    """List records.

    Those of one recordset, or of all that the caller may see; filters on fields, sorts by them and `fields` need a
    `recordset_id`. `next_cursor` leads on from the last record of a page, whatever is created or deleted in between,
    at the same cost however far; a page number skips. A total that would take long to count is given as a lower
    bound, unless `count=exact`. The trash is for those who may delete; who may only delete their own records sees only
    those.
    """
    body = await lists.list_records(
        context, recordset_id=query.recordset_id, query=query.selection, wanted=query.wanted
    )
    return Response(body, media_type="application/json")


@router.get("/{record_id}", response_model=Record, responses=raises(RecordNotFound, ActionForbidden, FieldsInvalid))
async def get(target: Viewed, fields: Fields = None) -> Response:
    """Get a record.

    `ETag` holds its version, for `If-Match`.
    """
    wanted = parse_fields_wanted(fields, recordset=target.reached.recordset, mask=target.reached.mask)
    return await answer_record(target.reached, target.record, fields=wanted)


@router.post(
    "",
    status_code=201,
    response_model=Record,
    responses=raises(RecordsetNotFound, ActionForbidden, *WRITING_REFUSALS),
)
async def create(context: Member, data: RecordCreate) -> Response:
    """Create a record.

    Needs `can_create` on the recordset. Every value that does not fit its field is named in the refusal.
    """
    reached, record = await service.create_record(context, data=data)
    return await answer_record(reached, record, status=201)


@router.patch(
    "/{record_id}",
    response_model=Record,
    responses=raises(RecordNotFound, ActionForbidden, StaleUpdate, IfMatchInvalid, *WRITING_REFUSALS),
)
async def update(target: Edited, data: RecordUpdate, expected_version: ExpectedVersion) -> Response:
    """Change a record.

    Values that are sent replace those of their fields, null clears; all others stay. Makes a new version, unless
    nothing changes. With `If-Match` or `expected_version`, a record that somebody changed in the meantime is left as
    it is, and the refusal names both versions and the fields that they changed; without, the last writer of a field
    wins. Needs `can_edit` on the recordset, or `can_edit_own` for one's own records.
    """
    reached, record = await service.update_record(target, data=data, expected_version=expected_version)
    return await answer_record(reached, record)


@router.delete(
    "/{record_id}",
    status_code=204,
    responses=raises(RecordNotFound, ActionForbidden, StaleUpdate, IfMatchInvalid, RecordLinked, CascadeTooLarge),
)
async def delete(target: Deleted, expected_version: ExpectedVersion) -> None:
    """Move a record to the trash.

    It keeps its values and history, is listed with `status=deleted`, and can be restored. Needs `can_delete` on the
    recordset, or `can_delete_own` for one's own records. Fields of other records that name it say what becomes of
    those: the deletion is refused, they lose the name, or they go to the trash as well.
    """
    await service.delete_record(target, expected_version=expected_version)


@router.post("/{record_id}/restore", response_model=Record, responses=raises(RecordNotFound, ActionForbidden))
async def restore(target: Trashed) -> Response:
    """Take a record out of the trash.

    It gets back the status that it had. Whoever may delete a record may restore it.
    """
    reached, record = await service.restore_record(target)
    return await answer_record(reached, record)
