"""Operations on recordsets as whole objects."""

from typing import Annotated

from fastapi import Query

from fostr.domains.records.crud.recordsets import service
from fostr.domains.records.crud.recordsets.schemas import CountsSynced, RecordsetReplace
from fostr.domains.records.fields.shaping import FieldReadOnly
from fostr.domains.records.modules import RECORDS
from fostr.domains.records.recordsets import service as recordsets
from fostr.domains.records.recordsets.definition import FieldTypeFixed, FieldUnknown, ResyncUnderWay
from fostr.domains.records.recordsets.endpoints import DEFINITION_REFUSALS
from fostr.domains.records.recordsets.reach import ActionForbidden, Reached, RecordsetNotFound, recordset_in_path
from fostr.domains.records.recordsets.schemas import (
    Recordset,
    RecordsetCreate,
    RecordsetSummary,
    RecordsetUpdate,
    Word,
)
from fostr.domains.records.recordsets.service import SlugReserved, SlugTaken
from fostr.domains.records.recordsets.trash import service as trash
from fostr.kernel.http.concurrency import ExpectedVersion, IfMatchInvalid
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import StaleUpdate, raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.paging import NumberedSlice, Page
from fostr.kernel.http.routing import Router

router = Router(prefix="/crud/recordsets", tags=["CRUD - Recordsets"], module=RECORDS)

Viewer = Annotated[Context, in_workspace("can_view_recordset")]
Creator = Annotated[Context, in_workspace("can_create_recordset")]
Counter = Annotated[Context, in_workspace("can_sync_record_counts")]
Viewed = Annotated[Reached, recordset_in_path("view")]
Administered = Annotated[Reached, recordset_in_path("administer")]
Deletable = Annotated[Reached, recordset_in_path("delete_recordset")]

UPDATING_REFUSALS = (
    RecordsetNotFound,
    ActionForbidden,
    FieldReadOnly,
    FieldUnknown,
    FieldTypeFixed,
    *DEFINITION_REFUSALS,
    StaleUpdate,
    ResyncUnderWay,
    IfMatchInvalid,
)


@router.get("")
async def list(  # noqa: A001 - endpoints are bare verbs
    context: Viewer,
    part: NumberedSlice,
    search: Annotated[str | None, Query(max_length=200, description="Part of a name, a slug or a description.")] = None,
    type: Annotated[Word | None, Query(description="The type that recordsets were given.")] = None,
    is_active: Annotated[bool | None, Query(description="Whether they are in use.")] = None,
) -> Page[RecordsetSummary]:
    """List the recordsets that the caller may see, by name, each with the number of its records."""
    return await recordsets.list_recordsets(context, part=part, search=search, type=type, is_active=is_active)


@router.get("/{recordset}", responses=raises(RecordsetNotFound))
async def get(target: Viewed) -> Recordset:
    """Get a recordset with its fields and the number of its records."""
    return await recordsets.show_recordset(target)


@router.post("", status_code=201, responses=raises(*DEFINITION_REFUSALS, SlugTaken, SlugReserved))
async def create(context: Creator, data: RecordsetCreate) -> Recordset:
    """Make a recordset, which belongs to the caller."""
    return await recordsets.show_recordset(await recordsets.create_recordset(context, data=data))


@router.post("/sync-counts")
async def sync_counts(context: Counter) -> CountsSynced:
    """Count the records of all recordsets anew.

    Numbers are kept exact by every write; this is for who has changed the database by hand.
    """
    return await service.sync_counts(context)


@router.put("/{recordset}", responses=raises(*UPDATING_REFUSALS))
async def replace(target: Administered, data: RecordsetReplace, expected_version: ExpectedVersion) -> Recordset:
    """Replace a recordset's definition.

    Fields that are left out are removed with all their values; records, grants and the slug stay. Needs `can_admin`
    on the recordset.
    """
    replaced = await service.replace_recordset(target, data=data, expected_version=expected_version)
    return await recordsets.show_recordset(replaced)


@router.patch("/{recordset}", responses=raises(*UPDATING_REFUSALS))
async def update(target: Administered, data: RecordsetUpdate, expected_version: ExpectedVersion) -> Recordset:
    """Change a recordset; what is left out stays.

    Needs `can_admin` on the recordset.
    """
    updated = await recordsets.update_recordset(target, data=data, expected_version=expected_version)
    return await recordsets.show_recordset(updated)


@router.delete("/{recordset}", status_code=204, responses=raises(RecordsetNotFound, ActionForbidden))
async def delete(target: Deletable) -> None:
    """Move a recordset to the trash, with all its records.

    It can be restored from there, until it is deleted for good. Needs `can_admin` on the recordset.
    """
    await trash.move_to_trash(target)
