"""Operations on records that stand for the same thing."""

from typing import Annotated

from fostr.domains.records.bulk.upserting import MatchInvalid
from fostr.domains.records.fields.shaping import FieldReadOnly, FieldValuesInvalid
from fostr.domains.records.merging import service
from fostr.domains.records.merging.schemas import DuplicateGroup, DuplicatesQuery, Merged, MergeRequest
from fostr.domains.records.merging.service import MergeInvalid
from fostr.domains.records.modules import RECORDS
from fostr.domains.records.query.filters import FilterInvalid
from fostr.domains.records.records.reach import RecordNotFound
from fostr.domains.records.records.service import FieldsChanging
from fostr.domains.records.recordsets.reach import ActionForbidden, RecordsetNotFound
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.paging import Page, Slice
from fostr.kernel.http.routing import Router

router = Router(prefix="/records", tags=["Records"], module=RECORDS)

Member = Annotated[Context, in_workspace(None)]


@router.post("/duplicates", responses=raises(RecordsetNotFound, ActionForbidden, MatchInvalid, FilterInvalid))
async def duplicates(context: Member, data: DuplicatesQuery) -> Page[DuplicateGroup]:
    """Find records that stand for the same thing.

    Groups those that the caller may see and that have the same values in all fields of `match_on`; records without a
    value in one of them are left out. The largest groups come first.
    """
    part = Slice(limit=data.page_size, offset=(data.page - 1) * data.page_size)
    return await service.list_duplicates(context, data=data, part=part)


@router.post(
    "/merge",
    responses=raises(
        RecordsetNotFound,
        RecordNotFound,
        ActionForbidden,
        FieldValuesInvalid,
        FieldReadOnly,
        MergeInvalid,
        FieldsChanging,
    ),
)
async def merge(context: Member, data: MergeRequest) -> Merged:
    """Make one record of several.

    Comments, files, relationships and places in tools move to the record that stays; records that link to one of the
    others link to it instead; it gets their tags, the chosen values and, unless `fill_empty` is off, values that it
    lacks. The others go to the trash. Their histories tell into which record they went. Needs the right to edit the
    record that stays and to delete the others. Can be undone.
    """
    return await service.merge_records(context, data=data)
