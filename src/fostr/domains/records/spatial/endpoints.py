"""Operations that compare where records lie."""

from typing import Annotated

from starlette.responses import Response

from fostr.domains.records.modules import RECORDS
from fostr.domains.records.query.filters import FilterInvalid
from fostr.domains.records.query.moments import TimeZoneUnknown
from fostr.domains.records.recordsets.reach import ActionForbidden, RecordsetNotFound
from fostr.domains.records.spatial import service
from fostr.domains.records.spatial.computing import SpatialBusy
from fostr.domains.records.spatial.schemas import SpatialFilter, SpatialMatches
from fostr.domains.records.spatial.service import SpatialTooSlow, TooManyPlaces
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.routing import Router

router = Router(prefix="/records/spatial-filter", tags=["Records"], module=RECORDS)

Member = Annotated[Context, in_workspace(None)]


@router.post(
    "",
    response_model=SpatialMatches,
    responses=raises(
        RecordsetNotFound,
        ActionForbidden,
        FilterInvalid,
        TimeZoneUnknown,
        TooManyPlaces,
        SpatialTooSlow,
        SpatialBusy,
    ),
)
async def filter(context: Member, data: SpatialFilter) -> Response:
    """Filter records by where they lie to those of another recordset.

    Answers the ids of the target's records that intersect, lie within, contain, or lie at most `buffer_meters` away
    from any record of the source; with `exclude`, of those that do not. Records without a place take no part. Needs
    the right to see the records of both recordsets.

    Distances are metres on the ellipsoid (WGS 84), between two points exact, and else to within a metre or 0.1 %. What
    crosses the antimeridian or holds a pole is compared as it lies on the globe; an edge that spans more than 180
    degrees of longitude goes the short way. At most 100,000 sources and 1,000,000 targets are compared, for at most 30
    seconds.
    """
    return Response(await service.filter_spatially(context, data=data), media_type="application/json")
