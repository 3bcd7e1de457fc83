"""The grid of web maps: the square Web Mercator makes of the world, cut into tiles and cells by zoom."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from fostr.domains.records.fields.geometry import HALF_TURN, TURN, Bounds

HIGHEST_LAT: Final = 85.0511287798066
"""Where the square ends."""
LAST_ZOOM: Final = 22


@dataclass(frozen=True, slots=True)
class Cells:
    """Some neighbouring cells of a grid of `across` by `across` cells around the world; columns go on beyond it."""

    across: int
    west: int
    north: int
    east: int
    south: int

    @property
    def bounds(self) -> Bounds:
        """The box around them; those at the edge reach to the poles."""
        west, east = column_lng(self.west, self.across), column_lng(self.east + 1, self.across)
        if east - west >= TURN:
            west, east = -HALF_TURN, HALF_TURN
        turn = math.floor((west + HALF_TURN) / TURN) * TURN
        south = -90.0 if self.south >= self.across - 1 else row_lat(self.south + 1, self.across)
        north = 90.0 if self.north <= 0 else row_lat(self.north, self.across)
        return Bounds(west - turn, south, east - turn, north)


def column_lng(column: float, across: int) -> float:
    """Return the longitude at the western edge of a column."""
    return column / across * TURN - HALF_TURN


def row_lat(row: float, across: int) -> float:
    """Return the latitude at the northern edge of a row."""
    return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * row / across))))


def across_of(lng: float) -> float:
    """Return how far east a longitude lies, of the whole square."""
    return (lng + HALF_TURN) / TURN


def down_of(lat: float) -> float:
    """Return how far south a latitude lies, of the whole square."""
    sine = math.sin(math.radians(min(max(lat, -HIGHEST_LAT), HIGHEST_LAT)))
    return min(max(0.5 - math.atanh(sine) / (2 * math.pi), 0.0), 1.0)


def cells_of(bounds: Bounds, across: int) -> Cells:
    """Return the cells that a box touches."""
    return Cells(
        across=across,
        west=math.floor(across_of(bounds.west) * across),
        north=min(across - 1, math.floor(down_of(bounds.north) * across)),
        east=math.ceil(across_of(bounds.east) * across) - 1
        if bounds.east > bounds.west
        else math.floor(across_of(bounds.west) * across),
        south=max(0, min(across - 1, math.floor(down_of(bounds.south) * across))),
    )


def tile_cells(z: int, x: int, y: int, *, each: int) -> Cells:
    """Return the cells of a tile that has `each` by `each` of them."""
    return Cells(2**z * each, x * each, y * each, (x + 1) * each - 1, (y + 1) * each - 1)


def tile_bounds(z: int, x: int, y: int, *, margin: float) -> Bounds:
    """Return the box of a tile, wider by a share of its size to every side."""
    across = 2**z
    west, east = column_lng(x - margin, across), column_lng(x + 1 + margin, across)
    if east - west >= TURN:
        west, east = -HALF_TURN, HALF_TURN
    elif west < -HALF_TURN:
        west, east = west + TURN, east + TURN
    south, north = row_lat(min(across, y + 1 + margin), across), row_lat(max(0.0, y - margin), across)
    return Bounds(west, south, east, north)


def expansion_zoom(bounds: Bounds, *, zoom: int, cells_per_tile: int) -> int:
    """Return the zoom at which what lies in a box falls into several cells; the last when it never does."""
    size = max(across_of(bounds.east) - across_of(bounds.west), down_of(bounds.south) - down_of(bounds.north))
    if size <= 0:
        return LAST_ZOOM
    wanted = math.ceil(-math.log2(size) - math.log2(cells_per_tile))
    return max(min(LAST_ZOOM, zoom + 1), min(LAST_ZOOM, wanted))
