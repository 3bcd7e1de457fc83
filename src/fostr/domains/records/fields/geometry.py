"""GeoJSON geometries (RFC 7946): checked, and reduced to their bounding box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from fostr.domains.records.fields.types import ValueRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPTHS: Final = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}
"""How many lists lie around a position of each type."""

MOST_POSITIONS: Final = 200_000


@dataclass(frozen=True, slots=True)
class Bounds:
    """A box in degrees; west is at most east."""

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
    """Return the bounding box of a checked geometry."""
    positions = list(walk_positions(geometry["coordinates"], DEPTHS[geometry["type"]]))
    lngs, lats = [p[0] for p in positions], [p[1] for p in positions]
    return Bounds(west=min(lngs), south=min(lats), east=max(lngs), north=max(lats))
