"""GeoJSON geometries (RFC 7946): checked, and reduced to their bounding box.

An edge that spans more than 180 degrees of longitude, and less than a whole turn, goes the short way: across the
antimeridian.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, cast

from fostr.domains.records.fields.types import ValueRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DEPTHS: Final = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}
"""How many lists lie around a position of each type."""

AREAS: Final = frozenset({"Polygon", "MultiPolygon"})
MOST_POSITIONS: Final = 200_000
HALF_TURN: Final = 180.0
TURN: Final = 360.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """A box in degrees.

    Its west lies between -180 and 180, and is at most its east, which lies beyond 180 where the box crosses the
    antimeridian.
    """

    west: float
    south: float
    east: float
    north: float

    def as_box(self) -> str:
        """Return the box as PostgreSQL writes it."""
        return f"({self.east!r},{self.north!r}),({self.west!r},{self.south!r})"


def point(lat: float, lng: float) -> dict[str, Any]:
    """Return a point as GeoJSON."""
    return {"type": "Point", "coordinates": [lng, lat]}


def check_geometry(value: Any) -> dict[str, Any]:
    """Return a geometry that is well formed and lies in the world.

    Raises:
        ValueRefused: it is not GeoJSON, has no positions, too many, or one outside of the world.
    """
    if not isinstance(value, dict):
        raise ValueRefused("is not a GeoJSON geometry")
    geometry = cast("dict[str, Any]", value)
    kind = geometry.get("type")
    if kind not in DEPTHS:
        raise ValueRefused("is not a GeoJSON geometry of a known type")
    count = 0
    for _ in walk_positions(geometry.get("coordinates"), DEPTHS[kind]):
        count += 1
        if count > MOST_POSITIONS:
            raise ValueRefused(f"has more than {MOST_POSITIONS} positions")
    if count == 0:
        raise ValueRefused("has no positions")
    return {"type": kind, "coordinates": geometry["coordinates"]}


def walk_positions(coordinates: Any, depth: int) -> Iterator[tuple[float, float]]:
    """Yield every position as longitude and latitude, checking the shape on the way."""
    if not isinstance(coordinates, list):
        raise ValueRefused("has coordinates of the wrong shape")
    items = cast("list[Any]", coordinates)
    if depth > 0:
        for inner in items:
            yield from walk_positions(inner, depth - 1)
        return
    if len(items) < 2 or not all(isinstance(n, int | float) and not isinstance(n, bool) for n in items):
        raise ValueRefused("has a position that is not two numbers")
    lng, lat = float(items[0]), float(items[1])
    if not (-180 <= lng <= 180 and -90 <= lat <= 90):
        raise ValueRefused("has a position outside of the world")
    yield lng, lat


def bounds_of(geometry: dict[str, Any]) -> Bounds:
    """Return the bounding box of a checked geometry: the narrowest, also across the antimeridian."""
    positions = list(walk_positions(geometry["coordinates"], DEPTHS[geometry["type"]]))
    lngs, lats = [p[0] for p in positions], [p[1] for p in positions]
    west, east = min(lngs), max(lngs)
    if east - west > HALF_TURN:
        return _bounds_across(geometry, min(lats), max(lats))
    return Bounds(west=west, south=min(lats), east=east, north=max(lats))


def _bounds_across(geometry: dict[str, Any], south: float, north: float) -> Bounds:
    arcs: list[tuple[float, float]] = []
    is_area = geometry["type"] in AREAS
    for line in walk_lines(geometry["coordinates"], DEPTHS[geometry["type"]]):
        lngs = unwrap([position[0] for position in line])
        if is_area and winds(lngs):
            # A ring around a pole: the nearer one lies inside.
            return Bounds(-180.0, south, 180.0, 90.0) if south + north > 0 else Bounds(-180.0, -90.0, 180.0, north)
        arcs.append((min(lngs), max(lngs)))
    west, east = narrowest_arc(arcs)
    return Bounds(west, south, east, north)


def walk_lines(coordinates: Any, depth: int) -> Iterator[Sequence[Any]]:
    """Yield the rings, lines and single points of checked coordinates, each as its positions."""
    if depth == 0:
        yield [coordinates]
    elif depth == 1:
        yield coordinates
    else:
        for inner in coordinates:
            yield from walk_lines(inner, depth - 1)


def unwrap(lngs: Sequence[float]) -> list[float]:
    """Return longitudes along a line so that they go on beyond 180 degrees where it crosses the antimeridian."""
    turned, unwrapped = 0.0, [lngs[0]]
    for before, after in pairwise(lngs):
        if HALF_TURN < abs(after - before) < TURN:
            turned += TURN if after < before else -TURN
        unwrapped.append(after + turned)
    return unwrapped


def winds(unwrapped: Sequence[float]) -> bool:
    """Say whether a ring, its longitudes unwrapped, goes around a pole."""
    return abs(unwrapped[-1] - unwrapped[0]) > HALF_TURN


def narrowest_arc(arcs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return west and east of the narrowest stretch of longitudes that holds all of some.

    West lies between -180 and 180. All longitudes there are, are -180 to 180.
    """
    moved = sorted((west - _turns(west), east - _turns(west)) for west, east in arcs)
    furthest = max(east for _, east in moved)
    begins, gap = moved[0][0], moved[0][0] + TURN - furthest
    # What ends east of the world covers its west as well.
    reach = max(moved[0][1], furthest - TURN)
    for west, east in moved[1:]:
        if west - reach > gap:
            begins, gap = west, west - reach
        reach = max(reach, east)
    return (begins, begins + TURN - gap) if gap > 0 else (-180.0, 180.0)


def _turns(lng: float) -> float:
    return 0.0 if -HALF_TURN <= lng <= HALF_TURN else math.floor((lng + HALF_TURN) / TURN) * TURN
