"""Operations on recordsets."""

from typing import Annotated

from fastapi import Query

from fostr.domains.records.fields.promotion import PromotionUnavailable
from fostr.domains.records.fields.shaping import FieldReadOnly
from fostr.domains.records.modules import RECORDS
from fostr.domains.records.recordsets import service
from fostr.domains.records.recordsets.definition import (
    DuplicateFieldKey,
    FieldOptionsInvalid,
    FieldTypeFixed,
    FieldUnknown,
    MapSettingsRequired,
    ResyncUnderWay,
    RetypingUnderWay,
    SettingsInvalid,
    TooManyFields,
)
from fostr.domains.records.recordsets.reach import ActionForbidden, Reached, RecordsetNotFound, recordset_in_path
from fostr.domains.records.recordsets.retyping.service import TypeChangeLosesValues
from fostr.domains.records.recordsets.schemas import (
    PermissionReport,
    Recordset,
    RecordsetCreate,
    RecordsetSummary,
    RecordsetUpdate,
    Word,
)
from fostr.domains.records.recordsets.service import RoleInvalid, SlugReserved, SlugTaken
from fostr.domains.records.recordsets.trash import service as trash
from fostr.domains.records.rules.fitting import FieldUsedByRule
from fostr.kernel.http.concurrency import ExpectedVersion, IfMatchInvalid
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import StaleUpdate, raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.paging import NumberedSlice, Page
from fostr.kernel.http.routing import Router

router = Router(prefix="/recordsets", tags=["Recordsets"], module=RECORDS)

Viewer = Annotated[Context, in_workspace("can_view_recordset")]
Creator = Annotated[Context, in_workspace("can_create_recordset")]
Known = Annotated[Reached, recordset_in_path(None)]
Viewed = Annotated[Reached, recordset_in_path("view")]
Administered = Annotated[Reached, recordset_in_path("administer")]
Deletable = Annotated[Reached, recordset_in_path("delete_recordset")]

DEFINITION_REFUSALS = (
    TooManyFields,
    DuplicateFieldKey,
    FieldOptionsInvalid,
    PromotionUnavailable,
    SettingsInvalid,
    MapSettingsRequired,
    RoleInvalid,
)


@router.get("")
async def list(  # noqa: A001 - endpoints are bare verbs
    context: Viewer,
    part: NumberedSlice,
    search: Annotated[str | None, Query(max_length=200, description="Part of a name, a slug or a description.")] = None,
    type: Annotated[Word | None, Query(description="The type that recordsets were given.")] = None,
    is_active: Annotated[bool | None, Query(description="Whether they are in use.")] = None,
) -> Page[RecordsetSummary]:
    """List the recordsets that the caller may see, by name.

    Owners and administrators of the workspace see all; others what belongs to them, and what was granted to them or
    to a team of theirs. Each comes with what the caller may do in it.
    """
    return await service.list_recordsets(context, part=part, search=search, type=type, is_active=is_active)


@router.post("", status_code=201, responses=raises(*DEFINITION_REFUSALS, SlugTaken, SlugReserved))
async def create(context: Creator, data: RecordsetCreate) -> Recordset:
    """Make a recordset, which belongs to the caller.

    Its slug is made from the name when none is said, with a number behind it when that is taken. Filters and sorts
    use an index on fields that are promoted: those for which it is asked, and one of each kind of value otherwise.
    """
    return await service.show_recordset(await service.create_recordset(context, data=data))


@router.get("/{recordset}", responses=raises(RecordsetNotFound))
async def get(target: Viewed) -> Recordset:
    """Show a recordset with its fields.

    Fields that are hidden from the caller are left out. `record_count` is kept in the transaction of every write, so
    it is exact; whom row rules keep some of the records from is not told it.
    """
    return await service.show_recordset(target)


@router.get("/{recordset}/permissions", responses=raises(RecordsetNotFound))
async def permissions(target: Known) -> PermissionReport:
    """Tell what the caller may do in a recordset, and why.

    Every member of the workspace may ask; who may not see the recordset is told that they may do nothing.
    """
    return service.report_permissions(target)


@router.patch(
    "/{recordset}",
    responses=raises(
        RecordsetNotFound,
        ActionForbidden,
        FieldReadOnly,
        FieldUnknown,
        FieldTypeFixed,
        FieldUsedByRule,
        *DEFINITION_REFUSALS,
        StaleUpdate,
        ResyncUnderWay,
        RetypingUnderWay,
        TypeChangeLosesValues,
        IfMatchInvalid,
    ),
)
async def update(target: Administered, data: RecordsetUpdate, expected_version: ExpectedVersion) -> Recordset:
    """Change a recordset, its fields and its settings.

    What is left out stays, and so does the slug. Records follow: up to 1,000 at once, more by a job, until which
    `is_in_step` is false. A field that gets another type has its values converted, the same way: while a job does it,
    `becomes` names the type, and the field keeps its old values, which nobody changes meanwhile. With `If-Match` or
    `expected_version`, a recordset that was changed in the meantime is left as it is. Needs `can_admin` on the
    recordset.
    """
    updated = await service.update_recordset(target, data=data, expected_version=expected_version)
    return await service.show_recordset(updated)


@router.delete("/{recordset}", status_code=204, responses=raises(RecordsetNotFound, ActionForbidden))
async def delete(target: Deletable) -> None:
    """Move a recordset to the trash, with all that is in it.

    From there it can be restored until it is deleted for good, after 30 days unless the operator says otherwise.
    Needs `can_admin` on the recordset.
    """
    await trash.move_to_trash(target)
