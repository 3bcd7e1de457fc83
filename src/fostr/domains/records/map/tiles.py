"""Vector tiles of a recordset: its records where there are few, and clusters where there are many."""

from __future__ import annotations

import html
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from fostr.domains.records.map import repository
from fostr.domains.records.map.asking import parse_shown, select_placed
from fostr.domains.records.map.clusters import name_singles
from fostr.domains.records.map.keeping import answer_once, freeze
from fostr.domains.records.map.mercator import HIGHEST_LAT, LAST_ZOOM, tile_bounds, tile_cells
from fostr.domains.records.query.box import box_condition
from fostr.domains.records.records.showing import value_columns
from fostr.domains.records.spatial.computing import Room, compute
from fostr.kernel.db.sql import Fragment, join_and
from fostr.kernel.http.errors import Unprocessable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fostr.domains.records.fields.model import Recordset
    from fostr.domains.records.map.asking import MapQuery
    from fostr.domains.records.map.cache import Answer
    from fostr.domains.records.recordsets.reach import Reached
    from fostr.kernel.db.unit import Unit

MOST_FEATURES: Final = 5_000
"""In a tile; where there are more, it shows clusters."""
MOST_SHAPE_BYTES: Final = 16_000_000
"""Of the shapes in a tile, as they are stored; the same."""
CELLS_PER_TILE: Final = 16
"""To each side."""
MARGIN: Final = 64 / 4096

_room: Final = Room(most=64)


class TileUnknown(Unprocessable):
    """There is no such tile."""

    code = "tile_unknown"
    detail = "At a zoom there are as many tiles to each side as two to the power of it."


async def find_tile(reached: Reached, query: MapQuery, *, z: int, x: int, y: int, fields: str | None) -> Answer:
    """Return a vector tile.

    Raises:
        TileUnknown: the zoom has no such tile.
        FieldsInvalid: the fields that were asked for cannot be shown.
        SpatialBusy: too many others are being drawn.
        ActionForbidden, GeometryTypeUnknown, FilterInvalid, TimeZoneUnknown: see `select_placed`.
    """
    if max(x, y) >= 2**z:
        raise TileUnknown(z=z, x=x, y=y)
    placed = select_placed(reached, query)
    near = join_and([placed, box_condition(tile_bounds(z, x, y, margin=MARGIN))])
    keys = parse_shown(reached, fields)
    shown = Fragment("'{}'::jsonb", {}) if keys is None else value_columns(reached, keys)

    async def make(unit: Unit) -> bytes:
        count, size = await repository.measure_features(unit, near, most=MOST_FEATURES + 1)
        with _room.enter():
            if count > MOST_FEATURES or size > MOST_SHAPE_BYTES:
                return await _draw_clusters(unit, placed, z=z, x=x, y=y)
            return await _draw_features(unit, near, shown, z=z, x=x, y=y)

    return await answer_once(reached, ("tile", z, x, y, freeze(shown)), near, make)


async def _draw_features(unit: Unit, near: Fragment, shown: Fragment, *, z: int, x: int, y: int) -> bytes:
    rows: list[dict[str, Any]] = [dict(row) for row in await repository.list_features(unit, near, shown=shown)]
    from fostr.domains.records.map.drawing import draw_features

    return await compute(partial(draw_features, z, x, y, rows))


async def _draw_clusters(unit: Unit, placed: Fragment, *, z: int, x: int, y: int) -> bytes:
    cells = tile_cells(z, x, y, each=CELLS_PER_TILE)
    condition = join_and([placed, box_condition(cells.bounds)])
    clusters = await repository.list_clusters(unit, condition, cells=cells, most=CELLS_PER_TILE**2)
    names = await name_singles(unit, condition, clusters)
    from fostr.domains.records.map.drawing import draw_clusters

    return await compute(partial(draw_clusters, clusters, names, z=z, x=x, y=y))


_KINDS: Final = {"number": "Number", "boolean": "Boolean"}


def describe_tiles(reached: Reached, *, fields: str | None, asked: Mapping[str, str]) -> dict[str, Any]:
    """Return where a recordset's tiles are and what is in them.

    Args:
        reached: the recordset.
        fields: as the tiles are asked for.
        asked: the parameters of the query, which the tiles are asked for with as well.

    Raises:
        FieldsInvalid: the fields that were asked for cannot be shown.
    """
    recordset = reached.recordset
    keys = parse_shown(reached, fields) or []
    shown = {key: _KINDS.get(recordset.by_key[key].kind, "String") for key in keys}
    own = {"id": "String", "title": "String", "cluster": "Boolean", "point_count": "Number"}
    base = reached.context.settings.public_url.rstrip("/")
    address = f"{base}/api/v1/records/map/tiles/{{z}}/{{x}}/{{y}}?{urlencode(asked)}"
    return {
        "tilejson": "3.0.0",
        "name": recordset.name,
        "description": "",
        "attribution": _attribution(recordset),
        "scheme": "xyz",
        "tiles": [address],
        "minzoom": 0,
        "maxzoom": LAST_ZOOM,
        "bounds": [-180.0, -HIGHEST_LAT, 180.0, HIGHEST_LAT],
        "vector_layers": [{"id": "records", "fields": {**own, **shown}, "minzoom": 0, "maxzoom": LAST_ZOOM}],
    }


def _attribution(recordset: Recordset) -> str | None:
    """Return whom a map names; map libraries show it as HTML, so it is written as a text of that."""
    said = [recordset.settings.get(name) for name in ("attribution", "licence")]
    return html.escape(", ".join(text for text in said if text)) or None
