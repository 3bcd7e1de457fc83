"""Operations on many records at once."""

from typing import Annotated

from fostr.domains.records.bulk import creating, deleting, updating, upserting
from fostr.domains.records.bulk.outcomes import RowsRefused
from fostr.domains.records.bulk.schemas import BulkCreate, BulkDelete, BulkDeleted, BulkUpdate, BulkWritten, Upsert
from fostr.domains.records.bulk.updating import SelectionTooLarge
from fostr.domains.records.bulk.upserting import MatchInvalid
from fostr.domains.records.links.departing import CascadeTooLarge, RecordLinked
from fostr.domains.records.modules import RECORDS
from fostr.domains.records.query.filters import FilterInvalid
from fostr.domains.records.records.service import FieldsChanging, StatusReserved
from fostr.domains.records.recordsets.reach import ActionForbidden, RecordsetNotFound
from fostr.domains.records.views.applying import ViewIncomplete
from fostr.domains.records.views.service import ViewNotFound
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.routing import Router

router = Router(prefix="/records", tags=["Records"], module=RECORDS)

Member = Annotated[Context, in_workspace(None)]

WRITING_REFUSALS = (RecordsetNotFound, ActionForbidden, FieldsChanging, RowsRefused)


@router.post("/bulk-create", responses=raises(*WRITING_REFUSALS))
async def create(context: Member, data: BulkCreate) -> BulkWritten:
    """Create many records.

    Each row is answered by itself. Needs `can_create` on the recordset. With `mode` `all`, one bad row means that none
    is written.
    """
    return await creating.create_records(context, data=data)


@router.post("/bulk-update", responses=raises(*WRITING_REFUSALS, FilterInvalid, StatusReserved, SelectionTooLarge))
async def update(context: Member, data: BulkUpdate) -> BulkWritten:
    """Change many records.

    With `records`, each row is checked and answered by itself: `can_edit` on the recordset, or `can_edit_own` for
    one's own; with an `expected_version`, a record that somebody changed in the meantime is left as it is. With `all`,
    everything that the filters select gets the same values, which needs `can_edit`; `dry_run` only counts.
    """
    return await updating.update_records(context, data=data)


@router.post("/upsert", responses=raises(*WRITING_REFUSALS, MatchInvalid))
async def upsert(context: Member, data: Upsert) -> BulkWritten:
    """Create records, or change those that are there.

    `match_on` names the fields by whose values a record is recognised among those that the caller may see and that are
    not in the trash. A row whose values several records have, or several rows, is a conflict and changes nothing.
    Requests that run at the same time never create two records with the same values.
    """
    return await upserting.upsert_records(context, data=data)


@router.post(
    "/bulk-delete",
    responses=raises(
        RecordsetNotFound,
        ActionForbidden,
        FilterInvalid,
        StatusReserved,
        RecordLinked,
        CascadeTooLarge,
        ViewNotFound,
        ViewIncomplete,
    ),
)
async def delete(context: Member, data: BulkDelete) -> BulkDeleted:
    """Move many records to the trash.

    With `record_ids`, each is checked by itself and answered by itself: `can_delete` on its recordset, or
    `can_delete_own` for one's own. With `all`, everything that the filters select goes, which needs `can_delete`.
    `dry_run` only counts.
    """
    return await deleting.delete_records(context, data=data)
