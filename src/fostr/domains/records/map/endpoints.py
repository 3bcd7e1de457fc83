"""Operations on the records of a map."""

from typing import Annotated

from fastapi import Depends, Query

from fostr.domains.records.map import service
from fostr.domains.records.map.service import GeometryTypeUnknown, MapQuery
from fostr.domains.records.modules import RECORDS
from fostr.domains.records.query.box import BoxInvalid
from fostr.domains.records.query.filters import FilterInvalid
from fostr.domains.records.records.showing import FieldsInvalid
from fostr.domains.records.recordsets.reach import ActionForbidden, Reached, RecordsetNotFound, recordset_in_query
from fostr.kernel.http.errors import raises
from fostr.kernel.http.routing import Router
from fostr.kernel.http.streams import NDJSON, JsonLines

router = Router(prefix="/records/map", tags=["Records"], module=RECORDS)

Viewed = Annotated[Reached, recordset_in_query("view_records")]
EXAMPLE = (
    '{"id":"0192f0c1-a2b3-7c4d-8e9f-001122334455","geometry":{"type":"Point","coordinates":[-95.02,30.69]},'
    '"geometry_type":"Point","title":"Livingston Municipal","lat":30.69,"lng":-95.02}\n'
    '{"__meta__":{"count":1,"truncated":false}}\n'
)


async def read_query(
    *,
    bbox: Annotated[
        str | None,
        Query(
            max_length=200,
            description="west,south,east,north in degrees; crosses the antimeridian where west is greater than east.",
            examples=["-125,32,-114,42"],
        ),
    ] = None,
    limit: Annotated[int | None, Query(ge=1, le=100_000_000, description="The most lines; all without it.")] = None,
    fields: Annotated[str | None, Query(max_length=10_000, description="Keys of fields whose values go along.")] = None,
    geometry_types: Annotated[
        str | None, Query(max_length=200, description="Only these kinds, separated by commas.", examples=["Point"])
    ] = None,
    column_filters: Annotated[str | None, Query(max_length=50_000, description="As for a list of records.")] = None,
    numeric_filters: Annotated[str | None, Query(max_length=50_000, description="As for a list of records.")] = None,
) -> MapQuery:
    """Return what the parameters ask for."""
    return MapQuery(
        bbox=bbox,
        limit=limit,
        fields=fields,
        geometry_types=geometry_types,
        column_filters=column_filters,
        numeric_filters=numeric_filters,
    )


@router.get(
    "",
    response_class=JsonLines,
    responses={
        **raises(RecordsetNotFound, ActionForbidden, FilterInvalid, FieldsInvalid, BoxInvalid, GeometryTypeUnknown),
        200: {"description": "One record a line, then a line of totals.", "content": {NDJSON: {"example": EXAMPLE}}},
    },
)
async def stream(target: Viewed, query: Annotated[MapQuery, Depends(read_query)]) -> JsonLines:
    """Stream the records of a map.

    Newline-delimited JSON: a line for each record that lies somewhere, with `id`, `geometry` (GeoJSON),
    `geometry_type`, `title`, `lat` and `lng` for points, and `fields` when they were asked for. A bounding box keeps
    what touches it. The last line, `{"__meta__": {"count": …, "truncated": …}}`, tells how many came, and whether
    `limit` held more back; a stream without it was cut off.
    """
    return JsonLines(service.stream_map(service.plan_map(target, query)))
