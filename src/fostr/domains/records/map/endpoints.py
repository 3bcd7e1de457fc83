"""Operations on the records of a map."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Path, Query, Request
from starlette.responses import Response

from fostr.domains.records.map import clusters, service, tiles
from fostr.domains.records.map.asking import GeometryTypeUnknown, MapQuery
from fostr.domains.records.map.cache import Answer
from fostr.domains.records.map.mercator import LAST_ZOOM
from fostr.domains.records.map.schemas import EXAMPLE_CLUSTERS, MapClusters, TileJson
from fostr.domains.records.map.tiles import TileUnknown
from fostr.domains.records.modules import RECORDS
from fostr.domains.records.query.box import BoxInvalid
from fostr.domains.records.query.filters import FilterInvalid
from fostr.domains.records.query.moments import TimeZoneUnknown
from fostr.domains.records.query.search import LONGEST_SEARCH
from fostr.domains.records.records.showing import FieldsInvalid
from fostr.domains.records.recordsets.reach import ActionForbidden, Reached, RecordsetNotFound, recordset_in_query
from fostr.domains.records.spatial.computing import SpatialBusy
from fostr.domains.records.views.applying import find_applied
from fostr.domains.records.views.service import ViewNotFound
from fostr.kernel.http.errors import raises
from fostr.kernel.http.routing import Router
from fostr.kernel.http.streams import NDJSON, JsonLines

router = Router(prefix="/records/map", tags=["Records"], module=RECORDS)

Viewed = Annotated[Reached, recordset_in_query("view_records")]
Box = Annotated[
    str | None,
    Query(
        max_length=200,
        description="west,south,east,north in degrees; crosses the antimeridian where west is greater than east.",
        examples=["-125,32,-114,42"],
    ),
]
Fields = Annotated[str | None, Query(max_length=10_000, description="Keys of fields whose values go along.")]
Limit = Annotated[int | None, Query(ge=1, le=100_000_000, description="The most lines; all without it.")]
Zoom = Annotated[int, Query(ge=0, le=LAST_ZOOM, description="As of web maps whose tiles are 256 wide.")]
TileZoom = Annotated[int, Path(ge=0, le=LAST_ZOOM)]
TileNumber = Annotated[int, Path(ge=0, lt=2**LAST_ZOOM)]
Known = Annotated[str | None, Header(alias="If-None-Match", max_length=1_000)]
TILE = "application/vnd.mapbox-vector-tile"
EXAMPLE = (
    '{"id":"0192f0c1-a2b3-7c4d-8e9f-001122334455","geometry":{"type":"Point","coordinates":[-95.02,30.69]},'
    '"geometry_type":"Point","title":"Livingston Municipal","lat":30.69,"lng":-95.02}\n'
    '{"__meta__":{"count":1,"truncated":false}}\n'
)
SELECTION_REFUSALS = (
    RecordsetNotFound,
    ActionForbidden,
    ViewNotFound,
    FilterInvalid,
    TimeZoneUnknown,
    GeometryTypeUnknown,
)
# What is kept may only be shown again to who asked, and only after asking whether it still holds: rights end at once.
CACHING = {"Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie, X-API-Key, X-Workspace-Id"}
NOT_MODIFIED = {304: {"description": "The client has it already."}}


async def read_query(
    target: Viewed,
    *,
    geometry_types: Annotated[
        str | None, Query(max_length=200, description="Only these kinds, separated by commas.", examples=["Point"])
    ] = None,
    search: Annotated[str | None, Query(max_length=LONGEST_SEARCH, description="As for a list of records.")] = None,
    column_filters: Annotated[str | None, Query(max_length=50_000, description="As for a list of records.")] = None,
    numeric_filters: Annotated[str | None, Query(max_length=50_000, description="As for a list of records.")] = None,
    date_filters: Annotated[str | None, Query(max_length=50_000, description="As for a list of records.")] = None,
    filters: Annotated[
        str | None, Query(max_length=50_000, description="Groups of conditions, as for a list of records.")
    ] = None,
    time_zone: Annotated[str | None, Query(max_length=64, description="Whose days relative dates mean.")] = None,
    view_id: Annotated[UUID | None, Query(description="A saved view, whose conditions hold as well.")] = None,
) -> MapQuery:
    """Return what the parameters ask for."""
    return MapQuery(
        geometry_types=geometry_types,
        search=search,
        column_filters=column_filters,
        numeric_filters=numeric_filters,
        date_filters=date_filters,
        filters=filters,
        time_zone=time_zone,
        view=None if view_id is None else (await find_applied(target, view_id)).query,
    )


Asked = Annotated[MapQuery, Depends(read_query)]


@router.get(
    "",
    response_class=JsonLines,
    responses={
        **raises(*SELECTION_REFUSALS, FieldsInvalid, BoxInvalid),
        200: {"description": "One record a line, then a line of totals.", "content": {NDJSON: {"example": EXAMPLE}}},
    },
)
async def stream(
    target: Viewed, query: Asked, bbox: Box = None, limit: Limit = None, fields: Fields = None
) -> JsonLines:
    """Stream the records of a map.

    Newline-delimited JSON: a line for each record that lies somewhere, with `id`, `geometry` (GeoJSON),
    `geometry_type`, `title`, `lat` and `lng` for points, and `fields` when they were asked for. A bounding box keeps
    what touches it. The last line, `{"__meta__": {"count": …, "truncated": …}}`, tells how many came, and whether
    `limit` held more back; a stream without it was cut off.
    """
    plan = service.plan_map(target, query, bbox=bbox, fields=fields, limit=limit)
    return JsonLines(service.stream_map(plan))


@router.get(
    "/clusters",
    response_model=MapClusters,
    responses={
        **raises(*SELECTION_REFUSALS, BoxInvalid),
        200: {"content": {"application/json": {"example": EXAMPLE_CLUSTERS}}},
        **NOT_MODIFIED,
    },
)
async def cluster(target: Viewed, query: Asked, zoom: Zoom, bbox: Box = None, known: Known = None) -> Response:
    """Count the records of a map by the cells of a grid.

    Four cells to each side of a web map's tile; each with its number of records, their middle and bounds, and the zoom
    at which they part. A record that is alone in its cell comes with its id and title. At most 2,000 cells, those with
    the most records first.
    """
    answer = await clusters.find_clusters(target, query, bbox=bbox, zoom=zoom)
    return _answer(answer, known, media_type="application/json")


@router.get(
    "/tiles/{z}/{x}/{y}",
    response_class=Response,
    responses={
        **raises(*SELECTION_REFUSALS, FieldsInvalid, TileUnknown, SpatialBusy),
        200: {"description": "A vector tile, layer `records`.", "content": {TILE: {}}},
        **NOT_MODIFIED,
    },
)
async def tile(
    *,
    target: Viewed,
    query: Asked,
    z: TileZoom,
    x: TileNumber,
    y: TileNumber,
    fields: Fields = None,
    known: Known = None,
) -> Response:
    """Get a vector tile of a map.

    Its layer `records` holds the records as features, with `id`, `title` and the fields that were asked for; shapes are
    simplified by zoom. A tile with more than 5,000 records shows clusters: points with `cluster` and `point_count`.
    """
    answer = await tiles.find_tile(target, query, z=z, x=x, y=y, fields=fields)
    return _answer(answer, known, media_type=TILE)


@router.get("/tilejson", responses=raises(*SELECTION_REFUSALS, FieldsInvalid))
async def describe(target: Viewed, query: Asked, request: Request, fields: Fields = None) -> TileJson:
    """Describe the vector tiles of a map.

    TileJSON 3.0, for map libraries: where the tiles are that show the same records and fields, and what is in them.
    """
    del query
    return TileJson(**tiles.describe_tiles(target, fields=fields, asked=dict(request.query_params)))


def _answer(answer: Answer, known: str | None, *, media_type: str) -> Response:
    headers = {**CACHING, "ETag": f'"{answer.tag}"'}
    if known is not None and (answer.tag in known or known.strip() == "*"):
        return Response(status_code=304, headers=headers)
    return Response(answer.content, media_type=media_type, headers=headers)
