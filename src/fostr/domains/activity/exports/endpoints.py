"""Operations on exports of the feed."""

from typing import Annotated
from uuid import UUID

from fastapi import Body, Request, Response
from fastapi.responses import RedirectResponse

from fostr.domains.activity.exports import service
from fostr.domains.activity.exports.schemas import (
    ActivityExport,
    ActivityExportAddress,
    ActivityExportCreate,
    ActivityExportStarted,
)
from fostr.domains.activity.exports.service import ActivityExportNotFound, ActivityExportNotReady
from fostr.domains.activity.feed.filters import ActivityFilterInvalid
from fostr.domains.activity.permissions import EXPORT_ACTIVITY
from fostr.kernel.files.serving import RangeNotSatisfiable, serve_file
from fostr.kernel.files.store import FileMissing
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.paging import LimitedSlice, Page
from fostr.kernel.http.routing import Router

router = Router(prefix="/activity/export", tags=["Activity Feed"])

Exporting = Annotated[Context, in_workspace(EXPORT_ACTIVITY)]
Asked = Annotated[ActivityExportCreate, Body(default_factory=ActivityExportCreate)]

_FILE = {
    200: {"description": "The file.", "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}},
    206: {"description": "The range of it that was asked for."},
    302: {"description": "Where a cloud store serves it for the next hour."},
    304: {"description": "It is still the one that the caller has."},
}


@router.post("", responses=raises(ActivityFilterInvalid))
async def create(context: Exporting, data: Asked) -> ActivityExportStarted:
    """Export the feed to a file.

    Without a body it is the whole feed, as CSV. A job writes what the filters select, as the person who asked may see
    it while it is written. They are notified of its end. Texts that a spreadsheet would run as formulas are made
    harmless, as in exports of records.
    """
    return await service.start_export(context, data=data)


@router.get("/jobs")
async def list(context: Exporting, part: LimitedSlice) -> Page[ActivityExport]:  # noqa: A001 - endpoints are bare verbs
    """List one's own exports of the feed.

    The newest come first. They are deleted a week after their end, with their files.
    """
    return await service.list_exports(context, part=part)


@router.get("/jobs/{job_id}", responses=raises(ActivityExportNotFound))
async def get(context: Exporting, job_id: UUID) -> ActivityExport:
    """Get how far an export is.

    Once it is completed, `output_data` has a fresh signed address of the file, good for an hour.
    """
    return await service.get_export(context, job_id)


@router.get(
    "/jobs/{job_id}/download",
    response_class=Response,
    responses=_FILE | raises(ActivityExportNotFound, ActivityExportNotReady, FileMissing, RangeNotSatisfiable),
)
async def download(context: Exporting, request: Request, job_id: UUID) -> Response:
    """Download an export.

    The answer is the file; where a cloud store keeps it, it leads to a signed address there.
    """
    result = await service.get_result(context, job_id)
    files = context.runtime.files
    if not files.is_served_here:
        return RedirectResponse((await service.sign_download(context, job_id)).download_url, status_code=302)
    return await serve_file(
        request, files, result["key"], filename=result["filename"], content_type=result["content_type"]
    )


@router.get("/jobs/{job_id}/download-url", responses=raises(ActivityExportNotFound, ActivityExportNotReady))
async def get_address(context: Exporting, job_id: UUID) -> ActivityExportAddress:
    """Get a signed address of an export's file.

    Whoever holds the address can fetch the file with it, signed in or not, for an hour.
    """
    return await service.sign_download(context, job_id)
