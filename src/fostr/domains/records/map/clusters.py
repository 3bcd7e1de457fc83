"""The records of a part of a map, counted by the cells of a grid: as much for ten records as for ten million."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from fostr.domains.records.fields.geometry import TURN, Bounds
from fostr.domains.records.map import repository
from fostr.domains.records.map.asking import select_placed
from fostr.domains.records.map.keeping import answer_once
from fostr.domains.records.map.mercator import cells_of, expansion_zoom
from fostr.domains.records.query.box import box_condition, parse_box
from fostr.kernel.db.sql import join_and

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.domains.records.map.asking import MapQuery
    from fostr.domains.records.map.cache import Answer
    from fostr.domains.records.map.mercator import Cells
    from fostr.domains.records.map.repository import Cluster, Named
    from fostr.domains.records.recordsets.reach import Reached
    from fostr.kernel.db.sql import Fragment
    from fostr.kernel.db.unit import Unit

CELLS_PER_TILE: Final = 4
"""To each side; on a screen, where tiles are 256 wide, a cell is 64."""
MOST_CLUSTERS: Final = 2_000
WORLD: Final = Bounds(-180.0, -90.0, 180.0, 90.0)


async def find_clusters(reached: Reached, query: MapQuery, *, bbox: str | None, zoom: int) -> Answer:
    """Return the clusters of a part of a map, as JSON.

    What is counted are whole cells, also where the part ends inside of one: so the numbers do not change as the map is
    moved.

    Raises:
        BoxInvalid: the bounding box cannot be used.
        ActionForbidden, GeometryTypeUnknown, FilterInvalid, TimeZoneUnknown: see `select_placed`.
    """
    asked = WORLD if bbox is None or not bbox.strip() else parse_box(bbox)
    cells = cells_of(asked, 2**zoom * CELLS_PER_TILE)
    condition = join_and([select_placed(reached, query), box_condition(cells.bounds)])

    async def make(unit: Unit) -> bytes:
        return await _make(unit, condition, cells, zoom)

    return await answer_once(reached, ("clusters", zoom, cells), condition, make)


async def _make(unit: Unit, condition: Fragment, cells: Cells, zoom: int) -> bytes:
    found = await repository.list_clusters(unit, condition, cells=cells, most=MOST_CLUSTERS + 1)
    clusters = found[:MOST_CLUSTERS]
    names = await name_singles(unit, condition, clusters)
    answer = {
        "clusters": [_show(cluster, name, zoom) for cluster, name in zip(clusters, names, strict=True)],
        "zoom": zoom,
        "count": sum(cluster.count for cluster in clusters),
        "truncated": len(found) > MOST_CLUSTERS,
    }
    return orjson.dumps(answer)


async def name_singles(unit: Unit, condition: Fragment, clusters: Sequence[Cluster]) -> list[Named | None]:
    """Return of each cluster of one record what that is called."""
    singles = [place for place, cluster in enumerate(clusters) if cluster.count == 1]
    names: list[Named | None] = [None] * len(clusters)
    if singles:
        found = await repository.find_singles(unit, condition, [clusters[place] for place in singles])
        for place, name in zip(singles, found, strict=True):
            names[place] = name
    return names


def _show(cluster: Cluster, name: Named | None, zoom: int) -> dict[str, Any]:
    bounds = cluster.bounds
    return {
        "count": cluster.count,
        # What crosses the antimeridian has its middle on one side of it.
        "lng": cluster.lng if cluster.lng <= TURN / 2 else cluster.lng - TURN,
        "lat": cluster.lat,
        "bounds": [bounds.west, bounds.south, bounds.east, bounds.north],
        "expansion_zoom": expansion_zoom(bounds, zoom=zoom, cells_per_tile=CELLS_PER_TILE),
        "id": None if name is None else name.id,
        "title": None if name is None else name.title,
    }
