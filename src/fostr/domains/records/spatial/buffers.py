"""Sources made wider by so many metres, as areas that targets can lie within, or around.

Each piece of an edge is widened on its own plane (see `distances`), and what comes out is joined. The round ends are
polygons of 128 edges, drawn so that they leave the circle by at most 0.02 % of its radius, to either side.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# Shapely's functions take keywords that its types leave open.

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

from fostr.domains.records.spatial.distances import EARTH, cut, draw, longest_step
from fostr.domains.records.spatial.places import AREA, Places, places_of
from fostr.domains.records.spatial.shapes import gather, join_rings

if TYPE_CHECKING:
    from shapely import Geometry

    from fostr.domains.records.spatial.places import Deadline
    from fostr.domains.records.spatial.shapes import Floats

QUARTER: Final = 32
"""Edges to a quarter of a circle."""


def widen_places(places: Places, metres: float, *, deadline: Deadline) -> Places:
    """Return places made wider; all of them are shapes then."""
    radius = metres * (1 + (1 / math.cos(math.pi / (4 * QUARTER)) - 1) / 2)
    shapes = np.concatenate([places.shapes, np.asarray(shapely.points(places.lngs, places.lats), dtype=object)])
    made = np.empty(len(shapes), dtype=object)
    for place, shape in enumerate(shapes):
        deadline.check()
        made[place] = _widen(shape, metres, radius, deadline)
    ids = np.concatenate([places.ids[places.points :], places.ids[: places.points]])
    return Places(ids=ids, lngs=np.empty(0), lats=np.empty(0), shapes=made)


def _widen(shape: Geometry, metres: float, radius: float, deadline: Deadline) -> Geometry:
    planes = draw(cut(places_of(shape), metres))
    parts: list[Geometry] = [shape] if shapely.get_dimensions(shape) == AREA else []
    for lng, lat, line in zip(planes.lngs, planes.lats, planes.lines, strict=True):
        deadline.check()
        area: Geometry = shapely.segmentize(shapely.buffer(line, radius, quad_segs=QUARTER), longest_step(lat, metres))
        rings = [_draw_back(lng, lat, ring) for ring in shapely.get_rings(area)]
        parts.append(join_rings(rings))
    return gather(parts)


def _draw_back(lng: float, lat: float, ring: Geometry) -> list[list[float]]:
    positions: Floats = shapely.get_coordinates(ring)
    count = len(positions)
    azimuth = np.degrees(np.arctan2(positions[:, 0], positions[:, 1]))
    metres = np.hypot(positions[:, 0], positions[:, 1])
    lngs, lats, _ = EARTH.fwd(np.full(count, lng), np.full(count, lat), azimuth, metres)
    lngs[-1], lats[-1] = lngs[0], lats[0]
    return np.column_stack([lngs, lats]).tolist()
