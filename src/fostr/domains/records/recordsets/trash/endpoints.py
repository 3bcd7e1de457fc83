"""Operations on the trash of recordsets."""

from typing import Annotated

from fastapi import Query

from fostr.domains.records.modules import RECORDS
from fostr.domains.records.recordsets import service as recordsets
from fostr.domains.records.recordsets.reach import ActionForbidden, Reached, RecordsetNotFound, recordset_in_path
from fostr.domains.records.recordsets.schemas import Recordset
from fostr.domains.records.recordsets.trash import service
from fostr.domains.records.recordsets.trash.schemas import Retention, TrashedRecordset
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.paging import NumberedSlice, Page
from fostr.kernel.http.routing import Router

router = Router(prefix="/recordsets/trash", tags=["Recordsets"], module=RECORDS)

TrashViewer = Annotated[Context, in_workspace("can_view_trash")]
Restorable = Annotated[Reached, recordset_in_path("restore", trashed=True)]
Purgeable = Annotated[Reached, recordset_in_path("purge", trashed=True)]


@router.get("")
async def list(  # noqa: A001 - endpoints are bare verbs
    context: TrashViewer,
    part: NumberedSlice,
    search: Annotated[str | None, Query(max_length=200, description="Part of a name, a slug or a description.")] = None,
) -> Page[TrashedRecordset]:
    """List the recordsets in the trash, what came last first.

    Each says when it is going to be deleted for good.
    """
    return await service.list_trash(context, part=part, search=search)


@router.get("/retention")
async def retention(context: TrashViewer) -> Retention:
    """Tell how long deleted records and recordsets can be restored.

    Administrators change it by the setting `trash_days` of the module `records`.
    """
    return await service.get_retention(context)


@router.post("/{recordset}/restore", responses=raises(RecordsetNotFound, ActionForbidden))
async def restore(target: Restorable) -> Recordset:
    """Take a recordset out of the trash.

    Its records and everything that was granted on it are as they were.
    """
    return await recordsets.show_recordset(await service.restore_recordset(target))


@router.delete("/{recordset}", status_code=204, responses=raises(RecordsetNotFound, ActionForbidden))
async def delete(target: Purgeable) -> None:
    """Delete a trashed recordset for good, with all its records.

    This cannot be undone. Needs `can_purge_recordset`.
    """
    await service.purge_recordset(target)
