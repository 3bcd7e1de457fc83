"""Records as the features of a vector tile."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# Shapely's functions take keywords that its types leave open.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely

from fostr.domains.records.fields.geometry import HALF_TURN, TURN
from fostr.domains.records.map.mercator import HIGHEST_LAT, across_of, column_lng, down_of, row_lat
from fostr.domains.records.map.mvt import EXTENT, TileWriter
from fostr.domains.records.spatial.shapes import make_shapes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from shapely import Geometry

    from fostr.domains.records.map.repository import Cluster, Named

LAYER: Final = "records"
MARGIN: Final = 64
"""By how many units shapes reach over the edge of a tile, so that their outlines do not show there."""
LAST_LINE: Final = 1 - 2**-40
TOLERANCE: Final = 1.0
"""By how many units an outline may be simplified: a sixteenth of what is seen."""


def draw_features(z: int, x: int, y: int, rows: Sequence[dict[str, Any]]) -> bytes:
    """Return a tile with records; a point belongs to one tile alone."""
    writer = TileWriter(LAYER)
    points = [row for row in rows if row["geometry"] is None]
    for row in points:
        column, line = unit_of(row["lng"], x, 2**z), _line_of(row["lat"], y, 2**z)
        if 0 <= column < EXTENT and 0 <= line < EXTENT:
            writer.add_point(column, line, _properties(row))
    others = [row for row in rows if row["geometry"] is not None]
    if others:
        for row, shape in zip(others, _fit(make_shapes([row["geometry"] for row in others]), z, x, y), strict=True):
            writer.add_shape(shape, _properties(row))
    return writer.finish()


def unit_of(lng: float, x: int, across: int) -> int:
    """Return where in a tile a longitude lies, in units from its west; 180 degrees are the west of the world."""
    return int(np.floor((across_of(lng) % 1.0 * across - x) * EXTENT))


def _line_of(lat: float, y: int, across: int) -> int:
    # What lies beyond the square of Web Mercator lies on its last line.
    return int(np.floor((min(down_of(lat), LAST_LINE) * across - y) * EXTENT))


def _properties(row: dict[str, Any]) -> dict[str, Any]:
    return {"id": row["id"], "title": row["title"], **row["shown"]}


def _fit(shapes: NDArray[np.object_], z: int, x: int, y: int) -> list[Geometry]:
    """Return shapes in units of a tile, cut at its margin, simplified, and on whole numbers."""
    across, share = 2**z, MARGIN / EXTENT
    west, east = column_lng(x - share, across), column_lng(x + 1 + share, across)
    south, north = row_lat(min(across, y + 1 + share), across), row_lat(max(0.0, y - share), across)
    fitted: list[Geometry] = []
    for shape, (begins, _, ends, _) in zip(shapes, shapely.bounds(shapes), strict=True):
        parts: list[Geometry] = []
        # Shapes go on beyond the edges of the world, and so does the margin.
        for turn in (-TURN, 0.0, TURN):
            if begins <= east + turn and ends >= west + turn:
                cut: Geometry = shapely.clip_by_rect(shape, west + turn, south, east + turn, north)
                parts.append(_in_units(cut, turn, across, x, y))
        fitted.append(_whole(parts))
    return fitted


def _in_units(shape: Geometry, turn: float, across: int, x: int, y: int) -> Geometry:
    def place(positions: NDArray[np.float64]) -> NDArray[np.float64]:
        column = (positions[:, 0] - turn + HALF_TURN) / TURN * across - x
        sine = np.sin(np.radians(np.clip(positions[:, 1], -HIGHEST_LAT, HIGHEST_LAT)))
        line = (0.5 - np.arctanh(sine) / (2 * np.pi)) * across - y
        return np.column_stack([column, line]) * EXTENT

    return shapely.transform(shape, place)


def _whole(parts: list[Geometry]) -> Geometry:
    if not parts:
        return shapely.GeometryCollection()
    joined = parts[0] if len(parts) == 1 else shapely.union_all([shapely.make_valid(part) for part in parts])
    simple = shapely.simplify(joined, TOLERANCE)
    return shapely.set_precision(simple if shapely.is_valid(simple) else shapely.make_valid(simple), 1.0)


def draw_clusters(clusters: Sequence[Cluster], names: Sequence[Named | None], *, z: int, x: int, y: int) -> bytes:
    """Return a tile with one point for each cell, as `cluster` features with their `point_count`."""
    writer = TileWriter(LAYER)
    for cluster, name in zip(clusters, names, strict=True):
        column = min(max(unit_of(cluster.lng, x, 2**z), 0), EXTENT - 1)
        line = min(max(_line_of(cluster.lat, y, 2**z), 0), EXTENT - 1)
        shown = {"cluster": True, "point_count": cluster.count}
        writer.add_point(column, line, shown if name is None else {"id": name.id, "title": name.title})
    return writer.finish()
