"""Operations on the saved views of a recordset."""

from typing import Annotated
from uuid import UUID

from fostr.domains.records.modules import RECORDS
from fostr.domains.records.query.refusals import FilterInvalid
from fostr.domains.records.recordsets.reach import ActionForbidden, Reached, RecordsetNotFound, recordset_in_path
from fostr.domains.records.views import service
from fostr.domains.records.views.config import ViewConfigInvalid
from fostr.domains.records.views.schemas import View, ViewCreate, ViewDuplicate, ViewUpdate
from fostr.domains.records.views.service import (
    DefaultNotShared,
    TooManyViews,
    ViewLocked,
    ViewNotFound,
    ViewNotOwn,
    ViewPartHidden,
)
from fostr.kernel.http.concurrency import ExpectedVersion, IfMatchInvalid
from fostr.kernel.http.errors import StaleUpdate, raises
from fostr.kernel.http.paging import Page, Slice, limited
from fostr.kernel.http.routing import Router

router = Router(prefix="/recordsets/{recordset}/views", tags=["Recordsets"], module=RECORDS)

Viewed = Annotated[Reached, recordset_in_path("view")]
Keeper = Annotated[Reached, recordset_in_path("keep_views")]
Part = Annotated[Slice, limited(size=200, most=500)]

CONFIG_REFUSALS = (ViewConfigInvalid, FilterInvalid, DefaultNotShared, ActionForbidden)


@router.get("", responses=raises(RecordsetNotFound))
async def list(target: Viewed, part: Part) -> Page[View]:  # noqa: A001 - endpoints are bare verbs
    """List the views of a recordset.

    Those that are shared, and the caller's own, in their order. What of a view names a field that is gone, or hidden
    from the caller, is left out of it.
    """
    return await service.list_views(target, part=part)


@router.post("", status_code=201, responses=raises(RecordsetNotFound, TooManyViews, *CONFIG_REFUSALS))
async def create(target: Keeper, data: ViewCreate) -> View:
    """Save a view.

    Whoever sees a recordset may keep views for themselves. Shared ones need `can_edit` on the recordset, and the
    default one `can_admin`.
    """
    return await service.create_view(target, data=data)


@router.get("/{view_id}", responses=raises(RecordsetNotFound, ViewNotFound))
async def get(target: Viewed, view_id: UUID) -> View:
    """Show a view.

    Its records are listed by `GET /records` with `view_id`.
    """
    return await service.get_view(target, view_id)


@router.patch(
    "/{view_id}",
    responses=raises(
        RecordsetNotFound,
        ViewNotFound,
        ViewLocked,
        ViewNotOwn,
        ViewPartHidden,
        StaleUpdate,
        IfMatchInvalid,
        *CONFIG_REFUSALS,
    ),
)
async def update(target: Keeper, view_id: UUID, data: ViewUpdate, expected_version: ExpectedVersion) -> View:
    """Change a view.

    Shared views need `can_edit` on the recordset. A locked one is changed by whoever locked it, and by those who have
    `can_admin`; so is what a view shows while a link shares it with the world. With `If-Match` or `expected_version`,
    a view that was changed in the meantime is left as it is.
    """
    return await service.update_view(target, view_id, data=data, expected_version=expected_version)


@router.delete(
    "/{view_id}", status_code=204, responses=raises(RecordsetNotFound, ActionForbidden, ViewNotFound, ViewLocked)
)
async def delete(target: Keeper, view_id: UUID) -> None:
    """Delete a view.

    The links that share it end. Records are not touched.
    """
    await service.delete_view(target, view_id)


@router.post(
    "/{view_id}/duplicate",
    status_code=201,
    responses=raises(RecordsetNotFound, ActionForbidden, ViewNotFound, ViewConfigInvalid, TooManyViews),
)
async def duplicate(target: Keeper, view_id: UUID, data: ViewDuplicate) -> View:
    """Save a copy of a view that belongs to the caller.

    It holds as much as the caller may see of the other one, is not locked, and not the default.
    """
    return await service.duplicate_view(target, view_id, data=data)
