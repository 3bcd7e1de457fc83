"""Operations that bring the records of a recordset in step with it."""

from typing import Annotated

from fostr.domains.records.modules import RECORDS
from fostr.domains.records.recordsets import service as recordsets
from fostr.domains.records.recordsets.definition import SettingsInvalid
from fostr.domains.records.recordsets.reach import ActionForbidden, Reached, RecordsetNotFound, recordset_in_path
from fostr.domains.records.recordsets.resync import service
from fostr.domains.records.recordsets.schemas import MapEnabled, MapSettings, ResyncStarted
from fostr.kernel.http.errors import raises
from fostr.kernel.http.routing import Router

router = Router(prefix="/recordsets/{recordset}", tags=["Recordsets"], module=RECORDS)

Administered = Annotated[Reached, recordset_in_path("administer")]


@router.post("/resync-promoted", responses=raises(RecordsetNotFound, ActionForbidden))
async def start(target: Administered) -> ResyncStarted:
    """Bring all records in step with the fields and settings.

    Writes titles, places, promoted columns and search words anew where they differ, and counts the records, by a
    job. Changes of a recordset do so by themselves; this is for when somebody doubts it. Needs `can_admin` on the
    recordset.
    """
    job_id = await service.dispatch_resync(target.context, target.recordset)
    return ResyncStarted(recordset_id=target.recordset.id, job_id=job_id)


@router.post("/enable-map", responses=raises(RecordsetNotFound, ActionForbidden, SettingsInvalid))
async def enable_map(target: Administered, places: MapSettings) -> MapEnabled:
    """Show a recordset on a map.

    Says which fields hold the place of a record, and places all records by a job. Needs `can_admin` on the recordset.
    """
    updated, job_id = await recordsets.enable_map(target, places=places)
    return MapEnabled(recordset=await recordsets.show_recordset(updated), job_id=job_id)
