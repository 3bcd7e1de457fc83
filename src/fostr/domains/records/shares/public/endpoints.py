"""Operations on shared tables: public, because the token is the permission."""

from typing import Annotated

from fastapi import Depends, Response
from starlette.responses import StreamingResponse

from fostr.domains.records.modules import RECORDS
from fostr.domains.records.query.filters import FilterInvalid
from fostr.domains.records.query.moments import TimeZoneUnknown
from fostr.domains.records.query.sorting import SortInvalid
from fostr.domains.records.shares.public import service
from fostr.domains.records.shares.public.opening import (
    OpenedShare,
    SharePasswordRequired,
    SharePasswordWrong,
    count_visit,
    open_share,
)
from fostr.domains.records.shares.public.schemas import SharedRows, SharedRowsQuery, SharedTable
from fostr.domains.records.shares.public.service import DownloadNotAllowed
from fostr.domains.records.shares.rules import ShareLinkThrottled, SharePasswordThrottled
from fostr.domains.records.shares.service import LinkNotFound
from fostr.kernel.http.errors import raises
from fostr.kernel.http.guards import Public
from fostr.kernel.http.queries import query_as
from fostr.kernel.http.routing import Router

router = Router(prefix="/public/tables/{share_token}", tags=["Public sharing"], module=RECORDS)

Opened = Annotated[OpenedShare, Depends(open_share)]
RowsQuery = Annotated[SharedRowsQuery, query_as(SharedRowsQuery)]

REFUSALS = (LinkNotFound, SharePasswordRequired, SharePasswordWrong, ShareLinkThrottled, SharePasswordThrottled)
KEEP_NOWHERE = {"Cache-Control": "private, no-store", "X-Robots-Tag": "noindex, nofollow"}
CSV = {200: {"description": "The rows.", "content": {"text/csv": {"schema": {"type": "string"}}}}}


@router.get("", responses=raises(*REFUSALS))
async def get(opened: Opened, public: Public, response: Response) -> SharedTable:
    """Show a shared table: what it is called, its fields, and how it is laid out.

    Nobody has to sign in. A link that is unknown, revoked or over, or whose maker may not share it any more, answers
    404. Where it has a password, that goes in `X-Share-Password`.
    """
    response.headers.update(KEEP_NOWHERE)
    await count_visit(opened, public)
    return service.show_table(opened)


@router.get(
    "/rows", response_model=SharedRows, responses=raises(*REFUSALS, FilterInvalid, SortInvalid, TimeZoneUnknown)
)
async def rows(opened: Opened, query: RowsQuery) -> Response:
    """List the rows of a shared table.

    Those that the view shows, of those that the link's maker may see. Searches, filters and sorts know only the fields
    that are shown; without a sort, the view's own holds.
    """
    body = await service.list_rows(opened, query)
    return Response(body, media_type="application/json", headers=KEEP_NOWHERE)


@router.get("/download", response_class=Response, responses=CSV | raises(*REFUSALS, DownloadNotAllowed))
async def download(opened: Opened) -> StreamingResponse:
    """Download the rows of a shared table as a CSV file.

    Only where the link allows it, and its maker may export.
    """
    service.check_download(opened)
    headers = {**KEEP_NOWHERE, "Content-Disposition": 'attachment; filename="table.csv"'}
    return StreamingResponse(service.write_rows(opened), media_type="text/csv; charset=utf-8", headers=headers)
