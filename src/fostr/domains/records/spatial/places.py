"""Where records lie, held in arrays, and the candidates among many points."""

# pyright: reportUnknownMemberType=false
# Shapely's functions take keywords that its types leave open.

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self, TypeAlias

import numpy as np
import shapely

from fostr.domains.records.fields.geometry import HALF_TURN, TURN
from fostr.domains.records.spatial.shapes import POLE, pole_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from shapely import Geometry

    from fostr.domains.records.spatial.shapes import Floats, Indexes, Shapes

Ids: TypeAlias = "NDArray[np.uint8]"

ID_BYTES: Final = 16
AREA: Final = 2
"""The dimensions of an area."""
MOST_PAIRS: Final = 1_000_000
"""Pairs that are looked at together: they take about 50 MB."""
POINTS_PER_CELL: Final = 8


class TooSlow(Exception):
    """A computation has reached its end of time."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a computation is given up. It is asked between steps, each of which is short."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Self:
        """Return the moment so many seconds from now."""
        return cls(time.monotonic() + seconds)

    def check(self) -> None:
        """Give up when it has passed."""
        if time.monotonic() > self.at:
            raise TooSlow


@dataclass(frozen=True, slots=True)
class Places:
    """Records and where they lie: single points as numbers, everything else as shapes.

    Attributes:
        ids: sixteen bytes each; first those of the points, then those of the shapes.
        lngs: of the points.
        lats: the same.
        shapes: see `make_shapes`.
    """

    ids: Ids
    lngs: Floats
    lats: Floats
    shapes: Shapes

    @property
    def points(self) -> int:
        """How many of them are points."""
        return len(self.lngs)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.lngs) + len(self.shapes)

    def only_shapes(self) -> Self:
        """Return those that are not points."""
        return type(self)(self.ids[self.points :], self.lngs[:0], self.lats[:0], self.shapes)

    def spread_poles(self) -> Self:
        """Return the same with points at a pole as shapes: those lie on every meridian."""
        at_pole = np.abs(self.lats) >= POLE
        if not at_pole.any():
            return self
        lines = np.array([pole_line(lat) for lat in self.lats[at_pole]], dtype=object)
        ids, others = self.ids[: self.points], self.ids[self.points :]
        return type(self)(
            ids=np.concatenate([ids[~at_pole], ids[at_pole], others]),
            lngs=self.lngs[~at_pole],
            lats=self.lats[~at_pole],
            shapes=np.concatenate([lines, self.shapes]),
        )


def places_of(shape: Geometry) -> Places:
    """Return a shape as a place of its own."""
    shapes = np.array([shape], dtype=object)
    return Places(np.zeros((1, ID_BYTES), np.uint8), np.empty(0), np.empty(0), shapes)


class PointGrid:
    """Finds points in boxes, many boxes at a time: points are sorted by the cells of a grid."""

    def __init__(self, lngs: Floats, lats: Floats) -> None:
        """Sort points."""
        self._lngs, self._lats = lngs, lats
        count = max(1, len(lngs))
        self._side = max(1, int((count / POINTS_PER_CELL) ** 0.5))
        self._west, self._south = (lngs.min(), lats.min()) if len(lngs) else (0.0, 0.0)
        self._east, self._north = (lngs.max(), lats.max()) if len(lngs) else (-1.0, -1.0)
        self._width = max(self._east - self._west, 1e-9) / self._side
        self._height = max(self._north - self._south, 1e-9) / self._side
        cells = self._row(lats) * self._side + self._column(lngs)
        self._order: Indexes = np.argsort(cells, kind="stable")
        self._starts = np.searchsorted(cells[self._order], np.arange(self._side * self._side + 1))

    def _column(self, lngs: Floats) -> Indexes:
        return np.clip((lngs - self._west) / self._width, 0, self._side - 1).astype(np.intp)

    def _row(self, lats: Floats) -> Indexes:
        return np.clip((lats - self._south) / self._height, 0, self._side - 1).astype(np.intp)

    def find(self, boxes: Floats) -> Iterator[tuple[Indexes, Indexes]]:
        """Yield pairs of a box and a point in it, edges included, `MOST_PAIRS` or those of one box at a time."""
        touching = np.flatnonzero(
            (boxes[:, 0] <= self._east)
            & (boxes[:, 2] >= self._west)
            & (boxes[:, 1] <= self._north)
            & (boxes[:, 3] >= self._south)
        )
        if not len(touching):
            return
        rows, strips = self._strips(boxes[touching])
        sizes = np.add.reduceat(strips[1] - strips[0], np.concatenate([[0], np.cumsum(rows)[:-1]]))
        for chosen in split_by_size(sizes, MOST_PAIRS):
            yield self._pairs(boxes, touching[chosen])

    def _strips(self, boxes: Floats) -> tuple[Indexes, tuple[Indexes, Indexes]]:
        """Return how many rows of cells each box touches, and where in the order each of those begins and ends."""
        west, east = self._column(boxes[:, 0]), self._column(boxes[:, 2])
        south, north = self._row(boxes[:, 1]), self._row(boxes[:, 3])
        rows = north - south + 1
        row = np.repeat(south, rows) + count_up(rows)
        begins = self._starts[row * self._side + np.repeat(west, rows)]
        ends = self._starts[row * self._side + np.repeat(east, rows) + 1]
        return rows, (begins, ends)

    def _pairs(self, boxes: Floats, chosen: Indexes) -> tuple[Indexes, Indexes]:
        rows, (begins, ends) = self._strips(boxes[chosen])
        sizes = ends - begins
        points = self._order[np.repeat(begins, sizes) + count_up(sizes)]
        owners = np.repeat(np.repeat(chosen, rows), sizes)
        lngs, lats, box = self._lngs[points], self._lats[points], boxes[owners]
        inside = (lngs >= box[:, 0]) & (lngs <= box[:, 2]) & (lats >= box[:, 1]) & (lats <= box[:, 3])
        return owners[inside], points[inside]


def count_up(sizes: Indexes) -> Indexes:
    """Return 0, 1, … up to each of the sizes, one run after the other."""
    total = int(sizes.sum())
    return np.arange(total) - np.repeat(np.cumsum(sizes) - sizes, sizes)


def split_by_size(sizes: Indexes, most: int) -> Iterator[slice]:
    """Yield slices whose sizes add up to no more than `most`, or that hold one alone."""
    sums, begin = np.cumsum(sizes), 0
    while begin < len(sizes):
        before = sums[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(sums, before + most, side="right")))
        yield slice(begin, end)
        begin = end


def turn_boxes(boxes: Floats, west: float, east: float) -> tuple[Indexes, Floats]:
    """Return boxes as they lie in a stretch of longitudes, and one turn to either side where they reach into it.

    Returns:
        which box each of the results is, and by how many degrees it was moved.
    """
    indexes: list[Indexes] = []
    moves: list[Floats] = []
    for move in (0.0, -TURN, TURN):
        reaching = np.flatnonzero((boxes[:, 0] + move <= east) & (boxes[:, 2] + move >= west))
        indexes.append(reaching)
        moves.append(np.full(len(reaching), move))
    return np.concatenate(indexes), np.concatenate(moves)


def move_boxes(boxes: Floats, degrees: Floats) -> Floats:
    """Return boxes so many degrees further east."""
    moved = boxes.copy()
    moved[:, 0] += degrees
    moved[:, 2] += degrees
    return moved


def extent(places: Places) -> tuple[float, float]:
    """Return the westernmost and easternmost longitude of some places."""
    bounds = shapely.bounds(places.shapes) if len(places.shapes) else np.empty((0, 4))
    wests, easts = np.concatenate([places.lngs, bounds[:, 0]]), np.concatenate([places.lngs, bounds[:, 2]])
    return (float(np.nanmin(wests)), float(np.nanmax(easts))) if len(wests) else (HALF_TURN, -HALF_TURN)
