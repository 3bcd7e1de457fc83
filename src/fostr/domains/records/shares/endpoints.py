"""Operations on the links that share a view with people outside of the workspace."""

from typing import Annotated
from uuid import UUID

from fostr.domains.records.modules import RECORDS
from fostr.domains.records.recordsets.reach import ActionForbidden, Reached, RecordsetNotFound, recordset_in_path
from fostr.domains.records.shares import service
from fostr.domains.records.shares.schemas import ShareLink, ShareLinkCreate, ShareLinkCreated, ShareLinkUpdate
from fostr.domains.records.shares.service import (
    ExpiryPassed,
    LinkFieldsInvalid,
    LinkNotFound,
    LinkRevoked,
    ViewNotShareable,
)
from fostr.domains.records.views.service import ViewNotFound
from fostr.kernel.http.concurrency import ExpectedVersion, IfMatchInvalid
from fostr.kernel.http.errors import StaleUpdate, raises
from fostr.kernel.http.paging import LimitedSlice, Page
from fostr.kernel.http.routing import Router

router = Router(prefix="/recordsets/{recordset}/views/{view_id}/share-links", tags=["Public sharing"], module=RECORDS)

Publisher = Annotated[Reached, recordset_in_path("publish")]

REFUSALS = (RecordsetNotFound, ActionForbidden, ViewNotFound)
CHOICES = (ViewNotShareable, LinkFieldsInvalid, ExpiryPassed)


@router.get("", responses=raises(*REFUSALS))
async def list(target: Publisher, view_id: UUID, part: LimitedSlice) -> Page[ShareLink]:  # noqa: A001 - bare verbs
    """List the links that share a view, the newest first.

    Those that have ended are among them. Needs `can_admin` on the recordset.
    """
    return await service.list_links(target, view_id, part=part)


@router.post("", status_code=201, responses=raises(*REFUSALS, *CHOICES))
async def create(target: Publisher, view_id: UUID, data: ShareLinkCreate) -> ShareLinkCreated:
    """Share a view with people who need not sign in.

    The token is shown this once. The link shows what the view shows, of what its maker may see at the time, and ends
    with the maker's right to share it. Fields that are added later are not shown unless the link is changed. Needs
    `can_admin` on the recordset.
    """
    return await service.create_link(target, view_id, data=data)


@router.patch(
    "/{link_id}",
    responses=raises(*REFUSALS, *CHOICES, LinkNotFound, LinkRevoked, StaleUpdate, IfMatchInvalid),
)
async def update(
    target: Publisher, view_id: UUID, link_id: UUID, data: ShareLinkUpdate, expected_version: ExpectedVersion
) -> ShareLink:
    """Change when a link ends, its password, and what it shows and allows.

    It stays its maker's. Needs `can_admin` on the recordset.
    """
    return await service.update_link(target, view_id, link_id, data=data, expected_version=expected_version)


@router.delete("/{link_id}", responses=raises(*REFUSALS, LinkNotFound))
async def revoke(target: Publisher, view_id: UUID, link_id: UUID) -> ShareLink:
    """End a link for good.

    Whoever opens it from now on is told that there is no such link. Needs `can_admin` on the recordset.
    """
    return await service.revoke_link(target, view_id, link_id)
